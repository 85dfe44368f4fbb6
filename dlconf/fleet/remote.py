"""What runs on a worker: it takes one job of ansible-runner on standard input and hands the events back.

`link.py` sends this file and `workfolder.py` over SSH, so it needs nothing else of dlconf: Python, ansible-core and
ansible-runner. It says first what is there, then reads the job that `ansible_runner` transmits, then orders, one a
line: `stop`, to end between two tasks; `interrupt PID` and `kill`, to end at once; `alive`, which the controller sends
every few seconds. Silence, or the end of the connection, counts as `stop`: so no worker goes on for long without its
controller. A signal counts as `stop` too, and a second one as `kill`; what the worker ignores it goes on to ignore.

The job lies in a folder that only this user can read, and is removed at the end, or by the next job where this one
was killed.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO

from dlconf import workfolder

SILENCE_S = 60
KEEPALIVE_S = 10


class JobStream:
    """Standard input; what comes behind the job is read as orders, in a thread.

    Args:
        stream: standard input.
        go_file: the file without which the run ends before its next task.
    """

    def __init__(self, stream: BinaryIO, go_file: str) -> None:
        self._stream = stream
        self._go_file = go_file
        self._signals = 0
        self._kill = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def readline(self) -> bytes:
        """Return the next line of the job."""
        line = self._stream.readline()
        if line.strip() == b'{"eof": true}':
            self._heed_signals()
            threading.Thread(target=self._obey, daemon=True).start()
        return line

    def stop(self) -> None:
        """Let the callback `dlconf_stop` end the run before the next task."""
        with suppress(OSError):
            os.unlink(self._go_file)  # noqa: PTH108

    def kill_wanted(self) -> bool:
        """Say whether ansible-runner is to kill the playbook."""
        return self._kill

    def _heed_signals(self) -> None:
        signal.signal(signal.SIGALRM, lambda *_: self.stop())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: object) -> None:
        self._signals += 1
        self.stop()
        self._kill = self._kill or (self._signals > 1 and number != signal.SIGHUP)

    def _obey(self) -> None:
        signal.alarm(SILENCE_S)
        for line in iter(self._stream.readline, b""):
            signal.alarm(SILENCE_S)
            order, *rest = line.decode().split()
            if order == "stop":
                self.stop()
            elif order == "interrupt":
                with suppress(OSError):  # it has just ended
                    os.kill(int(rest[0]), signal.SIGINT)
            elif order == "kill":
                self._kill = True
        self.stop()


def main() -> int:
    """Do the job; return the exit status."""
    versions = {name: _version(name) for name in ("ansible-core", "ansible-runner")}
    with workfolder.made("dlconf-worker-") as made:
        hello = {
            "dlconf_worker": 1,
            "versions": versions,
            "cores": len(os.sched_getaffinity(0)),
            "folder": str(made),
        }
        print(json.dumps(hello), flush=True)
        return _work(str(made)) if all(versions.values()) else 3


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _work(folder: str) -> int:
    from ansible_runner.streaming import Worker  # noqa: PLC0415 - only where it is there

    project = os.path.join(folder, "project")  # noqa: PTH118
    os.environ.update(
        ANSIBLE_CONFIG=os.path.join(project, "ansible.cfg"),  # noqa: PTH118
        DLCONF_GO_FILE=os.path.join(folder, "go"),  # noqa: PTH118
        PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""),  # noqa: PTH120
        PYTHONPATH=project,
    )
    with open(os.environ["DLCONF_GO_FILE"], "w"):  # noqa: PTH123
        pass
    job = JobStream(sys.stdin.buffer, os.environ["DLCONF_GO_FILE"])
    # `interface.run` would take over the signals, and with the first one kill the playbook.
    worker = Worker(
        _input=job,
        private_data_dir=folder,
        keepalive_seconds=KEEPALIVE_S,
        cancel_callback=job.kill_wanted,
    )
    _, rc = worker.run()
    return int(rc or 0)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a thread may still wait for orders
