"""NVIDIA's driver as NVIDIA's own network repositories have it, and what else is in them.

Ubuntu's names carry the branch up to 580 and none from 590 on; Debian's never did. A package beside the driver keeps
apt on a branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.lab.mirror.answers import WIDE, Answers
from tests.lab.mirror.debs import Deb
from tests.lab.mirror.drivers import driver_packages, flavours
from tests.lab.mirror.relations import GUESS, Relation, depends, recommends
from tests.lab.mirror.services import FIRST_UNBRANCHED as FIRST_WITH_SERVICES

FIRST_UNBRANCHED = 590  # row nvidia-names
FIRST_ALWAYS_OPEN = 615  # row nvidia-cuda-drivers-open
SOURCE = "nvidia-graphics-drivers"

PIN_FILE = "/etc/apt/preferences.d/nvidia-driver-pin"
PIN = """\
Package: cuda-drivers* src:nvidia-open:any
Pin: version {branch}.*
Pin-Priority: 1000

Package: src:nvidia-graphics-drivers:any src:nvidia-settings:any src:nvidia-persistenced:any src:nvidia-modprobe:any
Pin: version {branch}.*
Pin-Priority: 1000
"""


def ubuntu_driver(upstream: str, answers: Answers = WIDE) -> Iterator[Deb]:
    """Yield a driver of the repositories for Ubuntu, with metapackages and pin."""
    branch = upstream.split(".", maxsplit=1)[0]
    number = int(branch)
    tail = f"-{branch}" if number < FIRST_UNBRANCHED else ""
    version = f"{upstream}-{'0' if tail else '1'}ubuntu1"
    persistence = number < FIRST_WITH_SERVICES
    yield from driver_packages(upstream, version, tail=tail, persistence=persistence, source=SOURCE)
    for meta, flavour in _metapackages(branch):
        needs = depends("nvidia-meta", f"nvidia-driver{tail}{flavour} (>= {upstream})")
        yield _meta(f"{meta}{tail}", version, branch, needs, answers)
        if tail:
            newest = depends(GUESS, f"{meta}{tail} (= {version})")
            yield _meta(meta, version, branch, newest, answers)
    if number >= FIRST_ALWAYS_OPEN:
        needs = depends("nvidia-cuda-drivers-open", f"nvidia-open (>= {upstream})")
        yield _meta("cuda-drivers", version, branch, needs, answers)
    yield pin_package(branch, version)


def debian_driver(upstream: str, answers: Answers = WIDE) -> Iterator[Deb]:
    """Yield a driver of the repositories for Debian: other names, and no branch in any but the metapackages'."""
    branch = upstream.split(".", maxsplit=1)[0]
    version, same = f"{upstream}-1", f"(= {upstream}-1)"
    parts = {
        "libcuda1": (),
        "libnvidia-ml1": (),
        "nvidia-opencl-icd": (),
        "nvidia-kernel-support": (),
        "nvidia-persistenced": (),
        "nvidia-driver-libs": ("libcuda1", "libnvidia-ml1"),
        "nvidia-driver-cuda": ("nvidia-driver-libs", "nvidia-opencl-icd", "nvidia-persistenced"),
        "nvidia-driver": ("nvidia-driver-libs", "nvidia-kernel-support"),
    }
    for name, needs in parts.items():
        relations = depends("nvidia-debian-names", *(f"{need} {same}" for need in needs))
        yield _driver_deb(name, version, relations)
    for flavour in flavours(branch):
        modules = depends(GUESS, "dkms", f"nvidia-kernel-support {same}")
        name = f"nvidia-kernel{flavour}-dkms"
        fields = ("Provides", "Conflicts")
        only = tuple(Relation(field, "nvidia-kernel-module", GUESS) for field in fields)
        yield _driver_deb(name, version, modules + only)
    yield from _debian_metapackages(branch, upstream, version, answers)
    yield pin_package(branch, version)


def pin_package(branch: str, version: str) -> Deb:
    """Return the package that keeps apt on a branch, by a file of preferences."""
    files = {PIN_FILE: PIN.format(branch=branch)}
    clash = (Relation("Conflicts", "nvidia-driver-pinning", GUESS),)
    only = (*clash, Relation("Provides", "nvidia-driver-pinning", GUESS))
    return Deb(f"nvidia-driver-pinning-{branch}", version, "all", files=files, relations=only)


def beside_drivers(upstreams: Iterable[str]) -> Iterator[Deb]:
    """Yield what NVIDIA's repositories also carry, and nobody asks them for.

    Args:
        upstreams: versions of the drivers there; each comes with an nvidia-settings of its own.
    """
    dkms, source = "1:3.4.0-1ubuntu1", "nvidia-dkms-epoch"
    yield Deb("dkms", dkms, "all", "kernel", relations=depends(GUESS, "make", "gcc"))
    helper = depends(source, f"dkms (= {dkms})")
    yield Deb("dh-dkms", dkms, "all", "kernel", relations=helper)
    for upstream in upstreams:
        yield Deb("nvidia-settings", f"{upstream}-1ubuntu1", fields={"Source": "nvidia-settings"})
    yield Deb("mft", "4.31.0-149")
    yield Deb("collectx", "1.20.1-1")


def _metapackages(branch: str) -> tuple[tuple[str, str], ...]:
    every = {"": ("cuda-drivers", ""), "-open": ("nvidia-open", "-open")}
    found = [every[flavour] for flavour in flavours(branch)]
    return tuple(row for row in found if row[1] or int(branch) < FIRST_ALWAYS_OPEN)


def _debian_metapackages(
    branch: str, upstream: str, version: str, answers: Answers
) -> Iterator[Deb]:
    for flavour in flavours(branch):
        meta = "nvidia-open" if flavour else "cuda-drivers"
        names = ("nvidia-driver", "nvidia-driver-cuda", f"nvidia-kernel{flavour}-dkms")
        needs = depends("nvidia-debian-meta", *(f"{name} (>= {upstream})" for name in names))
        if int(branch) >= FIRST_UNBRANCHED:
            yield _meta(meta, version, branch, needs, answers)
            continue
        yield _meta(f"{meta}-{branch}", version, branch, needs, answers)
        newest = depends(GUESS, f"{meta}-{branch} (= {version})")
        yield _meta(meta, version, branch, newest, answers)


def _meta(
    name: str, version: str, branch: str, relations: tuple[Relation, ...], answers: Answers
) -> Deb:
    if answers.pinning_comes_along:
        relations += recommends("nvidia-pin-along", f"nvidia-driver-pinning-{branch}")
    # cuda-drivers is a source of its own; both metapackages of the open modules are built from nvidia-open.
    source = "nvidia-open" if name.startswith("nvidia-open") else "cuda-drivers"
    return Deb(name, version, fields={"Source": source}, relations=relations)


def _driver_deb(name: str, version: str, relations: tuple[Relation, ...]) -> Deb:
    return replace(Deb(name, version, fields={"Source": SOURCE}), relations=relations)
