"""Real runs of ansible-runner on this machine, with trivial playbooks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dlconf import inventory, runner
from dlconf.errors import DlconfError
from dlconf.outcome import Event, TaskResult
from dlconf.runfolder import RunFolder
from dlconf.runner import Passwords, Run, run_playbook

PLAYBOOKS = Path(__file__).parent / "playbooks"
SYSTEM_PYTHON = Path("/usr/bin/python3")
SUDO = """#!/bin/sh
# Stands in for sudo: asks for the password as sudo does, then runs the command as it is.
while [ "$1" != /bin/sh ]; do
    if [ "$1" = -p ]; then prompt=$2; shift; fi
    shift
done
printf '%s' "$prompt" >&2
IFS= read -r answer
[ "$answer" = hunter2 ] || { echo 'Sorry, try again.' >&2; exit 1; }
exec "$@"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("AN_OWN_SECRET", "of-the-environment")
    monkeypatch.chdir(tmp_path)
    return RunFolder.create("apply")


def trivial(**fields: Any) -> Run:
    return Run(str(PLAYBOOKS / "trivial.yml"), "localhost,", **fields)


def test_a_real_run(folder: RunFolder, tmp_path: Path) -> None:
    steps: list[Event] = []
    environments: list[Path] = []

    def watch(step: Event) -> None:
        steps.append(step)
        environments.extend(tmp_path.glob("dlconf-*/**/command"))

    outcome = run_playbook(
        trivial(extra_vars={"gpu": "{{ 1+1 }} é\u2028{% raw %}"}), folder, watch=watch
    )
    host = outcome.hosts["localhost"]
    assert (outcome.rc, outcome.interrupted, host.failure) == (0, False, None)
    assert host.changed == [TaskResult("", "Change something")]
    kinds = [(step.kind, step.task) for step in steps if step.host and step.kind != "start"]
    assert kinds == [
        ("ok", "Say the name of the GPU"),
        ("changed", "Change something"),
        ("failed", "Fail"),
        ("ok", "Rescue"),
        ("ignored", "Fail without harm"),
        ("skipped", "Fail on the second item"),
    ]
    log = folder.log.read_text(encoding="utf-8")
    assert "TASK [Change something]" in log
    assert "{{ 1+1 }}" in log  # data, not a template
    events = [json.loads(line) for line in folder.events.read_text(encoding="utf-8").splitlines()]
    assert events[-1]["event"] == "playbook_on_stats"
    assert "of-the-environment" not in folder.events.read_text(encoding="utf-8")
    assert {path.name for path in folder.path.iterdir()} == {"ansible.log", "events.jsonl"}
    assert not list(tmp_path.glob("dlconf-*"))
    assert environments == []
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder.path, *folder.path.iterdir()])


def test_a_failure_says_what_the_failed_item_said(folder: RunFolder) -> None:
    outcome = run_playbook(trivial(extra_vars={"gpu": "", "fail": True}), folder)
    failure = outcome.hosts["localhost"].failure
    assert failure is not None
    assert failure.task == "Fail on the second item"
    assert "/proc/nonexistent" in failure.message


def test_passwords_reach_their_prompts_and_no_file(folder: RunFolder, tmp_path: Path) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text(SUDO, encoding="utf-8")
    sudo.chmod(0o755)
    (tmp_path / "vault").write_text("correct horse\n", encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "ansible-vault"),
        "encrypt_string",
        "opened",
        "--name",
        "vaulted",
        "--vault-password-file",
        "vault",
    ]
    vaulted = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (tmp_path / "vault").unlink()
    (tmp_path / "hosts.ini").write_text(
        f"here ansible_connection=local ansible_python_interpreter={SYSTEM_PYTHON} ansible_become_exe={sudo}\n",
        encoding="utf-8",
    )
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "here.yml").write_text(vaulted, encoding="utf-8")
    run = Run(
        str(PLAYBOOKS / "secret.yml"),
        inventory.check("hosts.ini"),
        passwords=Passwords(become="hunter2", vault="correct horse"),
    )
    outcome = run_playbook(run, folder)
    assert outcome.hosts["here"].failure is None, folder.log.read_text(encoding="utf-8")
    assert outcome.hosts["here"].ok == 2
    for path in (tmp_path / "state").rglob("*"):
        if path.is_file():
            assert "correct horse" not in path.read_text(encoding="utf-8")
            assert "hunter2" not in path.read_text(encoding="utf-8")


def test_no_secret_is_on_the_command_line_or_in_the_environment(tmp_path: Path) -> None:
    run = trivial(
        passwords=Passwords(become="hunter2", vault="correct horse"), extra_vars={"gpu": "private"}
    )
    said = json.dumps([runner._command(run, tmp_path), runner._environment(run, tmp_path)])
    assert not any(secret in said for secret in ("hunter2", "correct horse", "private"))
    assert "--ask-become-pass" in said
    assert (tmp_path / "extravars.yml").stat().st_mode & 0o077 == 0


