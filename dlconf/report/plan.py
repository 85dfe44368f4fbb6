"""The plan as text and as data: per host and role what would change, from what to what, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlconf.contract import Difference
from dlconf.hosts import PROBLEMS, HostState, RoleChanges, Survey
from dlconf.report import problems
from dlconf.report.stack import gpu_names, stack_lines
from dlconf.report.text import PLAIN, SIGNS, Paint, clean, count, json_text, one_line

NOTHING = "none"


def text(survey: Survey, log: Path | None, paint: Paint = PLAIN) -> str:
    """Return the plan: one block a host, then the hosts without a plan, then a line of counts."""
    return "\n".join(blocks(survey, log, paint))


def blocks(survey: Survey, log: Path | None, paint: Paint = PLAIN) -> Iterator[str]:
    """Yield the parts of the plan's text, each of one or more lines, so that many hosts need little memory.

    Hosts that share resolution and changes are written once: stored hosts in the same state do.
    """
    written: dict[tuple[int, ...], str] = {}
    for host in survey.hosts.values():
        if host.status == "drift":
            alike = (id(host.resolution), id(host.roles), id(host.pending))
            if alike not in written:
                written[alike] = "\n".join([*_host(host, paint), ""])
            yield paint(clean(host.name), "bold") + written[alike]
        elif host.status == "in_sync":
            yield f"{paint(clean(host.name), 'bold')}: nothing to change"
            yield "\n".join([*pending_lines(host.pending), ""])
    if trouble := problems.of_states(survey.hosts.values(), log, paint):
        yield "\n".join([*trouble, ""])
    yield counts(survey)


def counts(survey: Survey) -> str:
    """Return the plan's last line: how many hosts, and how many resources of each action."""
    drifted = survey.with_status("drift")
    actions = Counter(change.action for host in drifted for change in host.changes)
    parts = []
    if drifted:
        parts.append(
            f"{count(len(drifted), 'host')} to change"
            f" ({count(actions.total(), 'resource')}: {actions['add']} to add, "
            f"{actions['change']} to change, {actions['remove']} to remove)"
        )
    elif not any(survey.with_status(status) for status in PROBLEMS):
        parts.append("nothing to change")
    if in_sync := survey.with_status("in_sync"):
        parts.append(f"{count(len(in_sync), 'host')} in order")
    for status in PROBLEMS:
        if hosts := survey.with_status(status):
            parts.append(f"{count(len(hosts), 'host')} {problems.WORDS[status]}")
    return "Plan: " + ", ".join(parts)


def _host(host: HostState, paint: Paint) -> list[str]:
    """Return the lines of a host's block, without the name that the first begins with."""
    lines = [f"  {gpu_names(host.resolution)}"]
    if host.resolution:
        lines += ["  stack", *stack_lines(host.resolution, paint, indent=4)]
    lines += role_lines(host.roles, paint)
    return lines + pending_lines(host.pending)


def role_lines(roles: tuple[RoleChanges, ...], paint: Paint = PLAIN) -> list[str]:
    """Return the changes of each role, `+ ~ -` before each resource."""
    lines: list[str] = []
    for role in roles:
        lines.append(f"  {clean(role.role)}")
        lines += [
            "    " + paint(f"{SIGNS.get(change.action, '~')} {described(change)}", _colour(change))
            for change in role.resources
        ]
    return lines


def described(change: Difference) -> str:
    """Return a resource with what is there and what is wanted."""
    found = NOTHING if change.found is None else change.found
    return one_line(f"{change.kind} {change.id}: {found} -> {change.expected}")


def _colour(change: Difference) -> str:
    return change.action if change.action in SIGNS else "change"


def pending_lines(pending: tuple[Difference, ...]) -> list[str]:
    """Return what waits for a reboot."""
    return [
        f"  reboot needed: {described(change)} (dlconf apply --reboot does it)"
        for change in pending
    ]


def data(survey: Survey, log: Path | None, command: str) -> dict[str, Any]:
    """Return the plan as JSON data."""
    hosts = {host.name: host_data(host, log) for host in survey.hosts.values()}
    return {"schema": 1, "command": command, "hosts": hosts} | _rest(survey, log)


def json_parts(survey: Survey, command: str) -> Iterator[str]:
    """Yield the text of the plan's JSON data host by host: of many hosts it is longer than memory should hold."""
    yield f'{{"schema": 1, "command": {json_text(command)}, "hosts": {{'
    for index, host in enumerate(survey.hosts.values()):
        yield f"{', ' if index else ''}{json_text(host.name)}: {json_text(host_data(host, None))}"
    yield f"}}, {json_text(_rest(survey, None))[1:]}"


def _rest(survey: Survey, log: Path | None) -> dict[str, Any]:
    return {"summary": summary_data(survey), "log": None if log is None else str(log)}


def host_data(host: HostState, log: Path | None) -> dict[str, Any]:
    """Return one host's plan as JSON data."""
    return {
        "status": host.status,
        "resolution": host.resolution,
        "roles": roles_data(host.roles),
        "pending": [vars(change) for change in host.pending],
        "failure": problems.as_data(host.status, host.failure, problems.hint_of(host, log)),
        **worker_data(host.worker),
    }


def worker_data(worker: str) -> dict[str, str]:
    """Return which worker served a host as JSON data; nothing where there was none."""
    return {"worker": worker} if worker else {}


def roles_data(roles: tuple[RoleChanges, ...]) -> list[dict[str, Any]]:
    """Return changes by role as JSON data."""
    return [
        {"role": role.role, "resources": [vars(change) for change in role.resources]}
        for role in roles
    ]


def summary_data(survey: Survey) -> dict[str, int]:
    """Return how many hosts there are of each status."""
    return dict(Counter(host.status for host in survey.hosts.values()))
