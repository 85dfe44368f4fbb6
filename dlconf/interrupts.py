"""Ctrl-C while Ansible runs: first stop between two tasks, then interrupt, then kill.

A handler only counts and acts; it prints nothing, since what it interrupts may be printing, and a terminal that is
gone would make an error of it in the middle of a task. The run says in `announce` what was asked for.
"""

from __future__ import annotations

import contextlib
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

    A signal that is ignored, as `nohup` and a shell's background jobs have it, stays so. A hangup counts only as the
    first: of one terminal that closes both the shell and the kernel send it.

    Args:
        act: called with the count at each signal; it is 1 to stop between two tasks, 2 to stop at once, then to kill.
        say: called with a line for the user.
    """

    def __init__(self, act: Callable[[int], None], say: Callable[[str], None]) -> None:
        self.count = 0
        self._act = act
        self._say = say
        self._said = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._handle) for number in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def announce(self) -> None:
        """Say what the last signal asked for, once; to be called often while the run goes on."""
        if self._said < self.count:
            self._said = self.count
            self._say(_LINES[min(self.count, 3)])

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and self.count:
            return
        self.count += 1
        with contextlib.suppress(OSError):  # the process or the folder is gone, and the run ends
            self._act(self.count)
