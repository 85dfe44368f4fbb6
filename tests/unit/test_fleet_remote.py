"""What a worker does with the orders behind its job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlconf.fleet import remote, start

JOB = b'{"kwargs": {}}\n{"eof": true}\n'
SIGNALS = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield ends
    signal.alarm(0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The file without which the run ends before its next task."""
    path = tmp_path / "go"
    path.touch()
    return path


def read_job(reader: int, go: Path) -> remote.JobStream:
    stream = remote.JobStream(os.fdopen(reader, "rb"), str(go))
    assert stream.readline() + stream.readline() == JOB
    return stream


def comes(happened: Callable[[], bool], within_s: float) -> bool:
    limit_s = time.monotonic() + within_s
    while time.monotonic() < limit_s and not happened():
        time.sleep(0.02)
    return happened()


def ends(go: Path, within_s: float) -> bool:
    return comes(lambda: not go.exists(), within_s)


@pytest.mark.parametrize("order", [b"stop\n", b"alive\nstop\n"])
def test_an_order_to_stop(pipe: tuple[int, int], go: Path, order: bytes) -> None:
    os.write(pipe[1], JOB + b"alive\n")
    read_job(pipe[0], go)
    assert not ends(go, 0.2)
    os.write(pipe[1], order)
    assert ends(go, 5)


def test_orders_to_end_at_once(pipe: tuple[int, int], go: Path) -> None:
    os.write(pipe[1], JOB)
    job = read_job(pipe[0], go)
    with subprocess.Popen(["sleep", "60"]) as playbook:
        os.write(pipe[1], f"interrupt {playbook.pid}\n".encode())
        assert playbook.wait(timeout=5) == -signal.SIGINT
    os.write(pipe[1], f"interrupt {playbook.pid}\n".encode())  # it has ended: nothing comes of it
    assert not job.kill_wanted()
    os.write(pipe[1], b"kill\n")
    assert comes(job.kill_wanted, 5)


def test_the_end_of_the_connection_stops_too(pipe: tuple[int, int], go: Path) -> None:
    os.write(pipe[1], JOB)
    read_job(pipe[0], go)
    os.close(pipe[1])
    assert ends(go, 5)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_and_a_second_one_kills(
    pipe: tuple[int, int], go: Path, first: signal.Signals
) -> None:
    os.write(pipe[1], JOB)
    job = read_job(pipe[0], go)
    signal.raise_signal(first)
    signal.raise_signal(signal.SIGHUP)  # of the same end of a session
    assert not go.exists()
    assert not job.kill_wanted()
    signal.raise_signal(signal.SIGTERM)
    assert job.kill_wanted()


def test_an_ignored_signal_stays_ignored(pipe: tuple[int, int], go: Path) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.write(pipe[1], JOB)
    read_job(pipe[0], go)
    signal.raise_signal(signal.SIGHUP)
    assert go.exists()


def test_silence_stops_too(
    pipe: tuple[int, int], go: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SILENCE_S", 2)
    os.write(pipe[1], JOB)
    read_job(pipe[0], go)
    for _ in range(6):
        assert not ends(go, 0.5)
        os.write(pipe[1], b"alive\n")
    assert ends(go, 5)


def test_the_end_of_the_folder_is_no_error(pipe: tuple[int, int], go: Path) -> None:
    os.write(pipe[1], JOB)
    job = read_job(pipe[0], go)
    go.unlink()
    job.stop()


def test_the_program_that_travels_needs_nothing_of_dlconf(tmp_path: Path) -> None:
    """Run it where dlconf is not, with a Python that sees nothing but its own modules."""
    program = start.program()
    words = [sys.executable, "-S", "-I", "-c", start.command("ctl1", len(program))[-1]]
    words[-1] = words[-1].split("-c ", 2)[2].strip("'\"")
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        words, input=program, capture_output=True, env=environment, cwd=tmp_path, check=False
    )
    hello = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (3, b"")
    assert hello["versions"] == {"ansible-core": None, "ansible-runner": None}
    assert Path(hello["folder"]).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
