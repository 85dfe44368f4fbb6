"""A run that nobody watches any more: its task is not cut, and its end and exit code are the ordinary ones.

The runs are real, `ansible-playbook` and all; so are the terminal that is closed, the `tee` that dies and `nohup`.
"""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlconf import workfolder
from dlconf.cli import main

PLAYBOOKS = Path(__file__).parent / "playbooks"
COMMAND = """
import click
from dlconf.cli import hostrun
from dlconf.cli.group import Main
from dlconf.request import Request
from dlconf.runner import Run

@click.group(cls=Main, package="dlconf.cli", verbs={"slow": "A slow task, then another."})
@click.option("--debug", is_flag=True)
def main(debug): pass

@click.command()
@click.pass_context
def slow(ctx):
    extra = {"folder": %(folder)r, "seconds": %(seconds)s}
    with hostrun.folder("slow") as folder:
        with hostrun.steps(Request("localhost,"), folder, "slow") as steps:
            outcome = steps.play(Run(%(playbook)r, "localhost,", extra_vars=extra))
        print(f"{len(outcome.hosts)} host")
    ctx.exit(4)

main.get_command = lambda ctx, name: slow
main(["slow"])
"""
"""A command as those on hosts are, with its own playbook; it ends with 4 where nobody interrupts it."""
INTERRUPTED, DONE = 130, 4
LIMIT_S = 120


def command(place: Path, seconds: float = 2) -> list[str]:
    given = {"folder": str(place), "seconds": seconds, "playbook": str(PLAYBOOKS / "slow.yml")}
    return [sys.executable, "-c", COMMAND % given]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("tmp", "state"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@contextlib.contextmanager
def running(words: list[str], **given: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in a session of its own; end the whole session where a test fails."""
    process = subprocess.Popen(words, start_new_session=True, **given)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until_the_task_runs(place: Path) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while time.monotonic() < limit_s:
        for log in place.glob("state/dlconf/runs/*/ansible.log"):
            if "Work for a while" in log.read_text(encoding="utf-8"):
                time.sleep(0.3)
                return
        time.sleep(0.05)
    raise AssertionError("the task did not begin")


def check_whole(place: Path, *, went_on: bool) -> None:
    assert (place / "finished").exists(), "the task was cut"
    assert (place / "went_on").exists() == went_on
    assert list((place / "tmp").iterdir()) == []  # no traceback, no folder


def test_a_terminal_that_is_closed(place: Path) -> None:
    ours, theirs = pty.openpty()
    with running(command(place), stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        until_the_task_runs(place)
        os.close(ours)
        # The kernel and the shell both tell of it.
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)
        assert process.wait(LIMIT_S) == INTERRUPTED
    check_whole(place, went_on=False)


def test_ctrl_c_that_ends_tee_too(place: Path) -> None:
    with running(["tee", "log"], cwd=place, stdin=subprocess.PIPE) as tee:
        assert tee.stdin is not None
        with running(command(place), stdout=tee.stdin, stderr=tee.stdin) as process:
            tee.stdin.close()
            until_the_task_runs(place)
            tee.send_signal(signal.SIGINT)
            tee.wait(LIMIT_S)
            process.send_signal(signal.SIGINT)
            assert process.wait(LIMIT_S) == INTERRUPTED
    check_whole(place, went_on=False)


def test_nohup_is_heeded_and_the_run_goes_on_without_a_reader(place: Path) -> None:
    reader, writer = os.pipe()
    with running(["nohup", *command(place)], stdout=writer, stderr=writer) as process:
        os.close(writer)
        until_the_task_runs(place)
        os.close(reader)
        process.send_signal(signal.SIGHUP)
        assert process.wait(LIMIT_S) == DONE
    check_whole(place, went_on=True)


def test_the_second_signal_ends_at_once(place: Path) -> None:
    with running(command(place, 600), stderr=subprocess.PIPE) as process:
        until_the_task_runs(place)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=LIMIT_S)
        assert process.returncode == INTERRUPTED
    assert not (place / "finished").exists()
    assert b"stopping at once" in said


def test_what_kill_9_leaves_is_cleared_and_its_task_ends_whole(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(command(place)) as process:
        until_the_task_runs(place)
        process.kill()
        process.wait()
    (left,) = (place / "tmp").glob("dlconf-*")  # Ansible's processes have their own beside it
    assert (left / "extravars.yml").exists()
    monkeypatch.setattr(tempfile, "tempdir", str(place / "tmp"))
    workfolder.clear()
    assert not left.exists()
    limit_s = time.monotonic() + LIMIT_S
    while not (place / "finished").exists() and time.monotonic() < limit_s:
        time.sleep(0.05)
    time.sleep(1.5)  # in which the next task would begin
    check_whole(place, went_on=False)


PRINT = """
import sys
from dlconf.cli import main
sys.argv = ["dlconf", *sys.argv[1:]]
main()
"""


def printing(*words: str, **given: object) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", PRINT, *words]
    return subprocess.run(program, check=False, timeout=LIMIT_S, **given)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["nowhere"], 2)])
def test_what_only_prints_needs_no_reader(words: list[str], code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert printing(*words, stdout=writer, stderr=writer).returncode == code
    os.close(writer)
    assert printing(*words, preexec_fn=lambda: os.closerange(0, 3)).returncode == code


def test_a_result_that_finds_no_room_is_an_error() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = printing("--help", stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 1
        assert b"cannot write to standard output: No space left on device" in done.stderr
        assert printing("nowhere", stdout=subprocess.DEVNULL, stderr=full).returncode == 2


def test_the_streams_are_as_before_afterwards() -> None:
    before = (sys.stdout, sys.stderr)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert (sys.stdout, sys.stderr) == before
