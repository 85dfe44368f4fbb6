"""The folder of one run: Ansible's full log and its events, kept so that a failure can be read later.

A lock on the log says that the run's process lives (flock(2)): no other run removes the folder then. A log that cannot
be written takes no result with it: the run goes on, and its end names the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from dlconf.errors import DlconfError
from dlconf.report.text import clean
from dlconf.withheld import strings

KEPT_RUNS = 100
KEPT_MIB = 512
"""Of how many runs the folders are kept, and how large these are together at most, beside those that go on."""
NOT_KEPT = frozenset({"invocation", "item", "cmd", "stdin", "diff", "task_args"})
"""What of an event repeats a task's arguments, or shows a file: nobody needs it afterwards, and it may hold secrets."""
_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z]+-[0-9a-f]{6}")
_TIME = "%Y%m%dT%H%M%SZ"
_TIME_LENGTH = 16
_ROOM = "make room there, or set XDG_STATE_HOME to a folder that can be written"


def state_home() -> Path:
    """Return dlconf's folder for what outlives a run (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "dlconf"


@dataclass
class RunFolder:
    """One run's folder; only its owner can read it.

    Attributes:
        path: `<state home>/runs/<UTC time>-<verb>-<short id>`.
        trouble: why results or log of the run are not complete, where they are not.
    """

    path: Path
    trouble: DlconfError | None = None
    _lock: int | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """Return the path of Ansible's output, that of all playbooks of the run."""
        return self.path / "ansible.log"

    @property
    def events(self) -> Path:
        """Return the path of the events, one JSON object a line."""
        return self.path / "events.jsonl"

    @property
    def has_log(self) -> bool:
        """Whether something was logged that can be read."""
        with contextlib.suppress(OSError):
            return self.log.stat().st_size > 0
        return False

    @classmethod
    def create(cls, verb: str) -> RunFolder:
        """Make the folder of a run, and remove the oldest beyond KEPT_RUNS and KEPT_MIB.

        Raises:
            DlconfError: the folder cannot be made.
        """
        runs = state_home() / "runs"
        path = runs / f"{datetime.now(UTC):{_TIME}}-{verb}-{secrets.token_hex(3)}"
        try:
            runs.mkdir(parents=True, exist_ok=True, mode=0o700)
            # It gets its name once it is locked: until then no other run takes it for one that has ended.
            unnamed = cls(Path(tempfile.mkdtemp(prefix=".new-", dir=runs)))
            lock = _open_private(unnamed.log)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.path.rename(path)
        except OSError as error:
            raise DlconfError(
                f"cannot keep the log of this run in {runs}: {error.strerror}", hint=_ROOM
            ) from error
        _prune(runs, path)
        return cls(path, _lock=lock)

    def close(self) -> None:
        """Let the folder go: the run has ended."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def report(self, trouble: DlconfError) -> None:
        """Note why results or log are not complete; the first reason counts."""
        self.trouble = self.trouble or trouble

    def exit_code(self, code: int) -> int:
        """Return the exit code of a command that came to `code`: what is not complete is no success."""
        return max(code, self.trouble.exit_code) if self.trouble else code


class RunLog:
    """Writes the log and the events of a run as they come; a context manager.

    What cannot be written is passed over, and the folder's `trouble` says so.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._files: dict[Path, TextIO] = {}
        for path in (folder.log, folder.events):
            with self._noting():
                self._files[path] = os.fdopen(
                    _open_private(path), "a", encoding="utf-8", errors="backslashreplace"
                )

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        for path, file in self._files.items():
            with self._noting():
                file.close()
            with self._noting():
                path.stat()

    def line(self, text: str) -> None:
        """Write a line to the log."""
        self._write(self._folder.log, clean(text))  # it is read on a terminal

    def event(self, event: Mapping[str, Any]) -> None:
        """Write an event, and what Ansible printed with it to the log; that of a worker with its name before it."""
        if event.get("event") == "EOF":
            return
        if text := event.get("stdout"):
            worker = event.get("worker")
            lines = str(text).replace("\r\n", "\n").split("\n")
            self.line("\n".join(f"{worker}| {line}" for line in lines) if worker else str(text))
        if event.get("event") != "verbose":
            kept = {key: value for key, value in event.items() if key != "stdout"}
            self._write(self._folder.events, json.dumps(strings(_kept(kept))))

    def _write(self, path: Path, text: str) -> None:
        if file := self._files.get(path):
            with self._noting():
                file.write(text + "\n")
                file.flush()

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"the log of this run is not complete: {self._folder.path}: {error.strerror}"
            self._folder.report(DlconfError(message, hint=_ROOM))


def _kept(part: Any) -> Any:
    """Return a part of an event without NOT_KEPT."""
    if isinstance(part, Mapping):
        return {key: _kept(value) for key, value in part.items() if key not in NOT_KEPT}
    return [_kept(value) for value in part] if isinstance(part, list) else part


def _open_private(path: Path) -> int:
    """Open a file to append to, readable by its owner only."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _prune(runs: Path, own: Path) -> None:
    """Remove the oldest runs beyond KEPT_RUNS and KEPT_MIB; neither this one, nor any that goes on.

    A name begins with its time. One that lies ahead was given while the clock was wrong, or is wrong now: whichever it
    is, such a run counts as older than all others, so that those that are made now stay.
    """
    found = [entry.name for entry in runs.iterdir() if _NAME.fullmatch(entry.name)]
    newest_first = sorted(
        found, key=lambda name: (name[:_TIME_LENGTH] <= own.name[:_TIME_LENGTH], name), reverse=True
    )
    mib = 0.0
    for number, name in enumerate(newest_first, start=1):
        mib += _mib(runs / name)
        if name != own.name and (number > KEPT_RUNS or mib > KEPT_MIB):
            _remove(runs / name)


def _mib(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return sum(path.lstat().st_size for path in folder.iterdir()) / 2**20
    return 0.0


def _remove(folder: Path) -> None:
    """Remove the folder of a run, unless its process lives."""
    with contextlib.suppress(OSError):  # it has no log, or the file system no locks
        lock = os.open(RunFolder(folder).log, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(lock)
    shutil.rmtree(folder, ignore_errors=True)
