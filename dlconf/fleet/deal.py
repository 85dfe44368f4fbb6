"""Who does which hosts, and what several runs on one host come to together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlconf.outcome import HostOutcome


def deal(
    hosts: Iterable[str],
    workers: Sequence[str],
    tried: Mapping[str, set[str]],
    served_by: Mapping[str, str],
) -> dict[str, list[str]]:
    """Deal hosts to workers, one after the other and evenly.

    Args:
        hosts: those that nobody has yet.
        workers: those that have nothing to do.
        tried: host -> workers that did not reach it: they do not get it again.
        served_by: host -> the worker that reached it before, and gets it where it may.

    Returns:
        Hosts by worker, in their order; a worker without any is left out, and so is a host that no worker may get.
    """
    dealt: dict[str, list[str]] = {worker: [] for worker in workers}
    for host in hosts:
        able = [worker for worker in workers if worker not in tried.get(host, ())]
        if able:
            before = served_by.get(host)
            chosen = before if before in able else min(able, key=lambda name: len(dealt[name]))
            dealt[chosen].append(host)
    return {worker: own for worker, own in dealt.items() if own}


def join(before: HostOutcome | None, after: HostOutcome) -> HostOutcome:
    """Return what two runs of the same playbook on one host came to; the second was needed, so its end counts."""
    if before is None:
        return after
    return HostOutcome(
        ok=before.ok + after.ok,
        changed=before.changed + after.changed,
        failed=after.failed,
        unreachable=after.unreachable,
        roles=list(dict.fromkeys(before.roles + after.roles)),
        states=after.states or before.states,
        checks=after.checks or before.checks,
        diffs=before.diffs + after.diffs,
        worker=after.worker,
    )
