"""Catalogue rows as candidates: one for each thing that can be chosen on an operating system.

Candidates are made once for a catalogue and an operating system, and compare by identity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

from packaging.version import InvalidVersion, Version

from dlconf.catalogue import Catalogue, model
from dlconf.catalogue.row import Row
from dlconf.resolve.cards import sm_code

DRIVER, CUDA, CUDNN, PYTHON = "driver", "cuda", "cudnn", "python"
SYSTEM_COMPONENTS = (DRIVER, CUDA, CUDNN)
UPSTREAM = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)")


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """One choice for one component; `text` is its version for people and for the stack."""

    component: str
    version: Version
    text: str
    source: str
    verified: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Absent(Candidate):
    """The choice to leave a component out."""

    version: Version = field(default=Version("0"))
    text: str = "none"
    source: str = ""
    verified: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class DriverCandidate(Candidate):
    """A branch in one flavour from one source of packages; `seen`: its packages were seen."""

    branch: model.DriverBranch
    package: model.DriverPackage
    seen: bool

    @cached_property
    def number(self) -> int:
        """The branch as a number."""
        return int(self.branch.branch)


@dataclass(frozen=True, eq=False, kw_only=True)
class CudaCandidate(Candidate):
    """A toolkit release; `local`: its local repository for the operating system, if known."""

    row: model.CudaRelease
    release: Version
    major: int
    native: Version
    minor_compat: Version | None
    sm: frozenset[int]
    local: model.CudaLocalRepo | None


@dataclass(frozen=True, eq=False, kw_only=True)
class CudnnCandidate(Candidate):
    """A cuDNN version for one CUDA."""

    row: model.CudnnBuild
    cuda: Version | None
    min_driver: Version
    min_code: int


@dataclass(frozen=True, eq=False, kw_only=True)
class PythonCandidate(Candidate):
    """A Python version, and the day of its release."""

    released: str


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameworkCandidate(Candidate):
    """A framework build; `text` has the build where the package's version has it."""

    row: model.FrameworkBuild
    cuda: Version | None
    min_driver: Version | None
    glibc: Version | None
    pythons: frozenset[str]
    cudnn_code: int

    @cached_property
    def python_span(self) -> str:
        """The Python versions it has wheels for, for people."""
        return ", ".join(sorted(self.pythons, key=Version)) or "no version that is known"

    @cached_property
    def name(self) -> str:
        """Framework and version, for people."""
        build = "" if "+" in self.text or self.row.build == "pypi" else f" ({self.row.build})"
        return f"{self.component} {self.text}{build}"


class Universe:
    """Every candidate there is on one operating system, ascending by component."""

    def __init__(self, catalogue: Catalogue, os: str) -> None:
        self.catalogue = catalogue
        self.os = os
        self.distro = catalogue.distro_of(os)
        self._frameworks: dict[str, tuple[FrameworkCandidate, ...]] = {}
        self.ordered: dict[tuple[object, ...], tuple[Candidate, ...]] = {}
        """Memory of orders that do not depend on a host (see dlconf.resolve.question)."""

    def with_builds(self, name: str, rows: Sequence[model.FrameworkBuild]) -> Universe:
        """Give a copy that has further builds of a framework."""
        wider = copy(self)
        more = tuple(_framework(row, self.catalogue) for row in rows)
        wider._frameworks = {**self._frameworks, name: (*self.framework(name), *more)}
        wider.ordered = {}
        return wider

    def of(self, component: str) -> tuple[Candidate, ...]:
        """Give the candidates of a component; of a framework by its name."""
        if component == DRIVER:
            return self.drivers
        if component == CUDA:
            return self.cuda
        if component == CUDNN:
            return self.cudnn
        if component == PYTHON:
            return self.pythons
        return self.framework(component)

    @cached_property
    def drivers(self) -> tuple[DriverCandidate, ...]:
        """Driver packages of the operating system; servers' packages are not chosen."""
        rows = [
            row
            for row in self.catalogue.driver_packages
            if row.os == self.os
            and row.variant == "desktop"
            and row.branch in self.catalogue.drivers
        ]
        archive = {row.packages: row for row in rows if row.source_name == "distribution"}
        return tuple(
            _driver(self.catalogue.drivers[row.branch], row, archive.get(row.packages))
            for row in rows
        )

    @cached_property
    def cuda(self) -> tuple[CudaCandidate, ...]:
        """All toolkits, with what is known of them on this operating system."""
        distro = self.distro.id if self.distro else ""
        return tuple(
            CudaCandidate(
                component=CUDA,
                version=Version(row.version),
                text=row.version,
                source=row.source,
                verified=row.verified,
                row=row,
                release=Version(row.release),
                major=Version(row.release).major,
                native=Version(row.min_driver_native),
                minor_compat=_version(row.min_driver_minor_compat),
                sm=frozenset(row.sm),
                local=self.catalogue.cuda_local_repo(distro, row.version),
            )
            for row in self.catalogue.cuda.values()
        )

    @cached_property
    def cudnn(self) -> tuple[CudnnCandidate, ...]:
        """All cuDNN builds."""
        return tuple(
            CudnnCandidate(
                component=CUDNN,
                version=Version(row.version),
                text=row.version,
                source=row.source,
                verified=row.verified,
                row=row,
                cuda=_version(row.cuda),
                min_driver=Version(row.min_driver),
                min_code=sm_code(row.min_compute_capability),
            )
            for row in self.catalogue.cudnn
        )

    @cached_property
    def pythons(self) -> tuple[PythonCandidate, ...]:
        """All Python versions."""
        return tuple(
            PythonCandidate(
                component=PYTHON,
                version=Version(row.version),
                text=row.version,
                source=row.source,
                verified=row.verified,
                released=row.released,
            )
            for row in self.catalogue.pythons.values()
        )

    def framework(self, name: str) -> tuple[FrameworkCandidate, ...]:
        """All builds of a framework."""
        if name not in self._frameworks:
            self._frameworks[name] = tuple(
                _framework(row, self.catalogue) for row in self.catalogue.frameworks.get(name, ())
            )
        return self._frameworks[name]


