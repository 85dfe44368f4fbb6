"""One case: the roles' part played on a host, apt's answers, and what is wrong with them."""

from __future__ import annotations

import fnmatch
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ansible.errors import AnsibleError

from tests.lab.mirror.cuda import toolkit_packages
from tests.lab.mirror.debs import Deb
from tests.sandbox import stated_twice
from tests.sandbox.bed import Bed
from tests.sandbox.local import cuda_version
from tests.sandbox.modules import SandboxModules
from tests.sandbox.playbook import Play, Stop, Variables
from tests.sandbox.repositories import PPA, cuda_release
from tests.sandbox.root import Change, Root
from tests.sandbox.stacks import ROLES, Stack, planner, stack_of
from tests.sandbox.states import PPA_STATES, STATES, Host
from tests.sandbox.systems import System

SETTINGS = "nvidia-settings"
BESIDE = ("dkms", "dh-dkms", SETTINGS, "mft", "collectx")
"""What NVIDIA's repositories have and nobody asks them for."""
OF_ALL_RELEASES = re.compile(r"cuda-toolkit-(?:\d+-)?config-common")
"""Packages that toolkits of all releases share: they hold the linker's settings, and go with the newest toolkit."""


@dataclass(frozen=True)
class Case:
    """A host to bring to its stack: its system, card, the driver's source and what was there before."""

    system: System
    card: str
    source: str | None
    state: str

    def stack(self) -> Stack:
        """Return the stack that is chosen for the host."""
        return stack_of(self.system, self.card, self.source)

    def __str__(self) -> str:
        return f"{self.system.os} {self.card} {self.source or 'default'} {self.state}"


@dataclass
class Outcome:
    """How a case ended: without problems the host has exactly its stack, or was refused it for a good reason.

    Attributes:
        refused: what the role said where no repository has the chosen cuDNN and no package of it was touched.
    """

    problems: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    refused: str = ""


class OnHost(Protocol):
    """What is tried on a host of its own."""

    root: Root

    def outcome(self) -> Outcome:
        """Try it."""


def ended(bed: Bed, tried: OnHost) -> Outcome:
    """Try something on its host and forget the host; an error of the bed is that host's alone."""
    try:
        return tried.outcome()
    except Exception:  # the others have their outcomes
        return Outcome([traceback.format_exc()])
    finally:
        bed.forget(tried.root)


class Run:
    """One case on a host of the bed."""

    def __init__(self, bed: Bed, case: Case, stack: Stack) -> None:
        self._bed, self._case, self._stack = bed, case, stack
        self.root = bed.root()
        known = bed.known(case.system)
        branch = (stack.resolution["stack"]["driver"] or {}).get("branch", "")
        self._host = Host(self.root, case.system, bed.keys, bed.answers, known, branch)
        sites = self.root.network.sites
        self._modules = SandboxModules(self.root, case.system, bed.keys, known, sites)

    def outcome(self) -> Outcome:
        """Bring the state about, then the stack; judge what apt did, and what it would do the day after."""
        STATES[self._case.state](self._host)
        self._host.before.update(self.root.installed)
        if unsaid := list(stated_twice.unsaid(self._host)):
            return Outcome(unsaid)
        play = Play(Variables(planner(), self._stack.variables), self._modules)
        # Elsewhere its checks find nothing, and take a second.
        parts = [("preflight", "packages")] if self._host.twice else []
        for role, tasks in [*parts, *((role, "main") for role in ROLES)]:
            try:
                play.role(role, tasks)
            except (Stop, AnsibleError) as stop:
                return self._stopped(role, str(stop))
        changes = self._modules.changes
        problems = list(judge(self._stack, self._host, self.root.installed, changes))
        problems += stated_twice.left(self._host, self._stack)
        return Outcome(problems or list(self._day_after()), changes)

    def _stopped(self, role: str, message: str) -> Outcome:
        """Judge a role that stopped: there may be a good reason, which it must name before it changes anything."""
        changes, known = self._modules.changes, self._host.known
        version = (self._stack.resolution["install"]["cudnn"] or {}).get("version", "")
        there = any("cudnn" in name and found == version for name, found in known)
        touched = any("cudnn" in change.name for change in changes)
        if role == "cudnn" and not there and not touched and version.rpartition("-")[0] in message:
            return Outcome([], changes, message)
        return Outcome([f"{role}: {message}"], changes)

    def _day_after(self) -> Iterator[str]:
        """Upgrade the host when newer versions of everything are published; the stack stays, the rest moves on."""
        self.root.connect(self._bed.network(day_after=True))
        complaint = self.root.update()
        if complaint and not self._is_of_users_ppa(complaint):
            yield f"the day after: apt-get update: {complaint}"
            return
        for verb in ("upgrade", "dist-upgrade"):
            complaint, changes = self.root.simulate(verb)
            if complaint:
                yield f"the day after: apt-get {verb}: {complaint}"
            for problem in _unasked(changes, self._stack):
                yield f"the day after: {problem}"
            for change in changes:
                if self._is_of_stack(change):
                    yield f"the day after: apt-get {verb}: {change}"
            if not any(c.name == "libc6" for c in changes):
                yield f"the day after: apt-get {verb} leaves out the security update of libc6"

    def _is_of_users_ppa(self, complaint: str) -> bool:
        """Whether apt only misses the PPA that the user added for a release which it does not serve."""
        case = self._case
        return (
            case.state in PPA_STATES
            and case.source != "ppa"
            and complaint.count("\n") == 0
            and f"'{PPA} {case.system.codename} Release' does not have" in complaint
        )

    def _is_of_stack(self, change: Change) -> bool:
        """Whether an upgrade may not make this change: to what the roles brought, or to what is there at all.

        A cuDNN for another CUDA major was there before, and is not the roles'.
        """
        of_major = re.search(r"cudnn9?.*-cuda-([0-9]+)", change.name)
        if of_major and of_major[1] != _cuda_major(self._stack):
            return False
        if not (change.old and change.new):
            return True
        ours = any(change.name == made.name for made in self._modules.changes)
        may_follow = _of_nvidia_s_driver(change, self._stack) or OF_ALL_RELEASES.fullmatch(
            change.name
        )
        return ours and not may_follow


