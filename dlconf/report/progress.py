"""Progress on standard error: a live table of hosts and roles on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from dlconf.outcome import Event
from dlconf.report.text import one_line

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_WORDS = {
    "start": "...",
    "ok": "ok",
    "changed": "changed",
    "failed": "FAILED",
    "unreachable": "UNREACHABLE",
}
_RANK = {"...": 0, "ok": 1, "changed": 2, "FAILED": 3, "UNREACHABLE": 3}


class Progress(Protocol):
    """What watches a run; a context manager."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *_: object) -> None: ...

    def watch(self, event: Event) -> None:
        """Take in a step of the run."""

    def say(self, line: str) -> None:
        """Show a line that stays."""


class PlainProgress:
    """A line for each role that begins on a host, and for each task that changed something or failed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun: set[tuple[str, str]] = set()

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def watch(self, event: Event) -> None:
        """Print a line where the step is worth one."""
        if event.kind == "start" and event.role and (event.host, event.role) not in self._begun:
            self._begun.add((event.host, event.role))
            self.say(f"{event.host}: {event.role}")
        elif event.kind in ("changed", "failed", "unreachable"):
            place = f"{event.host}: {event.role}: " if event.role else f"{event.host}: "
            tail = f": {event.message}" if event.message else ""
            self.say(f"{place}{event.task}: {_WORDS[event.kind]}{tail}")

    def say(self, line: str) -> None:
        """Print a line."""
        self._stream.write(one_line(line) + "\n")
        self._stream.flush()


@dataclass
class _Row:
    """One host in the table."""

    task: str = ""
    begun_s: float = 0.0
    running: bool = False
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        return any(_RANK[word] == 3 for word in self.roles.values())


class LiveProgress:
    """A table, host by role, with the current task and its time; drawn anew four times a second.

    Args:
        stream: a terminal.
        clock: monotonic time in seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console  # noqa: PLC0415 - 0.1 s, for terminals only

        self._console = Console(file=stream)
        self._clock = clock
        self._begun_s = clock()
        self._rows: dict[str, _Row] = {}
        self._roles: list[str] = []
        self._live: Live | None = None

    def __enter__(self) -> LiveProgress:
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(console=self._console, get_renderable=self.table, transient=True)
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def watch(self, event: Event) -> None:
        """Note a step for the next drawing."""
        if not event.host:
            return
        row = self._rows.setdefault(event.host, _Row())
        role = event.role or "state"
        if event.kind == "start":
            row.task, row.begun_s, row.running = event.task, self._clock(), True
        elif event.kind != "retry":
            row.running = False
        word = _WORDS.get(event.kind)
        if word is None:
            return
        if role not in self._roles:
            self._roles.append(role)
        if _RANK[word] >= _RANK[row.roles.get(role, "...")]:
            row.roles[role] = word
        if event.kind in ("failed", "unreachable"):
            self.say(f"{event.host}: {event.task}: {word}: {event.message}")

    def say(self, line: str) -> None:
        """Print a line above the table."""
        self._console.print(one_line(line), markup=False, highlight=False, soft_wrap=True)

    def table(self) -> Table:
        """Return the table as it stands: stopped hosts and running ones first, as many as there is room for."""
        from rich.markup import escape  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        now = self._clock()
        table = Table(box=None, pad_edge=False)
        for name in ("host", *self._roles, "task", f"{now - self._begun_s:.0f} s"):
            table.add_column(escape(name), no_wrap=True, overflow="ellipsis")
        rows = sorted(
            self._rows.items(), key=lambda item: (not item[1].stopped, not item[1].running)
        )
        room = max(3, self._console.height - 4)
        for host, row in rows[:room]:
            cells = [row.roles.get(role, "") for role in self._roles]
            elapsed = f"{now - row.begun_s:.0f} s" if row.running else ""
            table.add_row(*map(escape, (one_line(host), *cells, one_line(row.task), elapsed)))
        if len(rows) > room:
            table.add_row(f"and {len(rows) - room} more")
        return table


def choose(stream: TextIO) -> Progress:
    """Return the live table where the stream is a terminal, else plain lines."""
    return LiveProgress(stream) if stream.isatty() else PlainProgress(stream)
