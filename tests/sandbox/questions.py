"""What the catalogue has asked of apt: each row that names packages, on each system of the sandbox that it names."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlconf import content
from dlconf.catalogue import Catalogue, load
from dlconf.catalogue.model import DriverPackage
from dlconf.catalogue.sections import SECTIONS
from tests.lab.mirror.answers import WIDE
from tests.sandbox.bed import Bed
from tests.sandbox.catalogue_mirror import cudnn_systems
from tests.sandbox.repositories import NVIDIA, NVIDIA_KEYRING, PPA
from tests.sandbox.root import PYTHON, Root, changes_of
from tests.sandbox.states import SOURCES, Host, bare
from tests.sandbox.systems import DEBIAN, SYSTEMS, System

ASK = Path(__file__).with_name("ask.py")
UNSUPPORTED = "of a system that dlconf does not support"
NO_TOOLKIT = "for a CUDA that no supported system has"
IN_A_FILE = "a file that is downloaded: in no index"
UNKNOWN_TARGET = "a transition, to what is not known"
WITHOUT_VERSION = "without the packages' version"
CACHE = 'Dir::Cache::pkgcache "pkgcache.bin";\nDir::Cache::srcpkgcache "srcpkgcache.bin";\n'


@dataclass(frozen=True)
class Question:
    """One row on one system.

    Attributes:
        row: the section, and the row's key. source: what its packages come from: `distribution`, `ppa` or `nvidia`.
        versions: package -> pattern of its version. pins: preferences that choose this version of what comes along.
        brings: pattern of a package that must come along; "" for none.
    """

    row: str
    system: System
    source: str
    versions: Mapping[str, str]
    pins: str = ""
    brings: str = ""

    def __str__(self) -> str:
        return f"{self.row} on {self.system.os}"


def questions(catalogue: Catalogue, systems: Iterable[System]) -> Iterator[Question]:
    """Yield what is asked on these systems."""
    chosen = list(systems)
    for row in catalogue.driver_packages:
        for system in chosen:
            if system.os == row.os and row.transitional_to != "unknown":
                yield _of_driver(row, system)
    for toolkit in catalogue.cuda.values():
        versions = dict.fromkeys(toolkit.packages, toolkit.package_version)
        for system in chosen:
            if system.distro in toolkit.distros:
                yield Question(f"cuda {toolkit.version}", system, "nvidia", versions)
    for build in catalogue.cudnn:
        if build.package_version:
            versions = dict.fromkeys(build.packages, build.package_version)
            pins = _pin("*cudnn*", build.package_version)
            name = f"cudnn {build.version} for CUDA {build.built_for}"
            for system in cudnn_systems(catalogue, build, chosen):
                yield Question(name, system, "nvidia", versions, pins)


def not_asked(catalogue: Catalogue) -> dict[str, str]:
    """Return the rows that name packages and are asked on no system: row -> why."""
    supported = {system.os for system in SYSTEMS.values()}
    distros = {system.distro for system in SYSTEMS.values()}
    found: dict[str, str] = {}
    for row in catalogue.driver_packages:
        if row.os not in supported:
            found[_name(row)] = UNSUPPORTED
        elif row.transitional_to == "unknown":
            found[_name(row)] = UNKNOWN_TARGET
    for toolkit in catalogue.cuda.values():
        if not distros & {*toolkit.distros}:
            found[f"cuda {toolkit.version}"] = UNSUPPORTED
    for build in catalogue.cudnn:
        name = f"cudnn {build.version} for CUDA {build.built_for}"
        if not build.package_version:
            found[name] = WITHOUT_VERSION
        elif not cudnn_systems(catalogue, build, SYSTEMS.values()):
            found[name] = NO_TOOLKIT
    for section, why in (
        ("cuda_local_repos", IN_A_FILE),
        ("cudnn_local_repos", IN_A_FILE),
    ):
        for kept in catalogue.rows(section):
            key = [str(getattr(kept, part)) for part in SECTIONS[section].key]
            found[f"{section} {' '.join(key)}"] = why
    return found


def wrong(question: Question, said: Mapping[str, str | int]) -> str:
    """Return how apt's answer is not what the row says; "" where it is."""
    if said["rc"]:
        return f"{question}: {str(said['stderr']).strip()} {str(said['stdout'])[-600:]}"
    new = {change.name: change.new for change in changes_of(str(said["stdout"]))}
    for name, pattern in question.versions.items():
        if not fnmatch.fnmatchcase(new.get(name, ""), pattern):
            return f"{question}: {name} would be {new.get(name, 'left out')}, not {pattern}"
    if question.brings and not fnmatch.filter(new, question.brings):
        return f"{question}: {question.brings} does not come along"
    return ""


