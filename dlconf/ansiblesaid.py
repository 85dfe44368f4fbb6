"""What Ansible says where it cannot read an inventory, made short: the reason, its place, and the next step."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

_MOST_LINES = 6
_PLUGIN_FAILED = re.compile(r"\[WARNING\]: Failed to parse inventory with '([\w.]+)' plugin: (.*)")
_OF_OTHERS = "Plugin configuration YAML file, not YAML inventory"
"""What a plugin says of a file that is for another."""
_ORIGIN = re.compile(r"Origin: (/.*)")
_NOISE = re.compile(
    r"\s*$|Traceback|  File |    |<<< caused by|\[WARNING\]: Completely|\[ERROR\]: Completely|PLAY \[|\d+ |\s*\^"
)
_FRAME = re.compile(r'  File "[^"]+", line \d+')
_IN_TRACEBACK = re.compile(r"\s|Traceback \(most recent call last\):")
_BEFORE = re.compile(r"^\[(?:ERROR|WARNING)\]: |^Unexpected Exception, this is probably a bug: ")
_WARNS = re.compile(
    r"\[WARNING\]: ((?:Found both group and host with same name|Found variable using reserved name"
    r"|Found duplicate mapping key|Invalid characters were found in group names)[^\r\n]*)"
)
_HINTS = (
    (
        r"no vault secrets|vault password must be specified",
        "a vault is locked: run again with --ask-vault-pass, or name vault_password_file in ansible.cfg",
    ),
    (
        r"Decryption failed",
        "the Vault password is not that of this file; --ask-vault-pass asks for another",
    ),
    (r"Tabs are usually invalid", "YAML takes spaces only: replace the tab by two spaces"),
    (
        r"Inventory script returned non-zero",
        "run the script by itself with --list, and see what it says",
    ),
)


def warning(text: str) -> str:
    """Return what Ansible warns of in an inventory, with its place; "" where it warns of nothing there."""
    found = _WARNS.match(text)
    if not found:
        return ""
    place = _ORIGIN.search(text)
    return found[1].rstrip(".") + (f" ({place[1].strip()})" if place else "")


def reason(lines: Iterable[str]) -> str:
    """Return why Ansible could not read an inventory, in few lines; "" where it said nothing.

    Args:
        lines: what it printed, in its order. Each plugin that tried a file says why it could not; the first that the
            file was for counts.
    """
    said = [line.rstrip() for text in lines for line in text.splitlines()]
    for number, line in enumerate(said):
        failed = _PLUGIN_FAILED.match(line)
        if failed and failed[2] != _OF_OTHERS:
            return failed[2] + _place(failed[2], said[number + 1 :])
    kept = [
        _BEFORE.sub("", _BEFORE.sub("", line))
        for line in _without_frames(said)
        if not _NOISE.match(line)
    ]
    return "\n".join(list(dict.fromkeys(kept))[:_MOST_LINES])


def _without_frames(lines: list[str]) -> list[str]:
    """Leave of a traceback, also of one whose beginning was cut off, the reason alone."""
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if not frames:
        return lines
    before = list(itertools.takewhile(lambda line: not _IN_TRACEBACK.match(line), lines))
    reason = list(itertools.dropwhile(lambda line: line[:1] == " ", lines[frames[-1] :]))
    return before + reason if reason else lines


def hint(text: str) -> str:
    """Return what to do about a reason, "" where that is not known."""
    for pattern, words in _HINTS:
        if re.search(pattern, text):
            return words
    return ""


def _place(told: str, following: Sequence[str]) -> str:
    """Return the file and line that follow a plugin's reason, and what a script said."""
    own: list[str] = []
    for line in following:
        if _PLUGIN_FAILED.match(line):
            break
        own.append(line)
    found = next((match[1] for line in own if (match := _ORIGIN.match(line))), "")
    place = f" ({found})" if found and found not in told else ""
    heads = [number for number, line in enumerate(own) if line.startswith("Standard error from")]
    more = [line for line in own[heads[0] + 1 :] if line] if heads else []
    return "\n".join([place, *more[:_MOST_LINES]])
