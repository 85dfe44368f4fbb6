"""What runs on a worker: it takes one job of ansible-runner on standard input and hands the events back.

`link.py` sends this file over SSH, so it needs nothing of dlconf: Python, ansible-core and ansible-runner. It says
first what is there, then reads the job that `ansible_runner` transmits, then orders, one a line: `stop`, to end between
two tasks; `interrupt PID` and `kill`, to end at once; `alive`, which the controller sends every few seconds. Silence,
or the end of the connection, counts as `stop`: so no worker goes on for long without its controller.

The job lies in a folder that only this user can read, and is removed at the end.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from typing import Any, BinaryIO

SILENCE_S = 60
KEEPALIVE_S = 10


class JobStream:
    """Standard input; what comes behind the job is read as orders, in a thread."""

    def __init__(self, stream: BinaryIO, stop_file: str) -> None:
        self._stream = stream
        self._stop_file = stop_file
        self._over = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def readline(self) -> bytes:
        """Return the next line of the job."""
        line = self._stream.readline()
        if line.strip() == b'{"eof": true}':
            signal.signal(signal.SIGALRM, lambda *_: self.stop())
            threading.Thread(target=self._obey, daemon=True).start()
        return line

    def stop(self) -> None:
        """Let the callback `dlconf_stop` end the run before the next task."""
        if not self._over.is_set():
            with open(self._stop_file, "w"):  # noqa: PTH123
                pass

    def close_orders(self) -> None:
        """Pass over what orders still come: the run has ended, and its folder goes."""
        signal.alarm(0)
        self._over.set()

    def _obey(self) -> None:
        signal.alarm(SILENCE_S)
        for line in iter(self._stream.readline, b""):
            signal.alarm(SILENCE_S)
            order, *rest = line.decode().split()
            if order == "stop":
                self.stop()
            elif order == "interrupt":
                os.kill(int(rest[0]), signal.SIGINT)
            elif order == "kill":
                os.kill(os.getpid(), signal.SIGTERM)  # ansible-runner kills the playbook
        self.stop()


def main() -> int:
    """Do the job; return the exit status."""
    versions = {name: _version(name) for name in ("ansible-core", "ansible-runner")}
    folder = tempfile.mkdtemp(prefix="dlconf-worker-")
    try:
        hello = {
            "dlconf_worker": 1,
            "versions": versions,
            "cores": len(os.sched_getaffinity(0)),
            "folder": folder,
        }
        print(json.dumps(hello), flush=True)
        return _work(folder) if all(versions.values()) else 3
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _work(folder: str) -> int:
    import ansible_runner  # noqa: PLC0415 - only where it is there

    project = os.path.join(folder, "project")  # noqa: PTH118
    os.environ.update(
        ANSIBLE_CONFIG=os.path.join(project, "ansible.cfg"),  # noqa: PTH118
        DLCONF_STOP_FILE=os.path.join(folder, "stop"),  # noqa: PTH118
        PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""),  # noqa: PTH120
        PYTHONPATH=project,
    )
    job = JobStream(sys.stdin.buffer, os.environ["DLCONF_STOP_FILE"])
    try:
        done = ansible_runner.interface.run(
            streamer="worker", _input=job, private_data_dir=folder, keepalive_seconds=KEEPALIVE_S
        )
    finally:
        job.close_orders()
    return int(done.rc or 0)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a thread may still wait for orders