def ask(bed: Bed, asked: Sequence[Question]) -> list[str]:
    """Return what is wrong with the answers to questions of one system and one source.

    Raises:
        RuntimeError: apt has no lists to answer from, or the questions could not be asked.
    """
    root = _host(bed, asked[0].system, asked[0].source)
    given = [
        {"pins": q.pins, "names": [f"{name}={version}" for name, version in q.versions.items()]}
        for q in asked
    ]
    script = f"/opt/{ASK.relative_to(content.root())}"
    done = root.run([*PYTHON, script], stdin=json.dumps(given).encode())
    bed.forget(root)
    if done.returncode:
        raise RuntimeError(done.stderr)
    answers = json.loads(done.stdout)
    return [problem for pair in zip(asked, answers, strict=True) if (problem := wrong(*pair))]


def _of_driver(row: DriverPackage, system: System) -> Question:
    """Return a driver's question; where names have no branch, NVIDIA's repository is asked for the branch's version."""
    version = f"{row.version or row.branch + '.'}*"
    if row.source_name == "ppa" and row.version is None:
        version = f"{row.branch}.*~gpu{system.os.removeprefix('ubuntu-')}.1"
    if row.transitional_to:
        target = row.transitional_to.removesuffix("-open")
        brings = f"nvidia-driver-{target}*"
        return Question(_name(row), system, row.source_name, {row.packages[0]: "*"}, brings=brings)
    names = [*row.packages, *([row.pin_package] if row.pin_package else [])]
    pins = ""
    if row.source_name == "ppa":
        pins = "Package: *\nPin: release o=LP-PPA-graphics-drivers\nPin-Priority: 1001\n"
    if row.source_name == "nvidia":
        pins = _pin("*nvidia* *cuda*", f"{row.branch}.*")
    return Question(_name(row), system, row.source_name, dict.fromkeys(names, version), pins)


def _name(row: DriverPackage) -> str:
    words = (row.os, row.source_name, row.branch, row.flavour, row.variant)
    return f"driver_packages {' '.join(words)}"


def _pin(names: str, version: str) -> str:
    return f"Package: {names}\nPin: version {version}\nPin-Priority: 1001\n"


def _host(bed: Bed, system: System, source: str) -> Root:
    """Return a host with the archive, and one more source of packages."""
    root = bed.root()
    bare(Host(root, system, bed.keys, WIDE, {}, ""))
    root.write("/etc/apt/apt.conf.d/99sandbox-cache", CACHE)
    statement = ""
    if source == "ppa":
        keyring, statement = "/usr/share/keyrings/ppa.gpg", f"{PPA} {system.codename} main"
        bed.keys.of_repository("ppa").export(root.path(keyring), armor=False)
    elif source == "nvidia":
        keyring, statement = NVIDIA_KEYRING, f"{NVIDIA}/{system.distro}/x86_64/ /"
        bed.keys.of_repository(system.distro).export(root.path(keyring), armor=False)
    elif not system.ubuntu:
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        statement = f"{DEBIAN} {system.codename} contrib non-free non-free-firmware"
    if statement:
        root.write(f"{SOURCES}/asked.list", f"deb [signed-by={keyring}] {statement}\n")
    if complaint := root.update():
        raise RuntimeError(f"{system.os}: {complaint}")
    return root


if __name__ == "__main__":
    for row_name, reason in not_asked(load()).items():
        print(f"{row_name}: {reason}")
