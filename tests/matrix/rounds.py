"""From the contracts of the hosts to mutations, and from mutations to rounds. Pure."""

from __future__ import annotations

import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlconf.contract import PENDING_KINDS
from dlconf.facts import Facts
from tests.matrix.breaks import Break, Resource, missing_ids, name_of
from tests.matrix.mutators import MUTATORS, NAMED_ONLY

Contracts = Mapping[str, Sequence[Resource]]
Found = tuple[str, str, str]
"""A difference as a report names it: role, kind, id."""
Installed = Mapping[str, tuple[str, str]]
"""dpkg's packages: name -> its status in short (`ii`, `hi`) and its source."""

BY_APT = frozenset({"package", "hold", "hold_source", "unattended_upgrades", "dkms"})
"""Kinds of which a break may take others along."""


@dataclass(frozen=True)
class Host:
    """A converged host: its name, the rendered contract of each role, and its facts."""

    name: str
    contracts: Contracts
    facts: Facts

    def resources(self) -> Iterator[tuple[str, Resource]]:
        """Yield every resource with its role."""
        for role, contract in self.contracts.items():
            yield from ((role, resource) for resource in contract)


@dataclass(frozen=True)
class Mutation:
    """One break of one resource on one host.

    Attributes:
        expected: the differences that must be reported: the resource's, and those of others that it takes along.
        same: equal for two hosts where the same is done to the same resource.
    """

    host: str
    role: str
    kind: str
    resource: str
    cause: Break
    expected: frozenset[Found]
    same: str

    def __str__(self) -> str:
        return f"{self.host}: {self.role}: {self.kind} {self.resource}: {self.cause.name}"


def mutations(host: Host) -> Iterator[Mutation]:
    """Yield every way to break every resource of a host's contracts; what no role mends is left out."""
    for role, resource in host.resources():
        if resource["kind"] in PENDING_KINDS or resource["kind"] in NAMED_ONLY:
            continue
        for cause in MUTATORS[resource["kind"]](resource, host.facts):
            yield Mutation(
                host.name,
                role,
                resource["kind"],
                name_of(resource),
                cause,
                frozenset(_expected(host, resource, cause)),
                json.dumps([role, resource, cause.name], sort_keys=True),
            )


def _expected(host: Host, broken: Resource, cause: Break) -> Iterator[Found]:
    for role, resource in host.resources():
        kind = resource["kind"]
        if kind == broken["kind"] and name_of(resource) == name_of(broken):
            yield from ((role, kind, name) for name in cause.ids)
        if cause.gone and "path" in resource and _within(resource["path"], cause.gone):
            yield from ((role, kind, name) for name in missing_ids(resource))
        if cause.account and _needs(resource, cause.account):
            yield role, kind, name_of(resource)


def _within(path: str, folder: str) -> bool:
    """Tell whether a path, or a part of what is there as a report names it, is that of a folder or below it."""
    return path == folder or path.startswith((f"{folder}/", f"{folder}: "))


def _needs(resource: Resource, account: str) -> bool:
    """Tell whether a resource is another than it was without a user and the group of that name."""
    if resource["kind"] in ("user", "group") and resource["name"] == account:
        return True
    owners = (resource.get("owner"), resource.get("group"), *resource.get("groups", ()))
    return account in owners


def spread(hosts: Iterable[Host]) -> list[Mutation]:
    """Return each mutation once: where hosts have the same resource, on the one with the least to do for the role."""
    same: dict[str, list[Mutation]] = defaultdict(list)
    for host in hosts:
        for mutation in mutations(host):
            same[mutation.same].append(mutation)
    load: dict[tuple[str, str], int] = defaultdict(int)
    chosen = []
    for choices in sorted(same.values(), key=len):
        best = min(choices, key=lambda mutation: load[mutation.host, mutation.role])
        load[best.host, best.role] += 1
        chosen.append(best)
    return chosen


def rounds(chosen: Iterable[Mutation], number: int) -> list[list[Mutation]]:
    """Deal the mutations into rounds in which none meets another.

    Args:
        chosen: all mutations.
        number: of rounds, more where mutations meet too often. As many as one role has mutations on one host, and each
            role has one broken resource a round; fewer, and it has some at once.
    """
    made: list[list[Mutation]] = [[] for _ in range(number)]
    load: dict[tuple[int, str, str], int] = defaultdict(int)
    for mutation in chosen:
        free = [at for at, taken in enumerate(made) if not any(_meet(mutation, o) for o in taken)]
        if not free:
            free = [len(made)]
            made.append([])
        best = min(free, key=lambda at: (load[at, mutation.host, mutation.role], len(made[at])))
        load[best, mutation.host, mutation.role] += 1
        made[best].append(mutation)
    # Half-done packages come last: apt refuses to work on such a database, or mends it.
    return [sorted(taken, key=lambda mutation: mutation.kind == "dpkg") for taken in made if taken]


def _meet(one: Mutation, other: Mutation) -> bool:
    """Tell whether two mutations would hide or change each other's effect."""
    if one.host != other.host:
        return False
    kinds = {one.kind, other.kind}
    if one.role == other.role and kinds == {"package", "dkms"}:
        return True  # the module goes with its package
    if one.role == other.role and "unattended_upgrades" in kinds and kinds & BY_APT:
        return True  # it would reach what the other releases
    places = [{name for _role, _kind, name in mutation.expected} for mutation in (one, other)]
    return any(
        _within(name, another) or _within(another, name)
        for name in places[0]
        for another in places[1]
    )


def taken_along(host: Host, installed: Installed, modules: str) -> set[Found]:
    """Return what of a host's contracts apt and dpkg themselves say is lost: removing a package takes others along.

    Args:
        host: as it was when it was in order.
        installed: dpkg's packages after the break.
        modules: what `dkms status` prints after the break.
    """
    lost: set[Found] = set()
    for role, resource in host.resources():
        kind = resource["kind"]
        status, _source = installed.get(resource.get("name", ""), ("un", ""))
        if (kind == "package" and status[1:2] != "i") or (kind == "hold" and status[:2] != "hi"):
            lost.add((role, kind, resource["name"]))
        if kind == "hold_source":
            lost |= {
                (role, kind, name)
                for name, (status, source) in installed.items()
                if fnmatch.fnmatchcase(source, resource["source"]) and status[:2] == "ii"
            }
        if kind == "dkms":
            lost |= {
                (role, kind, f"{resource['module']} for {kernel}")
                for kernel in host.facts["kernels"]
                if not _installed_for(kernel, resource["module"], modules)
            }
    return lost


def _installed_for(kernel: str, module: str, modules: str) -> bool:
    of_module = (f"{module}/", f"{module}, ")  # DKMS 3, and before it
    lines = [line for line in modules.splitlines() if line.startswith(of_module) and kernel in line]
    return any(line.partition(": ")[2].startswith("installed") for line in lines)
