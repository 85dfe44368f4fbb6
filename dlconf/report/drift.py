"""Drift as text and as data: per host and role what was expected and what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlconf.hosts import PROBLEMS, Survey
from dlconf.report import plan, problems
from dlconf.report.text import PLAIN, Paint, clean, count, one_line


def text(survey: Survey, log: Path, paint: Paint = PLAIN) -> str:
    """Return what differs: one block a host, then the hosts that could not be looked at, then a line of counts."""
    lines: list[str] = []
    for host in survey.with_status("drift", "in_sync"):
        lines.append(f"{paint(clean(host.name), 'bold')}: {'drift' if host.roles else 'no drift'}")
        for role in host.roles:
            lines.append(f"  {clean(role.role)}")
            for change in role.resources:
                found = plan.NOTHING if change.found is None else change.found
                lines.append(
                    one_line_indented(
                        f"{change.kind} {change.id}: expected {change.expected}, found {found}"
                    )
                )
        lines += [*plan.pending_lines(host.pending), ""]
    if trouble := problems.of_states(survey.hosts.values(), log, paint):
        lines += [*trouble, ""]
    return "\n".join([*lines, _counts(survey)])


def one_line_indented(line: str) -> str:
    """Return a line of a role's block."""
    return "    " + one_line(line)


def _counts(survey: Survey) -> str:
    drifted = survey.with_status("drift")
    resources = sum(len(host.changes) for host in drifted)
    parts = [
        f"{count(resources, 'resource')} on {count(len(drifted), 'host')}" if drifted else "none"
    ]
    if in_order := survey.with_status("in_sync"):
        parts.append(f"{count(len(in_order), 'host')} in order")
    if trouble := survey.with_status(*PROBLEMS):
        parts.append(f"{count(len(trouble), 'host')} not looked at")
    return "Drift: " + ", ".join(parts)


def data(survey: Survey, log: Path) -> dict[str, Any]:
    """Return the drift as JSON data."""
    return plan.data(survey, log, "drift")