_universes: WeakKeyDictionary[Catalogue, dict[str, Universe]] = WeakKeyDictionary()


def universe_of(catalogue: Catalogue, os: str) -> Universe:
    """Give the candidates of a catalogue on an operating system, made at the first call."""
    by_os: dict[str, Universe] = _universes.setdefault(catalogue, {})
    if os not in by_os:
        by_os[os] = Universe(catalogue, os)
    return by_os[os]


def row_of(candidate: Candidate) -> Row | None:
    """Give the catalogue row behind a candidate."""
    if isinstance(candidate, DriverCandidate):
        return candidate.package
    row: Row | None = getattr(candidate, "row", None)
    return row


def _driver(
    branch: model.DriverBranch, package: model.DriverPackage, archive: model.DriverPackage | None
) -> DriverCandidate:
    """Make a candidate; its version is the newest that its packages have.

    The PPA has the archive's names, so the archive's row tells of it too, and apt takes the newer.
    """
    versions = [row.version for row in (package, archive) if row and row.version]
    number = max(
        (found for found in map(upstream_of, versions) if found.split(".")[0] == branch.branch),
        key=Version,
        default=branch.latest_version,
    )
    seen = package.source_name == "nvidia" or any(
        row.verified or row.version for row in (package, archive) if row
    )
    return DriverCandidate(
        component=DRIVER,
        version=Version(number),
        text=number,
        source=package.source,
        verified=branch.verified and (package.verified or bool(archive and archive.verified)),
        branch=branch,
        package=package,
        seen=seen,
    )


def upstream_of(version: str) -> str:
    """Take the upstream number from a Debian version: "1:580.65-0ubuntu1" is 580.65."""
    match = UPSTREAM.match(version)
    return match.group(1) if match else ""


def _framework(row: model.FrameworkBuild, catalogue: Catalogue) -> FrameworkCandidate:
    text = next(iter(row.packages.values()), row.version)
    return FrameworkCandidate(
        component=row.framework,
        version=_version(text) or Version("0"),
        text=text,
        source=row.source,
        verified=row.verified,
        row=row,
        cuda=_version(row.cuda),
        min_driver=_version(row.min_driver),
        glibc=_version(row.glibc),
        pythons=frozenset(row.python),
        cudnn_code=_floor_of_own_cudnn(row, catalogue),
    )


def _floor_of_own_cudnn(row: model.FrameworkBuild, catalogue: Catalogue) -> int:
    """Give the lowest code that the cuDNN in a build serves; 0 where it brings none, or any.

    What metadata leaves open ("<10.0,>=9.8") is decided by the requirements beside it.
    """
    if not row.cudnn or row.needs_system_cuda or not row.cuda or not row.cudnn[0].isdigit():
        return 0
    key = row.cudnn, int(row.cuda.split(".")[0])
    floors = _cudnn_floors.setdefault(catalogue, {})
    if key not in floors:
        floors[key] = max(
            (
                sm_code(item.min_compute_capability)
                for item in catalogue.cudnn
                if item.cuda_major == key[1] and f"{item.version}.".startswith(f"{row.cudnn}.")
            ),
            default=0,
        )
    return floors[key]


_cudnn_floors: WeakKeyDictionary[Catalogue, dict[tuple[str, int], int]] = WeakKeyDictionary()


def _version(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None