def _of_nvidia_s_driver(change: Change, stack: Stack) -> bool:
    """Whether a package beside NVIDIA's own driver moves within its branch: the pin of that, and its settings' window.

    NVIDIA's pin raises that window by name (row nvidia-pin-file), so its driver asks for it.
    """
    driver = stack.resolution["install"].get("driver") or {}
    is_in_branch = change.new.partition(".")[0] == driver.get("version", "").partition(".")[0]
    return change.name.startswith("nvidia-driver-pinning-") or (
        change.name == SETTINGS and driver.get("source") == "nvidia" and is_in_branch
    )


def _cuda_major(stack: Stack) -> str:
    """Return the major release of the chosen CUDA, "" for none."""
    release: str = (stack.resolution["install"]["cuda"] or {}).get("release", "")
    return release.partition(".")[0]


def judge(
    stack: Stack, host: Host, after: Mapping[str, Deb], changes: Iterable[Change]
) -> Iterator[str]:
    """Yield how what apt did differs from exactly the chosen stack."""
    for resource in stack.of_kind("package"):
        deb, pattern = after.get(resource["name"]), str(resource.get("version", "*"))
        if deb is None:
            yield f"{resource['name']} is not installed"
        elif not fnmatch.fnmatchcase(deb.version.split(":")[-1], pattern):
            yield f"{resource['name']} is {deb.version}, not {pattern}"
    new = {change.name: after[change.name] for change in changes if change.name in after}
    install = stack.resolution["install"]
    yield from of_one_branch([deb for deb in new.values() if is_driver(deb)], host.branch)
    if cudnn := install["cudnn"]:
        for deb in new.values():
            if "cudnn" in deb.name and not fnmatch.fnmatchcase(deb.version, cudnn["version"]):
                yield f"{deb.name} is {deb.version}, not {cudnn['version']}"
    if cuda := install["cuda"]:
        yield from _of_one_release(new.values(), cuda["release"])
        yield from _of_its_version(new, cuda["version"])
    yield from _unasked(changes, stack)
    for change in changes:
        if not change.new and not _may_go(change.name, host, _cuda_major(stack)):
            yield f"{change.name} was removed"


def of_one_branch(driver: list[Deb], branch: str) -> Iterator[str]:
    """Yield packages of another driver branch, and versions of the driver that do not go together."""
    for deb in driver:
        if not deb.version.startswith(f"{branch}."):
            yield f"{deb.name} {deb.version} is of another driver branch than {branch}"
    if len(versions := {deb.version for deb in driver}) > 1:
        yield f"the driver has {len(versions)} versions: {', '.join(sorted(versions))}"


def _of_one_release(debs: Iterable[Deb], release: str) -> Iterator[str]:
    """Yield packages of a toolkit of another release; they end in the release, as in `cuda-nvcc-13-2`."""
    for deb in debs:
        found = re.fullmatch(r"(?:cuda|lib)[a-z-]*-([0-9]+-[0-9]+)(?:-config-common)?", deb.name)
        if found and "cudnn" not in deb.name and found[1] != release.replace(".", "-"):
            yield f"{deb.name} {deb.version} is of another CUDA than {release}"


def _of_its_version(new: Mapping[str, Deb], pattern: str) -> Iterator[str]:
    """Yield packages of the toolkit that are not those that its version was made with.

    The config packages hold settings of the linker, and nothing was seen to ask for one in a version.
    """
    for wanted in toolkit_packages(cuda_release(cuda_version(pattern))):
        deb = new.get(wanted.name, wanted)
        if deb.version != wanted.version and not deb.name.endswith("-config-common"):
            yield f"{deb.name} is {deb.version}, not {wanted.version} as in CUDA {pattern}"


def _unasked(changes: Iterable[Change], stack: Stack) -> Iterator[str]:
    """Yield what comes from NVIDIA's repositories although nobody asked them for it."""
    for change in changes:
        is_theirs = change.name in BESIDE and "NVIDIA CUDA" in change.origin
        if is_theirs and not _of_nvidia_s_driver(change, stack):
            yield f"{change} comes from {change.origin}"


def _may_go(name: str, host: Host, cuda_major: str) -> bool:
    """Whether a package may be removed: the driver's; cuDNN's of this CUDA major, or where only one can be there."""
    deb = host.before[name]
    if "cudnn" not in name:
        return is_driver(deb)
    return host.answers.cudnn_majors_conflict or f"-cuda-{cuda_major}" in name


def is_driver(deb: Deb) -> bool:
    """Whether a package is a part of NVIDIA's driver, in whatever packaging."""
    source = deb.fields.get("Source", "")
    return (
        source.startswith(("nvidia-graphics-drivers", "nvidia-open"))
        or source == "cuda-drivers"
        or deb.name.startswith("nvidia-driver-pinning")
    )
