"""Transitions: a host that has one stack in order is brought to another, and back; real apt is asked each time.

The roles are played for the first stack, the second and the first again, on one host. Each time the host must have
exactly its stack, no contract may differ, and the driver may change in one transaction only. Before each change a
download fails once: then packages and holds must be as they were.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from ansible.errors import AnsibleError

from dlconf.contract import Difference, differences
from dlconf.facts import Facts
from dlconf.plugins.modules.dlconf_collect import WATCH_KINDS
from dlconf.rolevars import watch_name
from tests.lab.mirror.answers import ANSWERS
from tests.lab.mirror.debs import Deb
from tests.sandbox.bases import machine_base
from tests.sandbox.bed import Bed
from tests.sandbox.case import Outcome, ended, is_driver, judge, of_one_branch
from tests.sandbox.modules import SandboxModules
from tests.sandbox.playbook import Play, Stop, Variables
from tests.sandbox.root import Change, Root
from tests.sandbox.stacks import ROLES, Choice, Stack, planner, resolution_with, stack_with
from tests.sandbox.states import Host, bare
from tests.sandbox.systems import SYSTEMS, WORLD, System

SOURCES = ("ppa", "distribution", "nvidia")
CARD = "RTX 3090"
"""It takes either flavour of the kernel modules, and every CUDA from 11.4 on."""
BRANCHES = ("470", "535", "550", "570", "580", "590", "595", "610")
CUDAS = ("11.8", "12.2", "12.4", "12.8", "12.9", "13.0", "13.2", "13.4")
CUDNNS = ("9.10.2.21", "9.28.0.42")
OF_APT = ("package", "hold", "hold_source", "origin", "source")
"""Kinds of resource that the sandbox brings about whole, but keys; of paths it does those below APT_PATH."""
APT_PATH = "/etc/apt/"
PINNING = "nvidia-driver-pinning-"


@dataclass(frozen=True)
class Transition:
    """A change of mind on a host: what it is about, the system, and the choices before and after."""

    kind: str
    system: System
    first: Choice
    then: Choice

    def stacks(self) -> tuple[Stack, Stack]:
        """Return the stack before, and the one after, which keeps of the first what the user does not change."""
        return (
            stack_with(self.system, CARD, self.first),
            stack_with(self.system, CARD, self.then, self.first),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.system.os} {self.first} to {self.then}"


class DownloadFails(SandboxModules):
    """A host whose network ends: every transaction of packages fails before dpkg is called, but the pin package's."""

    failed = False

    def _installed(self, complaint: str, changes: list[Change], command: str) -> dict[str, Any]:
        if not complaint and any(not change.name.startswith(PINNING) for change in changes):
            self.failed = True
            complaint = "E: Failed to fetch: the network is unreachable"
        return super()._installed(complaint, changes, command)


