"""What a worker does with the orders behind its job."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlconf.fleet import remote

JOB = b'{"kwargs": {}}\n{"eof": true}\n'


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    before = signal.getsignal(signal.SIGALRM)
    yield ends
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def read_job(reader: int, stop: Path) -> remote.JobStream:
    stream = remote.JobStream(os.fdopen(reader, "rb"), str(stop))
    assert stream.readline() + stream.readline() == JOB
    return stream


def appears(path: Path, within_s: float) -> bool:
    limit_s = time.monotonic() + within_s
    while time.monotonic() < limit_s and not path.exists():
        time.sleep(0.02)
    return path.exists()


@pytest.mark.parametrize("order", [b"stop\n", b"alive\nstop\n"])
def test_an_order_to_stop(pipe: tuple[int, int], tmp_path: Path, order: bytes) -> None:
    os.write(pipe[1], JOB + b"alive\n")
    stop = tmp_path / "stop"
    read_job(pipe[0], stop)
    assert not appears(stop, 0.2)
    os.write(pipe[1], order)
    assert appears(stop, 5)


def test_orders_to_end_at_once(pipe: tuple[int, int], tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    before = signal.signal(signal.SIGTERM, lambda *_: killed.touch())
    try:
        os.write(pipe[1], JOB)
        read_job(pipe[0], tmp_path / "stop")
        with subprocess.Popen(["sleep", "60"]) as playbook:
            os.write(pipe[1], f"interrupt {playbook.pid}\n".encode())
            assert playbook.wait(timeout=5) == -signal.SIGINT
        os.write(pipe[1], b"kill\n")
        assert appears(killed, 5)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_end_of_the_connection_stops_too(pipe: tuple[int, int], tmp_path: Path) -> None:
    os.write(pipe[1], JOB)
    read_job(pipe[0], tmp_path / "stop")
    os.close(pipe[1])
    assert appears(tmp_path / "stop", 5)


def test_silence_stops_too(
    pipe: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SILENCE_S", 2)
    os.write(pipe[1], JOB)
    read_job(pipe[0], tmp_path / "stop")
    for _ in range(6):
        assert not appears(tmp_path / "stop", 0.5)
        os.write(pipe[1], b"alive\n")
    assert appears(tmp_path / "stop", 5)


def test_nothing_is_written_once_the_folder_goes(pipe: tuple[int, int], tmp_path: Path) -> None:
    os.write(pipe[1], JOB)
    read_job(pipe[0], tmp_path / "stop").close_orders()
    os.close(pipe[1])
    assert not appears(tmp_path / "stop", 0.3)
