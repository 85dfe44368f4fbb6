"""What a run of a playbook came to, host by host, read from ansible-runner's events. Pure: events in, outcome out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dlconf import ansiblesaid

INNER_ROLES = frozenset({"download", "apt_key"})
"""Roles that only work for another: what they do is reported under that one."""

Kind = Literal[
    "play",
    "task",
    "start",
    "ok",
    "changed",
    "skipped",
    "ignored",
    "retry",
    "failed",
    "unreachable",
    "end",
]


@dataclass(frozen=True)
class Event:
    """One step of a run, for those who watch it.

    Attributes:
        kind: `play`, `task` and `end` concern the run; the others one host.
        host, role, task: where it happened; empty where it does not apply.
        message: the module's message of a failure.
    """

    kind: Kind
    host: str = ""
    role: str = ""
    task: str = ""
    message: str = ""


@dataclass(frozen=True)
class TaskResult:
    """A task that changed something on a host."""

    role: str
    task: str


@dataclass(frozen=True)
class TaskFailure:
    """A task that failed on a host, with the message of its module."""

    role: str
    task: str
    message: str


MOST_LINES = 120
"""How many lines that Ansible printed beside events are kept: each plugin tells of an inventory in a dozen."""
_LOST = TaskFailure("", "", "a task failed, and what it said did not arrive")


@dataclass
class HostOutcome:
    """What a run came to on one host.

    Attributes:
        ok: number of tasks that ran and did not fail.
        changed: tasks that changed something, in order.
        failed: tasks that failed and were not ignored or rescued, in order.
        unreachable: the connection's error; None where the host answered.
        roles: roles of which a task ran, in order.
        states: the `dlconf` of each `dlconf_state` result, in order.
        checks: what role verify found.
        diffs: what --diff printed.
        worker: the machine that ran Ansible for this host, where it was not this one.
    """

    ok: int = 0
    changed: list[TaskResult] = field(default_factory=list)
    failed: list[TaskFailure] = field(default_factory=list)
    unreachable: TaskFailure | None = None
    roles: list[str] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)
    worker: str = ""

    @property
    def failure(self) -> TaskFailure | None:
        """Return what stopped the host, if anything did."""
        return self.unreachable or (self.failed[-1] if self.failed else None)


@dataclass
class RunOutcome:
    """What a run came to.

    Attributes:
        hosts: outcome by host name, in the order in which hosts first appeared.
        log_path: Ansible's full output.
        interrupted: the user stopped the run.
        rc: exit status of ansible-playbook.
        tail: the last lines that Ansible printed outside of any event: its own errors.
        ended: Ansible came to its summary; else what happened on a host may not be known.
        warnings: what Ansible warned of in the inventory, each once, with its place.
    """

    hosts: dict[str, HostOutcome]
    log_path: Path
    interrupted: bool = False
    rc: int = 0
    tail: list[str] = field(default_factory=list)
    ended: bool = True
    warnings: tuple[str, ...] = ()


class Recorder:
    """Reads events one by one into outcomes by host."""

    def __init__(self) -> None:
        self.hosts: dict[str, HostOutcome] = {}
        self.tail: list[str] = []
        self.pid: int | None = None
        self.ended = False
        self.warnings: dict[str, None] = {}
        self._role = ""
        self._known: dict[bytes, Any] = {}

    def feed(self, event: Mapping[str, Any]) -> Event | None:
        """Take in one event of ansible-runner; return what a watcher should know of it, if anything."""
        name = event.get("event", "")
        data = event.get("event_data") or {}
        self.pid = self.pid or event.get("pid")
        if name in ("verbose", "warning") and (
            warning := ansiblesaid.warning(str(event.get("stdout", "")))
        ):
            self.warnings[warning] = None
        if name == "verbose":
            self.tail = [*self.tail, str(event.get("stdout", ""))][-MOST_LINES:]
            return None
        if name == "playbook_on_play_start":
            self._role = ""
            return Event("play", task=data.get("play", ""))
        if name == "playbook_on_task_start":
            return Event("task", role=self._role_of(data), task=data.get("task", ""))
        if name == "playbook_on_stats":
            self._settle(data)
            return Event("end")
        if not data.get("host"):
            return None
        return self._of_host(name, data, event)

    def _role_of(self, data: Mapping[str, Any]) -> str:
        """Return the role that a task counts for, and remember it for the roles it calls."""
        role = str(data.get("role") or "")
        if role not in INNER_ROLES:
            self._role = role
        return self._role or role

    def _of_host(
        self, name: str, data: Mapping[str, Any], event: Mapping[str, Any]
    ) -> Event | None:
        host, task, role = str(data["host"]), str(data.get("task", "")), self._role_of(data)
        outcome = self.hosts.setdefault(host, HostOutcome())
        result = data.get("res") or {}
        if name == "runner_on_file_diff" and event.get("stdout"):
            outcome.diffs.append(str(event["stdout"]))
        kind = _kind(name, data, result)
        if kind in ("ok", "changed", "failed", "unreachable", "ignored"):
            self._keep(outcome, result)
        if kind in ("ok", "changed", "failed") and role and role not in outcome.roles:
            outcome.roles.append(role)
        message = _message(result) if kind in ("failed", "unreachable", "ignored") else ""
        if kind in ("ok", "changed"):
            outcome.ok += 1
        if kind == "changed":
            outcome.changed.append(TaskResult(role, task))
        elif kind == "failed":
            outcome.failed.append(TaskFailure(role, task, message))
        elif kind == "unreachable":
            outcome.unreachable = TaskFailure(role, task, message)
        return Event(kind, host, role, task, message) if kind else None

    def _keep(self, outcome: HostOutcome, result: Mapping[str, Any]) -> None:
        """Keep the results that dlconf reads: states and checks."""
        if isinstance(state := result.get("dlconf"), dict):
            outcome.states.append({name: self._shared(part) for name, part in state.items()})
        facts = result.get("ansible_facts")
        if isinstance(facts, dict) and isinstance(checks := facts.get("verify_checks"), list):
            outcome.checks = [check for check in checks if isinstance(check, dict)]

    def _shared(self, part: Any) -> Any:
        """Return a part of a state, and what is in it, as hosts before had it, where they are equal.

        Machines of a lab are alike: so memory grows with the kinds of machines, and little with their number.
        """
        if not isinstance(part, dict):
            return part
        own = {name: self._once(value) for name, value in part.items()}
        return self._once(own)

    def _once(self, value: Any) -> Any:
        if not isinstance(value, dict | list | str):
            return value
        text = json.dumps(value, sort_keys=True).encode()
        return self._known.setdefault(hashlib.blake2b(text, digest_size=16).digest(), value)

    def _settle(self, stats: Mapping[str, Any]) -> None:
        """Hold each host to Ansible's count: what is not in it was rescued, what is only there was lost."""
        self.ended = True
        failures, dark = stats.get("failures") or {}, stats.get("dark") or {}
        for host in dict.fromkeys([*self.hosts, *failures, *dark]):
            outcome = self.hosts.setdefault(host, HostOutcome())
            if not failures.get(host):
                outcome.failed.clear()
            elif not outcome.failed:
                outcome.failed.append(_LOST)
            if dark.get(host) and not outcome.unreachable:
                outcome.unreachable = _LOST


def _kind(name: str, data: Mapping[str, Any], result: Mapping[str, Any]) -> Kind | None:
    if name == "runner_on_failed":
        return "ignored" if data.get("ignore_errors") else "failed"
    if name == "runner_on_ok":
        # A look at a host changes nothing there; Ansible calls it a change because it puts the host into groups.
        return "changed" if result.get("changed") and "dlconf" not in result else "ok"
    others: Mapping[str, Kind] = {
        "runner_on_start": "start",
        "runner_on_skipped": "skipped",
        "runner_on_unreachable": "unreachable",
        "runner_retry": "retry",
    }
    return others.get(name)


def _message(result: Mapping[str, Any]) -> str:
    """Return the message of a failed result; that of the first failed item where the task is a loop."""
    items = result.get("results")
    if isinstance(items, list):
        failed = [
            item
            for item in items
            if isinstance(item, dict) and (item.get("failed") or item.get("unreachable"))
        ]
        if failed:
            return _message(failed[0])
    message = str(result.get("msg") or result.get("censored") or "no message").strip()
    details = str(result.get("stderr") or result.get("module_stderr") or "").strip()
    if details and details not in message:
        message += "\n" + "\n".join(details.splitlines()[-5:])
    return message
