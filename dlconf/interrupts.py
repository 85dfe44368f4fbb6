"""Ctrl-C while Ansible runs: first stop between two tasks, then interrupt, then kill."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_LINES = {
    1: "stopping when the tasks that are running have ended, so that no host is left half-way; "
    "Ctrl-C again to stop at once",
    2: "stopping at once; what was cut is repaired by the next apply",
    3: "killing ansible-playbook",
}


class Interrupts:
    """Counts signals and acts on them; a context manager around a run.

    Args:
        stop_file: created at the first signal; the callback `dlconf_stop` looks for it.
        pid: returns the process id of ansible-playbook, or None while it has given no event.
        say: called with a line for the user.
    """

    def __init__(
        self, stop_file: Path, pid: Callable[[], int | None], say: Callable[[str], None]
    ) -> None:
        self.count = 0
        self._stop_file = stop_file
        self._pid = pid
        self._say = say
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def kill_wanted(self) -> bool:
        """Say whether ansible-playbook is to be killed: after the second signal if it has not begun, else the third."""
        return self.count >= 3 or (self.count == 2 and self._pid() is None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1:
            self._stop_file.touch()
        elif self.count == 2 and (pid := self._pid()) is not None:
            os.kill(pid, signal.SIGINT)
        self._say(_LINES[min(self.count, 3)])