class Changing:
    """One host on its way from a stack to another and back."""

    def __init__(self, bed: Bed, transition: Transition) -> None:
        self._bed, self._transition = bed, transition
        self.root: Root = bed.root()
        self._known = bed.known(transition.system)

    def outcome(self) -> Outcome:
        """Go there and back; the first step with problems ends it."""
        first, then = self._transition.stacks()
        bare(self._host(first))
        changes: list[Change] = []
        for name, stack in (("at first", first), ("there", then), ("back", first)):
            problems = [] if name == "at first" else list(self._without_network(stack))
            problems = problems or list(self._with_network(stack, changes))
            if problems:
                return Outcome([f"{name}: {problem}" for problem in problems], changes)
        return Outcome([], changes)

    def _without_network(self, stack: Stack) -> Iterator[str]:
        """Yield what a failed download leaves other than it was."""
        before, held = self._packages(), set(self.root.held)
        modules = DownloadFails(*self._of_modules())
        if not self._played(stack, modules) and modules.failed:
            yield "a transaction whose download failed counts as done"
        after = self._packages()
        for name in sorted(before.keys() ^ after.keys()):
            yield f"a failed download leaves {name} {'gone' if name in before else 'installed'}"
        for name in sorted(held - self.root.held):
            yield f"a failed download leaves {name} without its hold"

    def _with_network(self, stack: Stack, changes: list[Change]) -> Iterator[str]:
        host, modules = self._host(stack), SandboxModules(*self._of_modules())
        host.before.update(self.root.installed)
        complaint = self._played(stack, modules)
        changes += modules.changes
        if complaint:
            yield complaint
            return
        installed = self.root.installed
        yield from judge(stack, host, installed, modules.changes)
        drivers = [deb for deb in installed.values() if is_driver(deb)]
        yield from of_one_branch(drivers, host.branch)
        yield from _torn(modules.transactions, host.before, installed)
        for difference in self._differences(stack):
            yield f"still differs: {difference}"

    def _played(self, stack: Stack, modules: SandboxModules) -> str:
        """Play the roles; return why one stopped, "" where none did."""
        play = Play(Variables(planner(), stack.variables), modules)
        for role in ROLES:
            try:
                play.role(role)
            except (Stop, AnsibleError) as stop:
                return f"{role}: {stop}"
        return ""

    def _differences(self, stack: Stack) -> Iterator[Difference]:
        """Yield how the host differs from the roles' contracts, as the next look of apply would find it."""
        variables = Variables(planner(), stack.variables)
        watch: dict[str, list[str]] = {kind: [] for kind in WATCH_KINDS}
        for role in ROLES:
            for kind, patterns in variables.render(stack.variables[watch_name(role)]).items():
                watch[kind] = sorted({*watch[kind], *patterns})
        given = {**watch, "data_path": "", "limit_s": 60}
        done = self.root.run_module("dlconf_collect", json.dumps({"ANSIBLE_MODULE_ARGS": given}))
        if done.returncode:
            raise RuntimeError(f"{done.stdout}{done.stderr}")
        facts = cast(Facts, json.loads(done.stdout)["dlconf_facts"])
        for contract in stack.contracts.values():
            owned = [
                resource
                for resource in contract
                if resource["kind"] in OF_APT or resource.get("path", "").startswith(APT_PATH)
            ]
            yield from differences(owned, facts)

    def _packages(self) -> dict[str, Deb]:
        """Return what is installed, but what comes before a transaction: the branch's pin, a local repository."""
        return {
            name: deb
            for name, deb in self.root.installed.items()
            if not name.startswith(PINNING) and "-repo-" not in name
        }

    def _host(self, stack: Stack) -> Host:
        branch = (stack.resolution["stack"]["driver"] or {}).get("branch", "")
        bed, system = self._bed, self._transition.system
        return Host(self.root, system, bed.keys, bed.answers, self._known, branch)

    def _of_modules(self) -> tuple[Root, System, Any, dict[tuple[str, str], Deb], Any]:
        sites = self.root.network.sites
        return self.root, self._transition.system, self._bed.keys, self._known, sites


def _torn(
    transactions: Iterable[list[Change]], before: Mapping[str, Deb], after: Mapping[str, Deb]
) -> Iterator[str]:
    """Yield where a driver goes, or comes, in more than one transaction: between two of them a host has none."""
    of_driver = [
        [
            change
            for change in changes
            if not change.name.startswith(PINNING)
            and is_driver(after.get(change.name) or before[change.name])
        ]
        for changes in transactions
    ]
    of_driver = [changes for changes in of_driver if changes]
    if len(of_driver) > 1:
        yield f"the driver changes in {len(of_driver)} transactions"
    for changes in of_driver:
        if not any(change.new for change in changes):
            yield f"a transaction only removes the driver: {', '.join(map(str, changes))}"


def transitions() -> list[Transition]:
    """Return every transition that catalogue and mirrors have, each with the way back."""
    return [
        found
        for system in SYSTEMS.values()
        for rows in (_branches, _sources, _flavours, _cudas, _cudnns)
        for found in rows(system)
        if _is_possible(found)
    ]


def _choice(
    system: System,
    source: str | None = None,
    flavour: str | None = None,
    pins: tuple[tuple[str, str], ...] = (),
) -> Choice:
    """Return a choice; where NVIDIA does not publish the newest cuDNN for the system, with the newest that it does."""
    is_there = CUDNNS[-1] in system.cudnn or any(name == "cudnn" for name, _ in pins)
    return Choice(source, flavour, pins if is_there else (*pins, ("cudnn", system.cudnn[-1])))


def _branches(system: System) -> Iterator[Transition]:
    """Yield each branch of a source to the next that it has."""
    for source in SOURCES:
        choices = [_choice(system, source, pins=(("driver", branch),)) for branch in BRANCHES]
        there = [choice for choice in choices if _is_offered(system, choice)]
        for first, then in itertools.pairwise(there):
            yield Transition("driver branch", system, first, then)


def _sources(system: System) -> Iterator[Transition]:
    """Yield each source to each other: at the newest branch of both, and at the same branch where both have it."""
    for first, then in itertools.combinations(SOURCES, 2):
        yield Transition("source", system, _choice(system, first), _choice(system, then))
        for branch in BRANCHES:
            pins = (("driver", branch),)
            here, there = _choice(system, first, pins=pins), _choice(system, then, pins=pins)
            if _is_offered(system, here) and _is_offered(system, there):
                yield Transition("source", system, here, there)
                break


