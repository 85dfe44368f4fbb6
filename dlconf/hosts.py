"""The state of a host, as `dlconf_state` reports it and as the commands read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dlconf.contract import Difference
from dlconf.errors import DlconfError
from dlconf.outcome import HostOutcome, TaskFailure
from dlconf.plan import Plan

_NO_CONNECTION = frozenset({"AnsibleConnectionFailure", "AnsibleAuthenticationFailure"})
"""Ansible's errors that mean that a host did not answer, or not to this user."""

Status = Literal["in_sync", "drift", "no_stack", "refused", "failed", "unreachable"]
PROBLEMS: tuple[Status, ...] = ("no_stack", "refused", "failed", "unreachable")


@dataclass(frozen=True)
class RoleChanges:
    """What one role would change on a host."""

    role: str
    resources: tuple[Difference, ...]


@dataclass(frozen=True)
class HostState:
    """How one host stands.

    Attributes:
        status: `in_sync`; `drift`, a role has something to do; `no_stack`, no versions fit; `refused`, the wishes or
            the machine are not what dlconf serves; `failed`, it could not be looked at; `unreachable`.
        facts, variables, resolution: as docs/architecture.md describes them; None where it did not come to that.
        roles: what each role would change, in the order in which roles are applied.
        pending: what only a reboot brings about.
        failure: why there is no plan, where there is none.
        hint: what to do about it.
        exit_code: that of a command that has this host only and no drift to report.
        worker: the machine that ran Ansible for this host, where it was not this one.
        login: the command that logs in to it, where it was not reached by SSH.
    """

    name: str
    status: Status
    facts: Mapping[str, Any] | None = None
    resolution: Mapping[str, Any] | None = None
    roles: tuple[RoleChanges, ...] = ()
    pending: tuple[Difference, ...] = ()
    failure: TaskFailure | None = None
    hint: str = ""
    exit_code: int = 0
    variables: Mapping[str, Any] | None = None
    worker: str = ""
    login: str = ""

    @property
    def changes(self) -> list[Difference]:
        """Return the changes of all roles."""
        return [change for role in self.roles for change in role.resources]


def from_outcome(name: str, outcome: HostOutcome) -> HostState:
    """Return the state that a run of state.yml found on a host."""
    state = outcome.states[-1] if outcome.states else {}
    if outcome.unreachable:
        return HostState(
            name,
            "unreachable",
            failure=outcome.unreachable,
            exit_code=1,
            worker=outcome.worker,
            login=str(state.get("login") or ""),
        )
    found: dict[str, Any] = {key: state.get(key) for key in ("facts", "resolution", "variables")}
    found["worker"] = outcome.worker
    if error := state.get("error"):
        task = outcome.failure or TaskFailure("", "", "")
        return HostState(name, **_of_error(error, task), **found)
    if outcome.failure or not state.get("plan"):
        failure = outcome.failure or TaskFailure("", "", "Ansible reported no state of this host")
        return HostState(name, "failed", failure=failure, exit_code=1, **found)
    roles = roles_of(state["plan"])
    return HostState(
        name,
        "drift" if roles else "in_sync",
        roles=roles,
        pending=pending_of(state["plan"]),
        **found,
    )


_STATUSES: Mapping[int, Status] = {2: "refused", 3: "no_stack"}


def _of_error(error: Mapping[str, Any], task: TaskFailure) -> dict[str, Any]:
    """Return the fields of a host that has an error in the place of a plan."""
    code = int(error.get("exit_code", 1))
    unreachable = error.get("kind") in _NO_CONNECTION
    return {
        "status": "unreachable" if unreachable else _STATUSES.get(code, "failed"),
        "failure": TaskFailure(task.role, task.task, str(error.get("message", ""))),
        "hint": str(error.get("hint", "")),
        "exit_code": code,
    }


def of_error(name: str, error: DlconfError) -> HostState:
    """Return the state of a host that has no plan, without a task that failed."""
    told = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    return HostState(name, **_of_error(told, TaskFailure("", "", "")))


def of_plan(name: str, resolution: Mapping[str, Any], found: Plan) -> HostState:
    """Return the state of a host that has a plan."""
    roles = tuple(RoleChanges(role, changes) for role, changes in found.roles.items())
    return HostState(
        name,
        "drift" if roles else "in_sync",
        resolution=resolution,
        roles=roles,
        pending=found.pending,
    )


def roles_of(plan: Mapping[str, Any]) -> tuple[RoleChanges, ...]:
    """Return the roles of a plan that have something to change."""
    roles = (
        RoleChanges(str(role["role"]), tuple(map(_change, role["resources"])))
        for role in plan["roles"]
    )
    return tuple(role for role in roles if role.resources)


def pending_of(plan: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what of a plan only a reboot brings about."""
    return tuple(map(_change, plan.get("pending", ())))


def _change(data: Mapping[str, Any]) -> Difference:
    found = data.get("found")
    return Difference(
        str(data["kind"]),
        str(data["id"]),
        data["action"],
        str(data["expected"]),
        None if found is None else str(found),
    )


@dataclass(frozen=True)
class Survey:
    """How all hosts stand."""

    hosts: Mapping[str, HostState] = field(default_factory=dict)

    def with_status(self, *statuses: Status) -> list[HostState]:
        """Return the hosts of these statuses."""
        return [host for host in self.hosts.values() if host.status in statuses]

    @property
    def exit_code(self) -> int:
        """Return 0 where every host has a plan; the hosts' common code where they fail alike, else 1."""
        codes = {host.exit_code for host in self.hosts.values() if host.exit_code}
        return codes.pop() if len(codes) == 1 else int(bool(codes))
