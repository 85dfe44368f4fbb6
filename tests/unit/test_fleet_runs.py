"""Real runs through workers on this machine: ansible-runner's stream is real, ssh has a stand-in."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dlconf import fleet
from dlconf.errors import DlconfError
from dlconf.fleet import payload
from dlconf.outcome import Event
from dlconf.runfolder import RunFolder
from dlconf.runner import Passwords, Run, run_playbook
from tests.unit.test_runner import PLAYBOOKS, SUDO, SYSTEM_PYTHON, _signal_when

SSH = """#!/bin/sh
# Stands in for ssh: runs the command here, as a worker with a home and a temporary folder of its own.
echo "$*" >> "$FLEET/argv"
while [ "$1" != -- ]; do shift; done
echo $$ > "$FLEET/$2.pid"
case $2 in
gone) echo 'ssh: connect to host gone port 22: No route to host' >&2; exit 255 ;;
mute) exec sleep 600 ;;
bare) PATH=/usr/bin:/bin HOME=/nonexistent exec sh -c "$3" ;;
esac
echo 'a shell that greets'
export PATH="${PATH#"$FLEET/bin:"}" HOME="$FLEET/home" TMPDIR="$FLEET/tmp" WORKER="$2"
exec sh -c "$3"
"""
HOSTS = """\
a
b
c
[all:vars]
ansible_connection=local
ansible_python_interpreter={python}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an inventory of three hosts, and an ssh on PATH that reaches workers of any name."""
    for name in ("bin", "home", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "ssh").write_text(SSH, encoding="utf-8")
    (tmp_path / "bin" / "ssh").chmod(0o755)
    (tmp_path / "home" / ".dlconf-worker").symlink_to(sys.prefix)
    (tmp_path / "hosts.ini").write_text(HOSTS.format(python=SYSTEM_PYTHON), encoding="utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FLEET", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def through(workers: str, place: Path, playbook: str, **fields: object) -> Run:
    source = str(place / "hosts.ini")
    return Run(str(PLAYBOOKS / playbook), source, workers=workers.split(","), **fields)  # type: ignore[arg-type]


def test_what_ansible_warns_of_comes_from_workers_too_and_once(place: Path) -> None:
    with (place / "hosts.ini").open("a") as file:
        file.write("[all:vars]\nport=5\n")
    run = through("ctl1,ctl2", place, "trivial.yml", extra_vars={"gpu": ""})
    outcome = run_playbook(run, RunFolder.create("apply"))
    assert outcome.warnings == ("Found variable using reserved name 'port'",)


def test_two_workers_and_one_outcome(place: Path) -> None:
    steps: list[Event] = []
    modes: set[int] = set()

    def watch(step: Event) -> None:
        steps.append(step)
        with contextlib.suppress(FileNotFoundError):  # the worker has just cleaned up
            modes.update(path.stat().st_mode & 0o777 for path in (place / "tmp").glob("dlconf-*"))

    said: list[str] = []
    folder = RunFolder.create("apply")
    run = through("ctl1,ctl2", place, "trivial.yml", extra_vars={"gpu": "{{ 1+1 }}"})
    outcome = run_playbook(run, folder, watch=watch, say=said.append)
    assert {name: host.worker for name, host in outcome.hosts.items()} == {
        "a": "ctl1",
        "b": "ctl2",
        "c": "ctl1",
    }
    assert list(outcome.hosts) == ["a", "b", "c"]
    assert (outcome.rc, outcome.interrupted) == (0, False)
    assert {host.failure for host in outcome.hosts.values()} == {None}
    assert [len(host.changed) for host in outcome.hosts.values()] == [1, 1, 1]
    changed = {step.host for step in steps if step.kind == "changed"}
    assert changed == {"a", "b", "c"}
    assert said == ["hosts by worker: ctl1 2, ctl2 1"]
    log = folder.log.read_text(encoding="utf-8")
    assert "ctl2| changed: [b]" in log
    assert "{{ 1+1 }}" in log  # data there too, not a template
    assert modes == {0o700}
    assert list((place / "tmp").iterdir()) == []


def test_passwords_travel_in_the_stream_only(place: Path) -> None:
    (place / "sudo").write_text(SUDO, encoding="utf-8")
    (place / "sudo").chmod(0o755)
    with (place / "hosts.ini").open("a", encoding="utf-8") as hosts:
        hosts.write(f"ansible_become_exe={place / 'sudo'}\n")
    (place / "vault").write_text("hunter2 of the vault\n", encoding="utf-8")
    words = ["encrypt_string", "opened", "--name", "vaulted", "--vault-password-file", "vault"]
    vault = str(Path(sys.executable).parent / "ansible-vault")
    vaulted = subprocess.run([vault, *words], check=True, capture_output=True, text=True).stdout
    (place / "group_vars").mkdir()
    (place / "group_vars" / "all.yml").write_text(vaulted, encoding="utf-8")
    seen: list[str] = []

    def watch(step: Event) -> None:
        search = ["grep", "--recursive", "--no-messages", "--files-with-matches", "hunter2"]
        found = subprocess.run([*search, "tmp", "state"], check=False, capture_output=True)
        seen.extend(found.stdout.decode().splitlines())

    run = through(
        "ctl1", place, "secret.yml", passwords=Passwords("hunter2", "hunter2 of the vault")
    )
    outcome = run_playbook(run, RunFolder.create("apply"), watch=watch)
    assert [host.failure for host in outcome.hosts.values()] == [None, None, None]
    assert [host.ok for host in outcome.hosts.values()] == [2, 2, 2]
    assert seen == []
    assert "hunter2" not in (place / "argv").read_text(encoding="utf-8")


def test_a_worker_that_dies_gives_its_hosts_back(place: Path) -> None:
    killed: list[str] = []

    def watch(step: Event) -> None:
        if step.kind == "start" and step.host == "b" and not killed:
            os.kill(int((place / "ctl2.pid").read_text(encoding="utf-8")), signal.SIGKILL)
            killed.append(step.host)

    said: list[str] = []
    folder = RunFolder.create("apply")
    extra_vars = {"folder": str(place), "seconds": 1}
    run = through("ctl1,ctl2", place, "slow.yml", extra_vars=extra_vars)
    outcome = run_playbook(run, folder, watch=watch, say=said.append)
    assert {host.worker for host in outcome.hosts.values()} == {"ctl1"}
    assert {host.failure for host in outcome.hosts.values()} == {None}
    assert [len(host.changed) for host in outcome.hosts.values()] == [2, 2, 2]
    assert any(line.startswith("worker ctl2 is lost: ") and "-9" in line for line in said)


def test_a_host_that_one_worker_does_not_reach_is_done_by_another(place: Path) -> None:
    lines = HOSTS.format(python=SYSTEM_PYTHON).replace(
        "a\nb\n",
        "a ansible_host=127.0.0.1 ansible_port=1 ansible_connection="
        "\"{{ 'local' if lookup('env', 'WORKER') == 'ctl2' else 'ssh' }}\"\n"
        "b ansible_host=127.0.0.1 ansible_port=1 ansible_connection=ssh\n",
    )
    (place / "hosts.ini").write_text(lines, encoding="utf-8")
    steps: list[Event] = []
    said: list[str] = []
    run = through("ctl1,ctl2", place, "slow.yml", extra_vars={"folder": str(place), "seconds": 0})
    outcome = run_playbook(run, RunFolder.create("apply"), watch=steps.append, say=said.append)
    workers = {name: host.worker for name, host in outcome.hosts.items() if not host.unreachable}
    assert workers == {"a": "ctl2", "c": "ctl1"}
    assert "a: not reached from ctl1; another worker will try" in said
    failure = outcome.hosts["b"].unreachable
    assert failure is not None
    assert "from ctl1: " in failure.message
    assert "from ctl2: " in failure.message
    assert [step.host for step in steps if step.kind == "unreachable"] == ["b"]


def test_where_no_worker_is_left_the_error_says_why(place: Path) -> None:
    with pytest.raises(DlconfError) as caught:
        run_playbook(through("gone,bare", place, "trivial.yml"), RunFolder.create("apply"))
    message = caught.value.message
    assert "gone: no worker answered (ssh ended with 255): ssh: connect to host gone" in message
    assert "bare: ansible-core is not there" in message


def test_a_silent_worker_is_lost(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "SILENCE_S", 1)
    monkeypatch.setattr(fleet, "KEEPALIVE_S", 0.5)
    with pytest.raises(DlconfError, match=r"mute: .*ended"):
        run_playbook(through("mute", place, "trivial.yml"), RunFolder.create("apply"))


def test_ctrl_c_ends_every_worker_between_two_tasks(place: Path) -> None:
    folder = RunFolder.create("apply")
    sender = _signal_when(folder.log)
    said: list[str] = []
    extra_vars = {"folder": str(place), "seconds": 2}
    outcome = run_playbook(
        through("ctl1,ctl2", place, "slow.yml", extra_vars=extra_vars), folder, say=said.append
    )
    sender.join()
    assert outcome.interrupted
    assert (place / "finished").exists()
    assert not (place / "went_on").exists()
    assert len([line for line in said if line.startswith("stopping when")]) == 1
    assert not any("is lost" in line for line in said)
    assert list((place / "tmp").iterdir()) == []


def test_ctrl_c_before_a_worker_has_its_job_lets_none_begin(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = payload.build

    def slow(*given: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
        build(*given)

    monkeypatch.setattr(payload, "build", slow)
    folder = RunFolder.create("apply")
    outcome = run_playbook(through("ctl1", place, "trivial.yml"), folder)
    assert outcome.interrupted
    assert outcome.hosts == {}
    assert "TASK" not in folder.log.read_text(encoding="utf-8")


def test_a_second_ctrl_c_does_not_wait(place: Path) -> None:
    folder = RunFolder.create("apply")
    sender = _signal_when(folder.log, 0.5)
    extra_vars = {"folder": str(place), "seconds": 30}
    outcome = run_playbook(through("ctl1,ctl2", place, "slow.yml", extra_vars=extra_vars), folder)
    sender.join()
    assert outcome.interrupted
    assert not (place / "finished").exists()
