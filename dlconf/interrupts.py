"""Ctrl-C while Ansible runs: first stop between two tasks, then interrupt, then kill."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
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
        act: called with the count at each signal; it is 1 to stop between two tasks, 2 to stop at once, then to kill.
        say: called with a line for the user.
    """

    def __init__(self, act: Callable[[int], None], say: Callable[[str], None]) -> None:
        self.count = 0
        self._act = act
        self._say = say
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self._act(self.count)
        self._say(_LINES[min(self.count, 3)])
