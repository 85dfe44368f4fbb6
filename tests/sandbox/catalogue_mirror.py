"""Mirrors of every driver branch, CUDA and cuDNN that the catalogue names for a system: versions of the catalogue.

The packages' names and relations are the vendors' own, as tests/lab/mirror has them; none is taken from the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dlconf.catalogue import Catalogue
from dlconf.catalogue.model import CudnnBuild, DriverPackage
from tests.lab.mirror.answers import WIDE
from tests.lab.mirror.archive import base_packages, debian_drivers, other_packages
from tests.lab.mirror.cuda import CudaRelease, toolkit_packages
from tests.lab.mirror.cudnn import cudnn8_packages, cudnn_packages
from tests.lab.mirror.debs import Deb
from tests.lab.mirror.drivers import driver_packages, transitional
from tests.lab.mirror.nvidia_drivers import debian_driver, ubuntu_driver
from tests.sandbox.repositories import NVIDIA, PPA, Repository
from tests.sandbox.systems import (
    DEBIAN,
    DEBIAN_COMPONENTS,
    DEBIAN_SECURITY,
    UBUNTU,
    UBUNTU_COMPONENTS,
    UBUNTU_SECURITY,
    System,
)


def catalogue_repositories(catalogue: Catalogue, systems: Iterable[System]) -> Iterator[Repository]:
    """Yield the archive, the PPA and NVIDIA's repository of each system."""
    for system in systems:
        address = f"{NVIDIA}/{system.distro}/x86_64/"
        debs = {"": list(_nvidia(catalogue, system))}
        yield Repository(address, "", system.distro, "NVIDIA", "NVIDIA CUDA", debs)
        yield from _archive(catalogue, system)
        if system.ubuntu:
            debs = {"main": list(_drivers(catalogue, system, "ppa"))}
            label = "Proprietary GPU Drivers"
            yield Repository(PPA, system.codename, "ppa", "LP-PPA-graphics-drivers", label, debs)


def name_of_transition(row: DriverPackage, branch: str) -> str:
    """Return what Ubuntu calls the driver of a branch in a row's variant and flavour (row ubuntu-transitional)."""
    server = "-server" if row.variant == "server" else ""
    return f"nvidia-driver-{branch}{server}{'-open' if row.flavour == 'open' else ''}"


def cudnn_systems(catalogue: Catalogue, row: CudnnBuild, systems: Iterable[System]) -> list[System]:
    """Return the systems with a toolkit that a cuDNN serves."""
    toolkits = [
        toolkit
        for toolkit in catalogue.cuda.values()
        if toolkit.release == row.cuda
        or (row.cuda is None and toolkit.release.split(".")[0] == str(row.cuda_major))
    ]
    return [s for s in systems if any(s.distro in toolkit.distros for toolkit in toolkits)]


def _archive(catalogue: Catalogue, system: System) -> Iterator[Repository]:
    codename = system.codename
    free = [*base_packages(system.archive), *other_packages(system.archive)]
    drivers = list(_drivers(catalogue, system, "distribution"))
    if system.ubuntu:
        places, key, names = ((UBUNTU, UBUNTU_SECURITY), "ubuntu", UBUNTU_COMPONENTS)
        content = {"main": free, "restricted": drivers}
    else:
        places, key, names = ((DEBIAN, DEBIAN_SECURITY), "debian", DEBIAN_COMPONENTS)
        content = {"main": free, "non-free": drivers}
    for address, suite in (
        (places[0], codename),
        (places[0], f"{codename}-updates"),
        (places[1], f"{codename}-security"),
    ):
        full = suite == codename
        components = {name: content.get(name, []) if full else [] for name in names}
        yield Repository(address, suite, key, key.title(), key.title(), components)


def _drivers(catalogue: Catalogue, system: System, source: str) -> Iterator[Deb]:
    """Yield a source's drivers: one version of each branch and variant."""
    rows = [
        row
        for row in catalogue.driver_packages
        if row.os == system.os and row.source_name == source and row.transitional_to != "unknown"
    ]
    moved = {
        name_of_transition(row, row.branch): row for row in rows if row.transitional_to is not None
    }
    real = {(row.branch, row.variant): row for row in rows if row.transitional_to is None}
    for row in sorted(rows, key=lambda row: row.version or ""):
        if row.transitional_to is None:
            real[row.branch, row.variant] = row  # of flavours the one whose version is known
    for row in real.values():
        make = _ubuntu_driver if system.ubuntu else _debian_driver
        yield from (deb for deb in make(catalogue, system, row, rows) if deb.name not in moved)
    for name, row in moved.items():
        target = str(row.transitional_to)
        open_one = replace(row, flavour="open") if target.endswith("-open") else row
        target = name_of_transition(open_one, target.removesuffix("-open"))
        yield transitional(name, _version(catalogue, system, row)[1], target)


def _ubuntu_driver(
    catalogue: Catalogue, system: System, row: DriverPackage, _rows: Sequence[DriverPackage]
) -> Iterator[Deb]:
    upstream, version = _version(catalogue, system, row)
    tail = f"-{row.branch}-server" if row.variant == "server" else None
    yield from driver_packages(upstream, version, tail=tail)


def _debian_driver(
    catalogue: Catalogue, system: System, row: DriverPackage, rows: Sequence[DriverPackage]
) -> Iterator[Deb]:
    """Yield a driver of Debian's: only the newest branch has no word in its names."""
    upstream, version = _version(catalogue, system, row)
    newest = max(other.branch for other in rows)
    plain = row.branch == newest and row.variant == "desktop"
    stems = {} if plain else {row.branch: f"nvidia-tesla-{row.branch}"}
    archive = replace(system.archive, drivers={upstream: version}, transitional=stems)
    yield from debian_drivers(archive)


def _version(catalogue: Catalogue, system: System, row: DriverPackage) -> tuple[str, str]:
    """Return NVIDIA's version of a row's driver, and the packages' in the source's form (row ppa-versions)."""
    known = row.version or catalogue.drivers[row.branch].latest_version
    upstream = re.split(r"[-~+]", known)[0]
    release = system.os.partition("-")[2]
    forms = {"ppa": f"0ubuntu0~gpu{release}.1", "distribution": f"0ubuntu0.{release}.1"}
    form = forms[row.source_name] if system.ubuntu else "1"
    return upstream, known if "-" in known else f"{upstream}-{form}"


def _nvidia(catalogue: Catalogue, system: System) -> Iterator[Deb]:
    driver = ubuntu_driver if system.ubuntu else debian_driver
    branches = {
        row.branch
        for row in catalogue.driver_packages
        if row.os == system.os and row.source_name == "nvidia"
    }
    for branch in sorted(branches):
        yield from driver(catalogue.drivers[branch].latest_version, WIDE)
    for toolkit in catalogue.cuda.values():
        if system.distro in toolkit.distros:
            # The components' own versions decide nothing here: the toolkit's stands for them.
            yield from toolkit_packages(CudaRelease(toolkit.version, toolkit.version, None, 2026))
    for row in catalogue.cudnn:
        if row.package_version and cudnn_systems(catalogue, row, [system]):
            yield from _cudnn(row, row.package_version)


def _cudnn(row: CudnnBuild, package_version: str) -> Iterator[Deb]:
    if row.version.startswith("9."):
        release = row.built_for if "." in row.built_for else f"{row.built_for}.0"
        yield from cudnn_packages(package_version.removesuffix("-1"), release, WIDE)
    else:
        yield from cudnn8_packages(package_version)