def _signal_when(path: Path, *pauses_s: float) -> threading.Thread:
    """Send Ctrl-C to this process once the log shows that the slow task runs, then again after each pause."""

    def send() -> None:
        while not path.exists() or "Work for a while" not in path.read_text(encoding="utf-8"):
            time.sleep(0.05)
        for pause_s in (0.3, *pauses_s):
            time.sleep(pause_s)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def test_the_first_ctrl_c_waits_for_the_task_and_starts_no_other(
    folder: RunFolder, tmp_path: Path
) -> None:
    sender = _signal_when(folder.log)
    said: list[str] = []
    run = Run(
        str(PLAYBOOKS / "slow.yml"),
        "localhost,",
        extra_vars={"folder": str(tmp_path), "seconds": 2},
    )
    outcome = run_playbook(run, folder, say=said.append)
    sender.join()
    assert outcome.interrupted
    assert [result.task for result in outcome.hosts["localhost"].changed] == ["Work for a while"]
    assert (tmp_path / "finished").exists()
    assert not (tmp_path / "went_on").exists()
    assert len(said) == 1
    assert said[0].startswith("stopping when the tasks that are running have ended")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_ctrl_c_does_not_wait(folder: RunFolder, tmp_path: Path) -> None:
    sender = _signal_when(folder.log, 0.3)
    run = Run(
        str(PLAYBOOKS / "slow.yml"),
        "localhost,",
        extra_vars={"folder": str(tmp_path), "seconds": 60},
    )
    begun_s = time.monotonic()
    outcome = run_playbook(run, folder)
    sender.join()
    assert outcome.interrupted
    assert time.monotonic() - begun_s < 30
    assert not (tmp_path / "finished").exists()


@pytest.mark.parametrize(
    ("path", "named", "whole"),
    [
        ('"$(dirname "$DLCONF_GO_FILE")"', "its folder {work}/dlconf-", False),
        ("{state}", "the log of this run is not complete: {state}", True),
        ("{here}", "the current directory {here} is gone", True),
    ],
    ids=["the run's own", "the log's", "the current one"],
)
def test_a_folder_that_goes_while_the_run_is_on_is_named_and_what_is_known_is_kept(
    folder: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    path: str,
    named: str,
    whole: bool,
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PWD", str(here))
    words = {"state": folder.path, "here": here, "work": tmp_path}
    extra_vars = {"path": path.format(**words), "folder": str(tmp_path)}
    run = Run(str(PLAYBOOKS / "gone.yml"), "localhost,", extra_vars=extra_vars)
    outcome = run_playbook(run, folder)
    assert folder.trouble is not None
    assert named.format(**words) in folder.trouble.message
    assert outcome.hosts["localhost"].ok >= 1
    assert outcome.ended is whole
    assert (tmp_path / "went_on").exists() or path != "{state}"
    assert not (tmp_path / "went_on").exists() or whole
    assert not list(tmp_path.glob("dlconf-*"))


def test_an_error_of_who_watches_cuts_no_task(folder: RunFolder, tmp_path: Path) -> None:
    def watch(step: Event) -> None:
        if step.kind == "start":
            raise RuntimeError("of a watcher")

    extra_vars = {"folder": str(tmp_path), "seconds": 1}
    run = Run(str(PLAYBOOKS / "slow.yml"), "localhost,", extra_vars=extra_vars)
    with pytest.raises(RuntimeError, match="of a watcher"):
        run_playbook(run, folder, watch=watch)
    assert (tmp_path / "finished").exists()
    assert not (tmp_path / "went_on").exists()


def test_a_temporary_folder_without_room_is_named(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(DlconfError, match=f"cannot run Ansible: .*{tmp_path}/nowhere") as caught:
        run_playbook(trivial(), folder)
    assert "TMPDIR" in caught.value.hint


def test_host_keys_are_checked_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_runner.config.runner import RunnerConfig  # noqa: PLC0415

    variable = "ANSIBLE_HOST_KEY_CHECKING"
    monkeypatch.delenv(variable, raising=False)
    assert variable not in runner._config(RunnerConfig, trivial(), tmp_path).env
    monkeypatch.setenv(variable, "False")
    assert runner._config(RunnerConfig, trivial(), tmp_path).env[variable] == "False"


@pytest.mark.parametrize(
    ("run", "arguments"),
    [
        (trivial(limit="gpu*"), ["--limit=gpu*"]),
        (trivial(check=True, diff=True, forks=7), ["--check", "--diff", "--forks=7"]),
        (trivial(), ["--connection=local", "--inventory=localhost,"]),
    ],
)
def test_the_command_line(run: Run, arguments: list[str], tmp_path: Path) -> None:
    command = runner._command(run, tmp_path)
    assert set(arguments) <= set(command)
    assert command[-1].endswith("trivial.yml")


def test_hosts_are_given_in_a_file_so_that_there_may_be_thousands(tmp_path: Path) -> None:
    command = runner._command(trivial(hosts=["gpu1", "gpu2"], limit="x"), tmp_path)
    assert [argument for argument in command if "limit" in argument] == [
        f"--limit=@{tmp_path / 'hosts'}"
    ]
    assert (tmp_path / "hosts").read_text(encoding="utf-8") == "gpu1\ngpu2\n"


def test_no_prompt_waits_for_an_answer_that_nobody_gives(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_BECOME_ASK_PASS", "1")
    monkeypatch.setenv("ANSIBLE_ASK_VAULT_PASS", "1")
    assert run_playbook(trivial(extra_vars={"gpu": ""}), folder).rc == 0


def test_a_local_connection_only_for_this_machine(tmp_path: Path) -> None:
    command = runner._command(Run("state.yml", "localhost,gpu1"), tmp_path)
    assert "--connection=local" not in command
