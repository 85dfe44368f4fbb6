"""How long a look at one host may take, so that no host holds the others: one that hangs counts as unreachable.

Ansible's own `timeout` of a task would count it as failed, and would leave its ssh behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from dlconf.written import Amount, WrongValue

VARIABLE = "dlconf_survey_limit_s"
DEFAULT_S = 60
LEAST_S, MOST_S = 5, 3600
OF_MODULE = 0.75
"""The part of the time that is the module's on the host; the rest is for connection, sudo and Python's start."""
_AGAIN_S = 1.0
_END_LIMIT_S = 5


class NoAnswer(BaseException):
    """The time is up. No `except Exception` on the way of Ansible's code takes it in."""


def of_variable(value: Any) -> float:
    """Return how many seconds a look may take.

    Raises:
        WrongValue: the variable is no such number.
    """
    if value is None:
        return DEFAULT_S
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not LEAST_S <= value <= MOST_S:
        raise WrongValue(
            VARIABLE,
            f"{VARIABLE} must be a number of seconds from {LEAST_S} to {MOST_S}, not {value!r}",
            right=Amount(DEFAULT_S),
        )
    return float(value)


@contextmanager
def limited(limit_s: float) -> Iterator[None]:
    """Raise NoAnswer inside where it takes longer, and then end all that this process has started.

    To be used in the process that Ansible forks for one task of one host.
    """

    def expire(number: int, frame: FrameType | None) -> None:
        raise NoAnswer

    before = signal.signal(signal.SIGALRM, expire)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, limit_s, _AGAIN_S)  # should anything take it in
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except NoAnswer:
        _end_group()
        raise
    finally:
        signal.signal(signal.SIGALRM, before)


def _end_group() -> None:
    """End this process' children, which are its group: Ansible's forks lead a session of their own."""
    if os.getpgrp() == os.getpid():
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with suppress(PermissionError):  # of another user only: sudo, on a local connection
            os.killpg(0, signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)


def end_shared_connection(connection: Any, since_s: float) -> None:
    """End the ssh that keeps the connection open (ControlMaster), which waits for the silent session for ever.

    Args:
        connection: Ansible's, of any kind.
        since_s: when this run began. One that is older may serve another run, so it stays.
    """
    folder = getattr(connection, "control_path_dir", None)
    path = getattr(connection, "control_path", None)  # None where the user's ssh_args name another
    if not folder or not path:
        return
    socket = Path(path % {"directory": Path(folder).expanduser()})
    ssh = [connection.get_option("ssh_executable"), "-F", os.devnull]
    with suppress(OSError, subprocess.SubprocessError):
        if socket.stat().st_mtime >= since_s:
            command = [*ssh, "-o", f"ControlPath={socket}", "-O", "exit", "--", "host"]
            subprocess.run(command, capture_output=True, timeout=_END_LIMIT_S, check=False)
