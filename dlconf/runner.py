"""The one module that calls ansible-runner: runs a playbook, hands on its events, and returns the outcome.

Runner is used through its classes, not through `ansible_runner.run`, which writes what it is given, passwords among
it, below its data folder. A password goes from memory to the prompt of ansible-playbook on a pseudo-terminal: it is
on no command line, in no environment and in no file. The one file in which Runner keeps the environment of the
process is removed before Ansible starts.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dlconf import ansiblesettings, content, extravars, forks, inventory, workfolder
from dlconf.errors import DlconfError
from dlconf.liverun import GO_FILE, LiveRun
from dlconf.outcome import Event, RunOutcome
from dlconf.runfolder import RunFolder, RunLog

Watcher = Callable[[Event], None]
_LOOK_FOR_CANCEL_EVERY_S = 1
_BECOME_PROMPT = r"^BECOME password[^:\n]*: $"
_VAULT_PROMPT = r"^Vault password[^:\n]*: $"


@dataclass(frozen=True)
class Passwords:
    """Passwords that the user typed; never shown, not even in a traceback."""

    become: str | None = field(default=None, repr=False)
    vault: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Run:
    """A run of one playbook.

    Attributes:
        playbook: its file name in our playbooks, e.g. `site.yml`.
        inventory, inventories: a source as `inventory.check` returns it, and further ones.
        limit: a pattern of hosts, as Ansible's --limit takes it; None for all.
        hosts: exactly these hosts, instead of a limit.
        extra_vars: variables that count above all others; plain data, never templates.
        forks: how many hosts at a time; None leaves it to `dlconf.forks`.
        strict_limit: a part of the limit that matches nothing is an error.
        workers: machines that run slices of it, as ssh knows them; none runs it here.
        served_by: host -> the worker that reached it before.
    """

    playbook: str
    inventory: str
    limit: str | None = None
    hosts: Sequence[str] | None = None
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    check: bool = False
    diff: bool = False
    forks: int | None = None
    strict_limit: bool = False
    workers: Sequence[str] = ()
    served_by: Mapping[str, str] = field(default_factory=dict)
    passwords: Passwords = field(default_factory=Passwords)
    inventories: Sequence[str] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """All inventories."""
        return (self.inventory, *self.inventories)


def run_playbook(
    run: Run,
    folder: RunFolder,
    *,
    watch: Watcher | None = None,
    say: Callable[[str], None] | None = None,
) -> RunOutcome:
    """Run a playbook and return what it came to on each host.

    Args:
        run: what to run.
        folder: where Ansible's log and the events go; several playbooks of one run share it.
        watch: called with each step.
        say: called with a line for the user when the run is interrupted.

    Raises:
        DlconfError: Ansible is not installed, no worker can do the work, or there is no room for a run's files.
    """
    if run.workers:
        from dlconf.fleet import run_on_workers  # noqa: PLC0415 - it needs this module

        return run_on_workers(run, folder, watch=watch, say=say)
    try:
        with workfolder.made() as work, RunLog(folder) as log:
            settings = ansiblesettings.config_of(os.environ)
            log.line(
                f"# {run.playbook} on {', '.join(run.sources)}{f', settings of {settings}' if settings else ''}"
            )
            (work / GO_FILE).touch()
            live = LiveRun(work, log, watch, say or (lambda line: None))
            return live.outcome(partial(_play, run, work), folder)
    except OSError as error:
        raise DlconfError(
            f"cannot run Ansible: {error}", hint="make room there, or set TMPDIR to another folder"
        ) from error


def _play(
    run: Run,
    work: Path,
    on_event: Callable[[dict[str, Any]], bool],
    kill_wanted: Callable[[], bool],
) -> int:
    """Let Runner run the playbook; return the exit status of ansible-playbook."""
    from ansible_runner.config.runner import RunnerConfig  # noqa: PLC0415 - 0.1 s, only to run
    from ansible_runner.runner import Runner  # noqa: PLC0415

    runner = Runner(
        _config(RunnerConfig, run, work),
        event_handler=on_event,
        status_handler=_remove_environment,
        cancel_callback=kill_wanted,
    )
    runner.run()
    return int(runner.rc or 0)


def _config(runner_config: Any, run: Run, work: Path) -> Any:
    """Return Runner's configuration: our command line and environment, and no output file of its own."""
    config = runner_config(
        private_data_dir=str(work),
        playbook=str(content.playbook(run.playbook)),
        inventory=list(run.sources),
        envvars=_environment(run, work),
        passwords=answers(run.passwords),
        fact_cache_type="",
        quiet=True,
    )
    config.prepare()
    config.command = _command(run, work)
    config.cwd = inventory.current_folder()
    config.pexpect_timeout = _LOOK_FOR_CANCEL_EVERY_S
    config.suppress_output_file = True
    if "ANSIBLE_HOST_KEY_CHECKING" not in os.environ:
        # Runner turns the check of host keys off unless the environment says otherwise.
        config.env.pop("ANSIBLE_HOST_KEY_CHECKING", None)
    return config


