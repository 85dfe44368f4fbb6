"""What to do next about a failure, by the module's message, which comes from an event and never from a screen."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from dlconf.outcome import TaskFailure


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    hint: str


def _rule(pattern: str, hint: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), hint)


_RULES = (
    _rule(
        r"its login shell or sudo did not answer within \d+ s$",
        "{host} takes the login and then says nothing: log in at its console, and look at the user's shell and at "
        "what sudo waits for (a name server?); a host that is only slow gets more time with ansible_ssh_timeout",
    ),
    _rule(
        r"it did not answer within [\d.]+ s$",
        "{host} takes the connection and then says nothing: log in at its console, and look for a mount or a disk "
        "that hangs, or memory that is full; a host that is only slow gets more time with dlconf_survey_limit_s",
    ),
    _rule(
        r"could not resolve hostname (?P<name>\S+?):",
        "no name server knows {name}: mend the name, or give the address with ansible_host",
    ),
    _rule(
        r"host key verification failed|remote host identification has changed",
        "the host key is not the known one, or not known yet: compare its fingerprint at the console, "
        "then accept it with: {login}",
    ),
    _rule(
        r"permission denied \((publickey|password|keyboard)",
        "the host refuses the key: try {login}, then {copy_id}, or name the user with ansible_user",
    ),
    _rule(
        # sudo-rs, of Ubuntu 26.04, says that authentication is required.
        r"missing sudo password|a password is required|incorrect sudo password|sorry, try again|become password"
        r"|sudo: interactive authentication is required",
        "sudo on {host} asks for a password: run again with --ask-become-pass",
    ),
    _rule(
        r"is not in the sudoers|not allowed to execute",
        "let the user run sudo on {host}, or name another with ansible_user",
    ),
    _rule(
        r"(^|\n)sudo(-rs)?: ",  # in the language of the host
        "sudo on {host} refuses: if it asks for a password, run again with --ask-become-pass",
    ),
    _rule(
        r"could not get lock|dpkg/lock|lists/lock|apt lock|is another process using it|failed to lock apt",
        "another process on {host} holds the apt lock (unattended-upgrades?): wait for it, then apply again",
    ),
    _rule(
        r"checksum|hash sum mismatch",
        "the download is not what was expected, and nothing was installed from it: apply again; if it stays so, "
        "see whether a proxy or mirror changes it",
    ),
    _rule(
        r"fingerprint",
        "the key is not the pinned one, and nothing was installed: do not go on before you know why; a proxy or "
        "mirror may answer for the vendor",
    ),
    _rule(
        r"no space left|not enough free|free disk|disk full",
        "free disk space on {host}, then apply again",
    ),
    _rule(
        r"dpkg was interrupted|dpkg --configure",
        "dpkg on {host} was cut: apply again, preflight repairs it",
    ),
    _rule(
        r"Module result deserialization failed[\s\S]*sh: (?:\d+: )?"
        r"(?P<name>(?!/usr/bin/python3:)/\S+): (not found|permission denied)",
        "the Python {name} does not run on {host}: name another with ansible_python_interpreter",
    ),
    _rule(
        r"no python|python3?: (command )?not found|python3(: no such file|' was not found)",
        "install Python on {host}: apt-get install python3",
    ),
    _rule(
        r"failed to create temporary directory",
        "no folder for temporary files can be made on {host}: look at the user's home there, "
        "its rights and its disk, and at ansible_remote_tmp and ANSIBLE_REMOTE_TEMP",
    ),
    _rule(
        r"temporary failure resolving|could not resolve|name or service not known|failed to fetch",
        "{host} cannot reach the download's server: look at its DNS, network and proxy",
    ),
)
_UNREACHABLE = "see whether this works: {login} true"


def for_failure(
    host: str, failure: TaskFailure, *, unreachable: bool, log: Path, login: str = ""
) -> str:
    """Return what to do next about a failure on a host.

    Args:
        host: name in the inventory.
        login: the command that logs in to it; "" where only the name is known.
        failure: with the module's message.
        unreachable: the connection failed, not a task.
        log: Ansible's full output.
    """
    login = login or f"ssh {shlex.quote(host)}"
    words = {
        "host": shlex.quote(host),
        "login": login,
        "copy_id": login.replace("ssh ", "ssh-copy-id ", 1),
    }
    for rule in _RULES:
        if found := rule.pattern.search(failure.message):
            return rule.hint.format(**words | found.groupdict())
    if unreachable:
        return _UNREACHABLE.format(**words)
    return f"the full output is in {log}"
