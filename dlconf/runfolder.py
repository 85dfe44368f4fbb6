"""The folder of one run: Ansible's full log and its events, kept so that a failure can be read later."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from dlconf.errors import DlconfError
from dlconf.withheld import strings, without_logins

KEPT_RUNS = 100
NOT_KEPT = frozenset({"invocation", "item", "cmd", "stdin", "diff", "task_args"})
"""What of an event repeats a task's arguments, or shows a file: nobody needs it afterwards, and it may hold secrets."""
_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z]+-[0-9a-f]{6}")


def state_home() -> Path:
    """Return dlconf's folder for what outlives a run (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "dlconf"


@dataclass(frozen=True)
class RunFolder:
    """One run's folder; only its owner can read it.

    Attributes:
        path: `<state home>/runs/<UTC time>-<verb>-<short id>`.
    """

    path: Path

    @property
    def log(self) -> Path:
        """Return the path of Ansible's output, that of all playbooks of the run."""
        return self.path / "ansible.log"

    @property
    def events(self) -> Path:
        """Return the path of the events, one JSON object a line."""
        return self.path / "events.jsonl"

    @classmethod
    def create(cls, verb: str) -> RunFolder:
        """Make the folder of a run, and remove the oldest beyond the newest KEPT_RUNS.

        Raises:
            DlconfError: the folder cannot be made.
        """
        runs = state_home() / "runs"
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{verb}-{secrets.token_hex(3)}"
        try:
            runs.mkdir(parents=True, exist_ok=True, mode=0o700)
            (runs / name).mkdir(mode=0o700)
        except OSError as error:
            raise DlconfError(
                f"cannot keep the log of this run in {runs}: {error.strerror}",
                hint="set XDG_STATE_HOME to a folder that can be written",
            ) from error
        _prune(runs)
        return cls(runs / name)


class RunLog:
    """Writes the log and the events of a run as they come; a context manager."""

    def __init__(self, folder: RunFolder) -> None:
        self._log: TextIO = _open_private(folder.log)
        self._events: TextIO = _open_private(folder.events)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        self._events.close()

    def line(self, text: str) -> None:
        """Write a line to the log."""
        self._log.write(without_logins(text.replace("\r\n", "\n")) + "\n")
        self._log.flush()

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
            self._events.write(json.dumps(strings(_kept(kept))) + "\n")


def _kept(part: Any) -> Any:
    """Return a part of an event without NOT_KEPT."""
    if isinstance(part, Mapping):
        return {key: _kept(value) for key, value in part.items() if key not in NOT_KEPT}
    return [_kept(value) for value in part] if isinstance(part, list) else part


def _open_private(path: Path) -> TextIO:
    """Open a file to append to, readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _prune(runs: Path) -> None:
    """Remove the oldest runs; a name begins with its time, so names sort by age."""
    names = sorted(entry.name for entry in runs.iterdir() if _NAME.fullmatch(entry.name))
    for name in names[:-KEPT_RUNS]:
        shutil.rmtree(runs / name, ignore_errors=True)