def _environment(run: Run, work: Path) -> dict[str, str]:
    environment = {
        **ansiblesettings.environment(
            os.environ, host_list=all(inventory.names(source) is not None for source in run.sources)
        ),
        "DLCONF_GO_FILE": str(work / GO_FILE),
    }
    if "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED" not in os.environ:
        environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "1"
    if run.strict_limit and "ANSIBLE_HOST_PATTERN_MISMATCH" not in os.environ:
        environment["ANSIBLE_HOST_PATTERN_MISMATCH"] = "error"
    return environment


def _command(run: Run, work: Path) -> list[str]:
    command = [_ansible_playbook(), *(f"--inventory={source}" for source in run.sources)]
    if run.extra_vars:
        extravars.write(work / "extravars.yml", run.extra_vars)
        command.append(f"--extra-vars=@{work / 'extravars.yml'}")
    if run.hosts is not None:
        (work / "hosts").write_text("".join(host + "\n" for host in run.hosts), encoding="utf-8")
        command.append(f"--limit=@{work / 'hosts'}")
    elif run.limit:
        command.append(f"--limit={run.limit}")
    if all(map(inventory.is_local, run.sources)):
        command.append("--connection=local")
    if number := forks.of_run(run.forks, run.hosts):
        command.append(f"--forks={number}")
    return [*command, *flags(run), str(content.playbook(run.playbook))]


def flags(run: Run) -> list[str]:
    """Return the options of ansible-playbook that are on or off."""
    wanted = {
        "--check": run.check,
        "--diff": run.diff,
        "--ask-become-pass": run.passwords.become is not None,
        "--ask-vault-pass": run.passwords.vault is not None,
    }
    return [flag for flag, on in wanted.items() if on]


def answers(passwords: Passwords) -> dict[str, str]:
    """Return what to answer to which prompt."""
    answers = {_BECOME_PROMPT: passwords.become, _VAULT_PROMPT: passwords.vault}
    return {prompt: answer for prompt, answer in answers.items() if answer is not None}


def _ansible_playbook() -> str:
    """Return the ansible-playbook of this Python, whose Ansible can import dlconf."""
    beside = Path(sys.executable).parent / "ansible-playbook"
    found = str(beside) if beside.exists() else shutil.which("ansible-playbook")
    if found is None:
        raise DlconfError(
            "ansible-playbook is not installed beside dlconf", hint="install dlconf again with pipx"
        )
    return found


def _remove_environment(status: Mapping[str, Any], runner_config: Any) -> None:
    """Remove the file with the command's environment that Runner wrote a moment ago."""
    if status.get("status") == "running":
        (Path(runner_config.artifact_dir) / "command").unlink(missing_ok=True)
