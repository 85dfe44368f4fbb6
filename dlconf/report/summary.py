"""What applying or verifying came to, as text and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlconf.apply import Converged
from dlconf.hosts import HostState, Survey
from dlconf.report import plan, problems
from dlconf.report.stack import gpu_names
from dlconf.report.text import PLAIN, Paint, clean, count, indented, one_line

_CHECK_SIGNS = {
    "ok": "ok",
    "failed": "FAILED",
    "cpu": "CPU",
    "skipped": "skipped",
    "pending": "pending",
}
_CHECK_COLOURS = {"ok": "good", "failed": "bad"}


def text(
    survey: Survey,
    results: Mapping[str, Converged],
    log: Path,
    *,
    check: bool = False,
    paint: Paint = PLAIN,
) -> str:
    """Return what applying came to: one block a host, then failures and what to do, then a line of counts."""
    if not results:
        return nothing_text(survey, log, paint)
    lines: list[str] = []
    for result in results.values():
        lines += [*_host(result, check, paint), ""]
    trouble = problems.of_results(results.values(), log, paint) + problems.of_states(
        survey.hosts.values(), log, paint
    )
    if trouble:
        lines += [*trouble, ""]
    return "\n".join([*lines, _counts(survey, results, check)])


def of_roles(
    survey: Survey, results: Mapping[str, Converged], roles: Sequence[str], along: bool
) -> str:
    """Return two lines on a run of some roles: what is in order now, and what waits.

    Args:
        roles: those that the user named. along: the roles that go with them were applied too.
    """
    named = ", ".join(roles) + (" and what goes with it" if along else "")
    good = [
        host for host in survey.hosts.values() if final_status(host, results) in ("done", "in_sync")
    ]
    restart = [
        clean(host.name)
        for host in survey.hosts.values()
        if (results[host.name].pending if host.name in results else host.pending)
    ]
    waits = [f"a restart of {', '.join(restart)} (--reboot)"] if restart else []
    if len(good) < len(survey.hosts):
        waits.append(f"{named} on {count(len(survey.hosts) - len(good), 'host')}, as told above")
    waits.append("other roles were not looked at (apply without --role)")
    return f"In order: {named} on {count(len(good), 'host')}\nWaits: {'; '.join(waits)}"


def _host(result: Converged, check: bool, paint: Paint) -> list[str]:
    good = result.status == "done"
    word = ("would change" if check else "done") if good else problems.WORDS[result.status]
    lines = [f"{paint(clean(result.name), 'bold')}: {paint(word, 'good' if good else 'bad')}"]
    changed = Counter(task.role or "playbook" for task in result.changed)
    verb = "would change" if check else "changed"
    lines += [
        f"  {clean(role)}: {count(changed[role], 'task')} {verb}"
        for role in result.roles
        if changed[role]
    ]
    if check:
        lines += [f"    {one_line(task.task)}" for task in result.changed]
    lines += [indented(diff, 4) for diff in result.diffs]
    lines += check_lines(result.checks, paint)
    if result.left:
        lines += ["  still differs", *plan.role_lines(result.left, paint)]
    return lines + plan.pending_lines(result.pending)


def check_lines(checks: Iterable[Mapping[str, Any]], paint: Paint = PLAIN) -> list[str]:
    """Return what role verify found, one line a check."""
    lines: list[str] = []
    for check in checks:
        status = str(check.get("status", "failed"))
        sign = paint(_CHECK_SIGNS.get(status, status), _CHECK_COLOURS.get(status, "change"))
        lines.append(
            f"  verify {one_line(check.get('check', ''))}: {sign}, {one_line(check.get('detail', ''))}"
        )
    return lines


def _counts(survey: Survey, results: Mapping[str, Converged], check: bool) -> str:
    statuses = Counter(result.status for result in results.values())
    done = f"{count(statuses.pop('done', 0), 'host')} {'would change' if check else 'done'}"
    untouched = [host for host in survey.with_status("in_sync") if host.name not in results]
    parts = [done, f"{count(len(untouched), 'host')} in order already"] if untouched else [done]
    statuses.update(
        host.status for host in survey.hosts.values() if host.status not in ("drift", "in_sync")
    )
    parts += [
        f"{count(number, 'host')} {problems.WORDS[status]}" for status, number in statuses.items()
    ]
    changed = sum(len(result.changed) for result in results.values())
    return f"Result: {', '.join(parts)}; {count(changed, 'task')} {'would change' if check else 'changed'}"


def nothing_text(survey: Survey, log: Path, paint: Paint = PLAIN) -> str:
    """Return what apply says where no host has anything to change."""
    lines: list[str] = []
    for host in survey.with_status("in_sync"):
        if host.pending:
            lines += [f"{clean(host.name)}:", *plan.pending_lines(host.pending)]
    if trouble := problems.of_states(survey.hosts.values(), log, paint):
        return "\n".join([*lines, *trouble, "", plan.counts(survey)])
    return "\n".join([*lines, f"nothing to change on {count(len(survey.hosts), 'host')}"])


def verify_text(
    survey: Survey, results: Mapping[str, Converged], log: Path, paint: Paint = PLAIN
) -> str:
    """Return what role verify found on each host, then failures and what to do, then a line of counts."""
    lines: list[str] = []
    for result in results.values():
        host = survey.hosts[result.name]
        lines += [f"{paint(clean(result.name), 'bold')}  {gpu_names(host.resolution)}"]
        lines += check_lines(result.checks, paint) or ["  nothing to verify"]
        lines += [*plan.pending_lines(result.pending), ""]
    trouble = problems.of_results(results.values(), log, paint) + problems.of_states(
        survey.hosts.values(), log, paint
    )
    if trouble:
        lines += [*trouble, ""]
    good = [result for result in results.values() if result.status == "done"]
    on = Counter(proved_on(result, survey.hosts[result.name]) for result in good)
    where = f"{on['gpu']} on the GPU, {on['cpu']} on the CPU"
    return "\n".join(
        [*lines, f"Verified: {len(good)} of {count(len(survey.hosts), 'host')}, {where}"]
    )


def proved_on(result: Converged, host: HostState) -> str | None:
    """Return `gpu` where every check of a host with a GPU succeeded there, `cpu` where one ran on the CPU, or None."""
    statuses = {check.get("status") for check in result.checks}
    if "cpu" in statuses:
        return "cpu"
    return "gpu" if statuses == {"ok"} and (host.resolution or {}).get("gpus") else None


def data(
    command: str,
    survey: Survey,
    results: Mapping[str, Converged],
    log: Path,
    exit_code: int,
    *,
    check: bool = False,
) -> dict[str, Any]:
    """Return what applying or verifying came to as JSON data."""
    return {
        "schema": 1,
        "command": command,
        "check": check,
        "hosts": {
            host.name: plan.host_data(host, log) | {"result": _result(host, results, log)}
            for host in survey.hosts.values()
        },
        "summary": {
            "changed_tasks": sum(len(result.changed) for result in results.values()),
            "hosts": dict(Counter(final_status(host, results) for host in survey.hosts.values())),
        },
        "exit_code": exit_code,
        "log": str(log),
    }


def final_status(host: HostState, results: Mapping[str, Converged]) -> str:
    """Return how a host ended: by its result where it has one, else by its state."""
    return results[host.name].status if host.name in results else host.status


def _result(host: HostState, results: Mapping[str, Converged], log: Path) -> dict[str, Any] | None:
    result = results.get(host.name)
    if result is None:
        return None
    return {
        "status": result.status,
        "roles": list(result.roles),
        "changed": [vars(task) for task in result.changed],
        "verify": [dict(check) for check in result.checks],
        "left": plan.roles_data(result.left),
        "pending": [vars(change) for change in result.pending],
        "failure": problems.as_data(
            result.status, result.failure, problems.result_hint(result, log)
        ),
        **plan.worker_data(result.worker),
    }
