"""Checks of an inventory: cheap ones before a run, and the reason after a run that reached no host.

Ansible itself reads the inventory in a run. To have it read in this process too would cost every command about 0.4 s
(measured; `ansible-inventory` as a process 0.7 s), so that is done only to explain a run that matched no host.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from dlconf import ansiblesettings
from dlconf.errors import DlconfError, UsageError, nearest_names

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_LINES_SHOWN = 20
_FRAME = re.compile(r'  File "[^"]+", line \d+')
_IN_TRACEBACK = re.compile(r"\s|Traceback \(most recent call last\):")


def names(source: str) -> list[str] | None:
    """Return the hosts of a list such as `gpu1,gpu2` or `gpu1,`; None where the source is a path."""
    if "," not in source or Path(source).exists():
        return None
    return [name.strip() for name in source.split(",") if name.strip()]


def is_local(source: str) -> bool:
    """Say whether the source is the machine that dlconf runs on, and nothing else."""
    hosts = names(source)
    return bool(hosts) and set(hosts or []) <= LOCAL_NAMES


def current_folder() -> str:
    """Return the folder that relative paths start from.

    Raises:
        UsageError: it is gone.
    """
    try:
        return os.getcwd()  # noqa: PTH109 - a text is wanted
    except OSError as error:
        raise UsageError(
            f"the current directory {os.environ.get('PWD', '')} is gone: {error.strerror}",
            hint="change to a folder that is there: cd",
        ) from error


def check(source: str) -> str:
    """Return the inventory source as Ansible takes it from any folder.

    Raises:
        UsageError: it does not exist, cannot be read or has nothing in it, or the current directory is gone.
    """
    current_folder()
    hosts = names(source)
    if hosts is not None:
        if not hosts:
            raise UsageError(
                f"inventory {source!r} names no host", hint="name one before the comma: gpu1,"
            )
        return source
    path = Path(source)
    if not source.strip() or not path.exists():
        raise UsageError(
            f"inventory {source!r} does not exist",
            hint=f"give a file or a folder; for the host of that name write {source.strip() or 'gpu1'},",
        )
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise UsageError(
            f"inventory {source} cannot be read by this user", hint=f"look at: ls -ld {path}"
        )
    if _is_empty(path):
        raise UsageError(
            f"inventory {source} is empty", hint="write a host name on a line of its own"
        )
    return str(path.absolute())


def _is_empty(path: Path) -> bool:
    if path.is_dir():
        return not any(entry for entry in path.iterdir() if not entry.name.startswith("."))
    if os.access(path, os.X_OK):  # a script: what it prints counts
        return path.stat().st_size == 0
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return not any(
        line.strip() and not line.lstrip().startswith(("#", ";", "---")) for line in lines
    )


def _without_frames(lines: list[str]) -> list[str]:
    """Leave of a traceback, also of one whose beginning was cut off, the reason alone."""
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if not frames:
        return lines
    before = list(itertools.takewhile(lambda line: not _IN_TRACEBACK.match(line), lines))
    reason = list(itertools.dropwhile(lambda line: line[:1] == " ", lines[frames[-1] :]))
    return before + reason if reason else lines


def explain_no_host(source: str, limit: str | None, tail: list[str], log: Path) -> DlconfError:
    """Return the reason why a run reached no host.

    Args:
        source: the inventory.
        limit: the pattern of --limit.
        tail: what Ansible printed besides events.
        log: its full output.
    """
    seen = _read(source, limit)
    if seen is not None and not seen.hosts:
        return UsageError(
            f"inventory {source} has no host", hint="write a host name on a line of its own"
        )
    if seen is not None and limit:
        return _unmatched(source, limit, seen)
    lines = _without_frames([line for line in tail if line.strip()])
    said = lines[-_MOST_LINES_SHOWN:] or ["it printed nothing"]
    return DlconfError(
        "\n".join(["Ansible ended before it reached a host:", *said]),
        hint=f"the full log is {log}",
    )


def matching(source: str, limit: str | None, *, strict: bool) -> list[str]:
    """Return the hosts of an inventory that a limit names, in their order; none where it has none.

    Args:
        source: the inventory, checked.
        limit: the pattern of --limit; None for all.
        strict: a part of the limit that matches nothing makes it none.

    Raises:
        DlconfError: Ansible cannot read the inventory.
    """
    seen = _read(source, limit)
    if seen is None:
        raise DlconfError(
            f"Ansible cannot read inventory {source}",
            hint=f"look at: ansible-inventory -i {source} --list",
        )
    return [] if strict and seen.unmatched else seen.matched


@dataclass(frozen=True)
class _Seen:
    """What Ansible reads in an inventory.

    Attributes:
        hosts, matched: all hosts, and those of the limit.
        names: names of hosts and groups.
        unmatched: parts of the limit that match nothing.
    """

    hosts: list[str]
    matched: list[str]
    names: list[str]
    unmatched: list[str]


def _unmatched(source: str, limit: str, seen: _Seen) -> UsageError:
    """Return the error about a limit of which a part, or which as a whole, matches nothing."""
    wrong = seen.unmatched[0] if seen.unmatched else limit
    part = f": {wrong!r}" if wrong != limit else ""
    return UsageError(
        f"--limit {limit!r}{part} matches no host of {source}",
        hint=nearest_names(wrong, seen.names),
    )


def _read(source: str, limit: str | None) -> _Seen | None:
    """Return what Ansible reads in an inventory; None where it cannot read it."""
    ansiblesettings.take_over(host_list=names(source) is not None)
    try:
        from ansible.inventory.manager import (  # noqa: PLC0415 - 0.4 s, see above
            InventoryManager,
            split_host_pattern,
        )
        from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415

        with contextlib.redirect_stderr(
            io.StringIO()
        ):  # the run has printed these warnings to its log
            manager = InventoryManager(loader=DataLoader(), sources=[source])
            if not manager.parse_source(source):  # by itself the manager only warns
                return None
            hosts = [host.name for host in manager.get_hosts()]
            parts = [part.lstrip("!&") for part in split_host_pattern(limit or [])]
            unmatched = [part for part in parts if not manager.get_hosts(part)]
            manager.subset(limit)
            matched = [host.name for host in manager.get_hosts()]
    except Exception:  # whatever it is, the run met it too, and its log says so
        return None
    return _Seen(hosts, matched, sorted({*hosts, *manager.groups}), unmatched)
