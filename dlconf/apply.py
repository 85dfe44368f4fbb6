"""Survey, converge and verify hosts: the steps of the commands, with no word of the command line in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dlconf import hosts, inventory
from dlconf.contract import Difference
from dlconf.errors import DlconfError
from dlconf.hosts import HostState, RoleChanges, Survey
from dlconf.outcome import RunOutcome, TaskFailure, TaskResult
from dlconf.request import Request
from dlconf.runfolder import RunFolder
from dlconf.runner import Run, Watcher, run_playbook

APPLYING = "site.yml"
"""The one playbook that changes hosts."""


OF_A_RUN: dict[str, Any] = {
    "dlconf_planned": {},
    "dlconf_reboot": False,
    "dlconf_all": False,
    "dlconf_contracts": False,
}
"""Variables that only a command sets: given always, and so above those of the inventory."""


class Interrupted(DlconfError):
    """The user stopped the run."""

    exit_code = 130


class RunsPlaybooks(Protocol):
    """How a playbook is run: `runner.run_playbook`, or a stand-in of a test."""

    def __call__(
        self,
        run: Run,
        folder: RunFolder,
        *,
        watch: Watcher | None = None,
        say: Callable[[str], None] | None = None,
    ) -> RunOutcome:
        """Run a playbook and return what it came to."""


@dataclass(frozen=True)
class Steps:
    """A request, where its log goes, and who watches: what every step needs."""

    request: Request
    folder: RunFolder
    watch: Watcher | None = None
    say: Callable[[str], None] | None = None
    run: RunsPlaybooks = run_playbook

    def play(self, run: Run) -> RunOutcome:
        """Run a playbook for the request; what an interrupted one did to hosts is returned, and the folder is told.

        Raises:
            Interrupted: the user stopped it, and it changes nothing or had not begun to.
        """
        outcome = self.run(run, self.folder, watch=self.watch, say=self.say)
        if (
            self.say and run.playbook != APPLYING
        ):  # a run that changes hosts comes after one that has said so
            for warning in outcome.warnings:
                self.say(f"warning: {warning}")
        if outcome.interrupted:
            if run.playbook != APPLYING:
                raise Interrupted("interrupted")
            interrupted = Interrupted(
                "interrupted", hint="the next apply goes on from where this one stopped"
            )
            if not outcome.hosts:
                raise interrupted
            self.folder.report(interrupted)
        return outcome


@dataclass(frozen=True)
class Converged:
    """What applying came to on one host.

    Attributes:
        status: `done`; `failed`, a task or a check failed; `unreachable`; `left`, something still differs;
            `interrupted`, the user stopped the run before the host's end; `not_reached`, the run ended before its turn.
        roles: roles of which a task ran.
        changed: tasks that changed something, with --check that would.
        checks: what verify found.
        left: what still differs.
        pending: what only a reboot brings about.
        worker: the machine that ran Ansible for this host, where it was not this one.
    """

    name: str
    status: str
    roles: tuple[str, ...] = ()
    changed: tuple[TaskResult, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    left: tuple[RoleChanges, ...] = ()
    pending: tuple[Difference, ...] = ()
    failure: TaskFailure | None = None
    diffs: tuple[str, ...] = ()
    worker: str = ""


def survey(steps: Steps) -> Survey:
    """Look at every host and return how each stands. Changes nothing.

    Raises:
        UsageError: the inventory or the limit has no host.
        DlconfError: Ansible ended before it reached one.
        Interrupted: the user stopped it.
    """
    outcome = steps.play(_run(steps.request, "state.yml", strict_limit=True))
    _require_hosts(steps.request, outcome)
    return Survey({name: hosts.from_outcome(name, host) for name, host in outcome.hosts.items()})


def converge(steps: Steps, found: Survey) -> dict[str, Converged]:
    """Apply the plan of a survey, exactly as it was shown, to the hosts that drifted.

    Raises:
        DlconfError: Ansible ended before it reached a host.
        Interrupted: the user stopped it.
    """
    request = steps.request
    drifted = [host for host in found.hosts.values() if wants_change(host, request)]
    planned = {host.name: host.resolution for host in drifted}
    extra_vars = request.extra_vars() | {"dlconf_planned": planned, "dlconf_reboot": request.reboot}
    outcome = steps.play(
        _run(
            request,
            APPLYING,
            hosts=[host.name for host in drifted],
            extra_vars=extra_vars,
            served_by={host.name: host.worker for host in drifted if host.worker},
            check=request.check,
            diff=request.diff,
        )
    )
    _require_hosts(request, outcome)
    return {
        host.name: _converged(host.name, outcome, judge_left=not request.check) for host in drifted
    }


def verify(steps: Steps) -> tuple[Survey, dict[str, Converged]]:
    """Look at every host and run role verify on it. Changes nothing.

    Raises: as `survey`.
    """
    outcome = steps.play(_run(steps.request, "verify.yml", strict_limit=True))
    _require_hosts(steps.request, outcome)
    states = {name: _before_checks(name, outcome) for name in outcome.hosts}
    results = {
        name: _converged(name, outcome, judge_left=False)
        for name, state in states.items()
        if state.status in ("in_sync", "drift")
    }
    return Survey(states), results


def wants_change(host: HostState, request: Request) -> bool:
    """Say whether apply has something to do on a host."""
    return host.status == "drift" or (
        host.status == "in_sync" and request.reboot and bool(host.pending)
    )


def _run(request: Request, playbook: str, **fields: Any) -> Run:
    base: dict[str, Any] = {"limit": request.limit}
    extra_vars = OF_A_RUN | fields.pop("extra_vars", request.extra_vars())
    return Run(
        playbook,
        request.inventory,
        inventories=request.inventories,
        forks=request.forks,
        workers=request.workers,
        passwords=request.passwords,
        extra_vars=extra_vars,
        **base | fields,
    )


def _require_hosts(request: Request, outcome: RunOutcome) -> None:
    if not outcome.hosts:
        raise inventory.explain_no_host(
            (request.inventory, *request.inventories), request.limit, outcome.tail, outcome.log_path
        )


def _before_checks(name: str, outcome: RunOutcome) -> HostState:
    """Return a host's state of a verify run; a failure after the state task is one of the checks."""
    host = outcome.hosts[name]
    if host.states and host.states[-1].get("plan") and not host.unreachable:
        roles = hosts.roles_of(host.states[-1]["plan"])
        return HostState(
            name,
            "drift" if roles else "in_sync",
            host.states[-1]["facts"],
            host.states[-1]["resolution"],
            roles,
            hosts.pending_of(host.states[-1]["plan"]),
            worker=host.worker,
        )
    return hosts.from_outcome(name, host)


def _converged(name: str, outcome: RunOutcome, *, judge_left: bool) -> Converged:
    host = outcome.hosts.get(name)
    if host is None:
        return Converged(name, "interrupted" if outcome.interrupted else "not_reached")
    plan = (host.states[-1].get("plan") or {}) if host.states else {}
    failure = host.failure
    if failure is None and not outcome.ended and not outcome.interrupted:
        failure = TaskFailure("", "", "Ansible ended before its summary")
    looked_again = (
        len(host.states) > 1 or not failure
    )  # the first look was before anything was applied
    left = hosts.roles_of(plan) if plan and judge_left and looked_again else ()
    failed_checks = [item for item in host.checks if item.get("status") == "failed"]
    status = (
        "unreachable"
        if host.unreachable
        else "failed"
        if failure or failed_checks
        else "interrupted"
        if outcome.interrupted and not host.checks  # they come last
        else "left"
        if left
        else "done"
    )
    return Converged(
        name,
        status,
        tuple(host.roles),
        tuple(host.changed),
        tuple(host.checks),
        left,
        hosts.pending_of(plan) if plan else (),
        failure,
        tuple(host.diffs),
        host.worker,
    )
