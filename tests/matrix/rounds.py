"""From the contracts of the hosts to mutations, and from mutations to rounds. Pure."""

from __future__ import annotations

import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlconf.facts import Facts
from tests.matrix.breaks import Break, Resource, missing_ids, name_of
from tests.matrix.mutators import MUTATORS, Mutator

Contracts = Mapping[str, Sequence[Resource]]
Found = tuple[str, str, str]
"""A difference as a report names it: role, kind, id."""
Installed = Mapping[str, tuple[str, str]]
"""dpkg's packages: name -> its status in short (`ii`, `hi`) and its source."""

BY_APT = frozenset(
    {"package", "package_like", "hold", "hold_source", "unattended_upgrades", "dkms"}
)
"""Kinds of which a break changes what apt and dpkg know."""


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
class Left:
    """What a host itself says of what a break left.

    Attributes:
        installed: dpkg's packages.
        modules: what `dkms status` prints.
        paths: those of the contracts at which nothing is any more.
        units: those of the contracts that do not come with the system, by what systemd says.
    """

    installed: Installed
    modules: str = ""
    paths: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mutation:
    """One break of one resource on one host.

    Attributes:
        expected: the differences that must be reported: the resource's, and those of others that it takes along.
        same: equal for two hosts, and for two roles that own the same, where the same is done to the same resource.
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


def mutations(host: Host, ways: Mapping[str, Mutator] = MUTATORS) -> Iterator[Mutation]:
    """Yield every way to break every resource of a host's contracts, of the kinds in a table."""
    for role, resource in host.resources():
        if resource["kind"] not in ways:
            continue
        for cause in ways[resource["kind"]](resource, host.facts):
            expected = frozenset(_expected(host, resource, cause))
            yield Mutation(
                host.name,
                role,
                resource["kind"],
                name_of(resource),
                cause,
                expected,
                json.dumps([resource, cause.name, sorted(expected)], sort_keys=True),
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
    if resource.get("path", "").startswith(f"~{account}/"):
        return True  # without its user the path leads nowhere
    owners = (resource.get("owner"), resource.get("group"), *resource.get("groups", ()))
    return account in owners


def spread(hosts: Iterable[Host], ways: Mapping[str, Mutator] = MUTATORS) -> list[Mutation]:
    """Return each mutation once: where hosts have the same resource, on the one where most else of the role is broken.

    A role then runs on one host a round, not on all: the time of a round goes to the roles that run, on each host.
    """
    same: dict[str, list[Mutation]] = defaultdict(list)
    for host in hosts:
        for mutation in mutations(host, ways):
            same[mutation.same].append(mutation)
    of_role: dict[tuple[str, str], int] = defaultdict(int)
    of_host: dict[str, int] = defaultdict(int)
    chosen = []
    for choices in sorted(same.values(), key=len):
        best = max(choices, key=lambda one: (of_role[one.host, one.role], -of_host[one.host]))
        of_role[best.host, best.role] += 1
        of_host[best.host] += 1
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
    chosen = list(chosen)
    # Those that meet most others are dealt first, while there is room for them.
    met = [sum(_meet(one, other) for other in chosen) for one in chosen]
    for _, mutation in sorted(zip(met, chosen, strict=True), key=lambda dealt: -dealt[0]):
        free = [at for at, taken in enumerate(made) if not any(_meet(mutation, o) for o in taken)]
        if not free:
            free = [len(made)]
            made.append([])
        best = min(free, key=lambda at: (load[at, mutation.host, mutation.role], len(made[at])))
        load[best, mutation.host, mutation.role] += 1
        made[best].append(mutation)
    # Modules and units come first: a package that goes may take them. Half-done packages come last: apt refuses to work
    # on such a database, or mends it.
    order = {"dkms": 0, "service": 0, "dpkg": 2}
    return [
        sorted(taken, key=lambda mutation: order.get(mutation.kind, 1)) for taken in made if taken
    ]


def _meet(one: Mutation, other: Mutation) -> bool:
    """Tell whether two mutations would hide or change each other's effect."""
    if one.host != other.host:
        return False
    kinds = {one.kind, other.kind}
    if one.role == other.role and kinds == {"package", "dkms"}:
        return True  # the module goes with its package
    named = {mutation.kind: mutation.resource for mutation in (one, other)}
    if kinds == {"package", "copies"} and named["package"] in named["copies"]:
        return True  # what is copied goes with its package
    if one.role == other.role and "unattended_upgrades" in kinds and len(kinds & BY_APT) > 1:
        return True  # it would reach what the other releases
    if any(
        unit.kind == "service" and path.resource.endswith(f"/{unit.resource}")
        for unit, path in ((one, other), (other, one))
    ):
        return True  # a unit, and its file or the link that enables it
    return _hides(one, other) or _hides(other, one)


def _hides(one: Mutation, other: Mutation) -> bool:
    """Tell whether nothing is seen of a mutation beside another: of the same thing, or of what that takes away."""
    gone = {one.cause.gone} - {""} | ({one.resource} if one.kind == "python_env" else set())
    names = {name for _role, _kind, name in one.expected}
    others = {name for _role, _kind, name in other.expected}
    whole = {
        path for path in gone if path in names
    }  # not where only a package of an environment is broken
    return bool(names & others) or any(_within(name, path) for name in others for path in whole)


def taken_along(host: Host, left: Left) -> set[Found]:
    """Return what of a host's contracts the host itself says is lost: removing a package takes others along.

    Args:
        host: as it was when it was in order.
        left: what it says after the break.
    """
    lost: set[Found] = set()
    for role, resource in host.resources():
        kind = resource["kind"]
        status, _source = left.installed.get(resource.get("name", ""), ("un", ""))
        if (kind in ("package", "package_like") and status[1:2] != "i") or (
            kind == "hold" and status[:2] != "hi"
        ):
            lost.add((role, kind, resource["name"]))
        if kind == "service" and resource.get("running", True) and resource["name"] in left.units:
            lost.add((role, kind, resource["name"]))
        if resource.get("path") in left.paths:
            lost |= {(role, kind, name) for name in missing_ids(resource)}
        if kind == "hold_source":
            lost |= {
                (role, kind, name)
                for name, (status, source) in left.installed.items()
                if fnmatch.fnmatchcase(source, resource["source"]) and status[:2] == "ii"
            }
        if kind == "dkms":
            lost |= {
                (role, kind, f"{resource['module']} for {kernel}")
                for kernel in host.facts["kernels"]
                if not _installed_for(kernel, resource["module"], left.modules)
            }
    return lost


def _installed_for(kernel: str, module: str, modules: str) -> bool:
    of_module = (f"{module}/", f"{module}, ")  # DKMS 3, and before it
    lines = [line for line in modules.splitlines() if line.startswith(of_module) and kernel in line]
    return any(line.partition(": ")[2].startswith("installed") for line in lines)
