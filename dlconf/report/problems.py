"""Hosts on which something went wrong: host, role, task, the module's message, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlconf.apply import Converged
from dlconf.hosts import PROBLEMS, HostState
from dlconf.outcome import TaskFailure
from dlconf.report import hints
from dlconf.report.text import PLAIN, Paint, clean, count

WORDS = {
    "no_stack": "without a compatible stack",
    "refused": "refused",
    "failed": "failed",
    "unreachable": "unreachable",
    "left": "still differs",
    "interrupted": "interrupted",
    "not_reached": "not reached",
}
"""How a status of a host is said."""


def where(failure: TaskFailure) -> str:
    """Return role and task of a failure, as far as they are known."""
    parts = [
        f"role {failure.role}" if failure.role else "",
        f"task {failure.task}" if failure.task else "",
    ]
    return clean(", ".join(part for part in parts if part))


def block(host: str, status: str, failure: TaskFailure, hint: str, paint: Paint) -> list[str]:
    """Return the lines that tell of a failure on one host."""
    message = clean(failure.message).splitlines()
    if status in ("no_stack", "refused"):  # the message says it all
        word, message = " ".join(message[:1]), message[1:]
    else:
        word = WORDS[status]
    place = where(failure) if status == "failed" else ""
    lines = [f"{clean(host)}: {paint(word, 'bad')}" + (f" ({place})" if place else "")]
    lines += ["    " + line for line in message]
    if hint:
        lines.append(f"    hint: {clean(hint)}")
    return lines


def of_states(hosts: Iterable[HostState], log: Path | None, paint: Paint = PLAIN) -> list[str]:
    """Return the lines about hosts that have no plan."""
    alike: dict[tuple[str, ...], list[HostState]] = {}
    for host in hosts:
        if host.status in PROBLEMS and host.failure:
            told = (host.status, host.failure.task, host.failure.message, hint_of(host, log))
            own = [part for part in (host.login.rpartition("@")[2], host.name) if part]
            alike.setdefault(tuple(_without(text, own) for text in told), []).append(host)
    lines: list[str] = []
    for same in alike.values():
        names = ", ".join(host.name for host in same)
        heading = names if len(same) == 1 else f"{count(len(same), 'host')} ({names})"
        first = same[0]
        assert first.failure is not None  # noqa: S101 - for the type checker
        lines += block(heading, first.status, first.failure, hint_of(first, log), paint)
    return lines


def _without(text: str, names: Iterable[str]) -> str:
    """Return a text in which what names a host is left open, to tell whether hosts fail alike."""
    for name in names:
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "HOST", text)
    return text


def hint_of(host: HostState, log: Path | None) -> str:
    """Return what to do next about a host without a plan; `log` is that of the run, if there was one."""
    if host.hint or host.failure is None or log is None or host.status in ("no_stack", "refused"):
        return host.hint
    return hints.for_failure(
        host.name,
        host.failure,
        unreachable=host.status == "unreachable",
        log=log,
        login=host.login,
    )


def as_data(status: str, failure: TaskFailure | None, hint: str) -> dict[str, Any] | None:
    """Return a failure as JSON data."""
    if failure is None:
        return None
    return {
        "kind": status,
        "role": failure.role,
        "task": failure.task,
        "message": failure.message,
        "hint": hint,
    }


def of_results(results: Iterable[Converged], log: Path, paint: Paint = PLAIN) -> list[str]:
    """Return the lines about hosts on which applying or verifying failed."""
    lines: list[str] = []
    for result in results:
        if result.failure and result.status in ("failed", "unreachable"):
            hint = result_hint(result, log)
            lines += block(result.name, result.status, result.failure, hint, paint)
        elif result.status == "not_reached":
            lines += block(
                result.name,
                "not_reached",
                TaskFailure("", "", ""),
                f"the full output is in {log}",
                paint,
            )
    return lines


def result_hint(result: Converged, log: Path) -> str:
    """Return what to do next about a host on which applying failed."""
    if result.failure is None:
        return ""
    return hints.for_failure(
        result.name, result.failure, unreachable=result.status == "unreachable", log=log
    )