def _flavours(system: System) -> Iterator[Transition]:
    """Yield the proprietary modules to the open ones, in each source, at the oldest and the newest branch of both."""
    for source in SOURCES:
        pairs = [
            (_choice(system, source, "proprietary", pins), _choice(system, source, "open", pins))
            for pins in ((("driver", branch),) for branch in BRANCHES)
        ]
        there = [pair for pair in pairs if all(_is_offered(system, choice) for choice in pair)]
        for first, then in dict.fromkeys([*there[:1], *there[-1:]]):
            yield Transition("flavour", system, first, then)


def _cudas(system: System) -> Iterator[Transition]:
    """Yield each release of CUDA to the next; cuDNN goes along."""
    choices = [_choice(system, pins=(("cuda", release),)) for release in CUDAS]
    there = [choice for choice in choices if _is_offered(system, choice)]
    for first, then in itertools.pairwise(there):
        yield Transition("cuda", system, first, then)
    if len(there) > 2:
        yield Transition("cuda", system, there[0], there[-1])


def _cudnns(system: System) -> Iterator[Transition]:
    """Yield cuDNN alone, up, for the default CUDA and for one of the major before."""
    for more in ((), (("cuda", "12.8"),), (("cuda", "12.9"),)):
        first, then = (_choice(system, pins=(*more, ("cudnn", version))) for version in CUDNNS)
        yield Transition("cudnn", system, first, then)


def _is_possible(transition: Transition) -> bool:
    """Whether there are two different stacks, and the mirrors have both."""
    system, first, then = transition.system, transition.first, transition.then
    here, there = (
        resolution_with(system, CARD, first),
        resolution_with(system, CARD, then, first),
    )
    if here is None or there is None or here["install"] == there["install"]:
        return False
    return _is_offered(system, first) and _is_offered(system, then, first)


def _is_offered(system: System, choice: Choice, before: Choice | None = None) -> bool:
    """Whether a choice has a stack, and the mirrors of world.yml have its versions."""
    found = resolution_with(system, CARD, choice, before)
    if found is None:
        return False
    driver, cuda, cudnn = (found["install"][part] for part in ("driver", "cuda", "cudnn"))
    branch = driver["version"].split(".")[0]
    of_source = {
        "ppa": WORLD["ppa"]["drivers"],
        "nvidia": system.repository,
        "distribution": [*system.archive.drivers],
    }
    offered = of_source[driver["source"]]
    if driver["source"] == "ppa":  # Ubuntu's archive is asked where the PPA has none of the branch
        offered = [*offered, *system.archive.drivers]
    if not any(version.split(".")[0] == branch for version in offered):
        return False
    versions = WORLD["cuda"] if cuda and cuda["source"] == "local" else system.cuda
    if cuda and cuda["version"].split("-")[0] not in versions:
        return False
    if not cudnn:
        return True
    version, major = cudnn["version"].rpartition("-")[0], cuda["release"].partition(".")[0]
    releases = WORLD["cudnn"].get(version, []) if version in system.cudnn else []
    return any(release.partition(".")[0] == major for release in releases)


def outcomes(bed: Bed, wanted: Iterable[Transition]) -> Iterator[tuple[Transition, Outcome]]:
    """Go each way, as many at a time as there are processors; the hosts are forgotten."""
    bed.network(day_after=False)
    wanted = list(wanted)
    for one in wanted:
        one.stacks()  # Ansible's plugins are loaded here: they can't be by several threads
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from zip(wanted, pool.map(lambda one: _run(bed, one), wanted), strict=True)


def _run(bed: Bed, transition: Transition) -> Outcome:
    return ended(bed, Changing(bed, transition))


def main() -> None:
    """Run the command line: print how transitions end, those whose names hold a text."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.transitions")
    parser.add_argument("--only", default="", help="those that have this in their name")
    parser.add_argument("--list", action="store_true", help="only print the names")
    names = [answers.name for answers in ANSWERS]
    parser.add_argument("--answers", choices=names, default=names[0], help="to the open questions")
    args = parser.parse_args()
    wanted = [one for one in transitions() if args.only in str(one)]
    if args.list:
        print(*wanted, sep="\n")
        return
    bed = Bed(next(a for a in ANSWERS if a.name == args.answers), machine_base().root)
    wrong = 0
    try:
        for one, outcome in outcomes(bed, wanted):
            wrong += bool(outcome.problems)
            print(f"{'wrong' if outcome.problems else 'in order'}: {one}", flush=True)
            for problem in outcome.problems:
                print(f"  {problem}", flush=True)
    finally:
        bed.close()
    print(f"{len(wanted) - wrong} of {len(wanted)} end in order")


if __name__ == "__main__":
    main()
