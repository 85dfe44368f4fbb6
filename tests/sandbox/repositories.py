"""What each repository of the vendors holds, for all systems: today, and the day after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.lab.mirror.answers import Answers
from tests.lab.mirror.archive import base_packages, debian_drivers, other_packages, ubuntu_drivers
from tests.lab.mirror.cuda import CudaRelease, toolkit_packages
from tests.lab.mirror.cudnn import cudnn8_packages, cudnn_packages, top_packages
from tests.lab.mirror.debs import Content, Deb
from tests.lab.mirror.drivers import driver_packages
from tests.lab.mirror.nvidia_drivers import beside_drivers, debian_driver, ubuntu_driver
from tests.sandbox.systems import (
    DEBIAN,
    DEBIAN_COMPONENTS,
    DEBIAN_SECURITY,
    SYSTEMS,
    UBUNTU,
    UBUNTU_COMPONENTS,
    UBUNTU_SECURITY,
    WORLD,
    System,
)

PPA = "https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu"
NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos"
NVIDIA_KEYRING = "/usr/share/keyrings/cuda-archive-keyring.gpg"
AFTER = WORLD["day_after"]


@dataclass(frozen=True)
class Repository:
    """One suite of one repository.

    Attributes:
        address: its URI. suite: "" for a flat one.
        key: name of the key that signs it, in world.yml.
        origin, label: as its Release file has them.
        components: component -> its packages; a flat one has the one called "".
    """

    address: str
    suite: str
    key: str
    origin: str
    label: str
    components: Mapping[str, Sequence[Deb]]


def repositories(answers: Answers, *, day_after: bool) -> Iterator[Repository]:
    """Yield all repositories, as the open questions are answered."""
    for system in SYSTEMS.values():
        yield from (_ubuntu if system.ubuntu else _debian)(system, day_after)
        if system.ubuntu and (ppa := _ppa(system, answers, day_after)):
            yield ppa
        yield nvidia(system, answers, day_after)


def nvidia(system: System, answers: Answers, day_after: bool) -> Repository:
    """Return NVIDIA's network repository for a system."""
    address = f"{NVIDIA}/{system.distro}/x86_64/"
    debs = [*_nvidia_debs(system, answers, day_after), cuda_keyring(system)]
    return Repository(address, "", system.distro, "NVIDIA", "NVIDIA CUDA", {"": debs})


def cuda_keyring(system: System) -> Deb:
    """Return NVIDIA's package that states its repository; whoever installs it puts the key in the keyring's place."""
    source = f"deb [signed-by={NVIDIA_KEYRING}] {NVIDIA}/{system.distro}/x86_64/ /\n"
    path = f"/etc/apt/sources.list.d/cuda-{system.distro}-x86_64.list"
    files: dict[str, Content] = {path: source}
    return Deb("cuda-keyring", "1.1-1", "all", files=files)


def local_cuda(system: System, version: str) -> list[Deb]:
    """Return the packages of a CUDA local repository: a toolkit, a driver, and what comes with both."""
    release = cuda_release(version)
    debs = list(toolkit_packages(release))
    if release.driver:
        driver = ubuntu_driver if system.ubuntu else debian_driver
        debs += [*driver(release.driver), *beside_drivers([release.driver])]
    return debs


def cuda_release(version: str) -> CudaRelease:
    """Return a toolkit of world.yml."""
    row = WORLD["cuda"][version]
    return CudaRelease(version, row["nvcc"], row["driver"], 2026)


def _ubuntu(system: System, day_after: bool) -> Iterator[Repository]:
    codename = system.codename
    debs = [*base_packages(system.archive), *other_packages(system.archive)]
    debs += ubuntu_drivers(system.archive)
    updates = _updated_archive(system) if day_after else []
    security = [_security_update()] if day_after else []
    for address, suite, content in (
        (UBUNTU, codename, debs),
        (UBUNTU, f"{codename}-updates", updates),
        (UBUNTU_SECURITY, f"{codename}-security", security),
    ):
        components = {name: content if name == "main" else [] for name in UBUNTU_COMPONENTS}
        yield Repository(address, suite, "ubuntu", "Ubuntu", "Ubuntu", components)


def _debian(system: System, day_after: bool) -> Iterator[Repository]:
    codename = system.codename
    free = [*base_packages(system.archive), *other_packages(system.archive)]
    main = [deb for deb in free if deb.name != "nvidia-settings"]
    drivers = list(debian_drivers(system.archive))
    security = [_security_update()] if day_after else []
    for address, suite, label, content in (
        (DEBIAN, codename, "Debian", {"main": main, "contrib": [], "non-free": drivers}),
        (DEBIAN, f"{codename}-updates", "Debian", {}),
        (DEBIAN_SECURITY, f"{codename}-security", "Debian-Security", {"main": security}),
    ):
        components = {name: content.get(name, []) for name in DEBIAN_COMPONENTS}
        if "contrib" in content:
            components["contrib"] = [deb for deb in free if deb.name == "nvidia-settings"]
        yield Repository(address, suite, "debian", "Debian", label, components)


def _ppa(system: System, answers: Answers, day_after: bool) -> Repository | None:
    row = WORLD["ppa"]
    suites = row["suites"] + (row["wide_suites"] if answers.ppa_complete else [])
    if system.codename not in suites:
        return None
    upstreams = row["drivers"] + (row["wide_drivers"] if answers.ppa_complete else [])
    if day_after:
        upstreams = upstreams + [newer for old in upstreams if (newer := _newer(old))]
    release = system.os.removeprefix("ubuntu-")
    debs = [
        deb
        for upstream in upstreams
        for deb in driver_packages(upstream, f"{upstream}-0ubuntu0~gpu{release}.1")
    ]
    origin = "LP-PPA-graphics-drivers"
    return Repository(
        PPA, system.codename, "ppa", origin, "Proprietary GPU Drivers", {"main": debs}
    )


def _nvidia_debs(system: System, answers: Answers, day_after: bool) -> Iterator[Deb]:
    upstreams, cudas, cudnns = list(system.repository), list(system.cuda), list(system.cudnn)
    if answers.cudnn_everywhere:
        cudnns = [version for version in WORLD["cudnn"] if version != AFTER["cudnn"]]
    if day_after:
        upstreams += [newer for old in system.repository if (newer := _newer(old))]
        upstreams.append(AFTER["new_driver"])
        cudas += [
            new for old, new in AFTER["cuda"].items() if any(v.startswith(old) for v in cudas)
        ]
        if not (system.os == "ubuntu-20.04" and not answers.cudnn_everywhere):
            cudnns.append(AFTER["cudnn"])
    driver = ubuntu_driver if system.ubuntu else debian_driver
    for upstream in upstreams:
        yield from driver(upstream, answers)
    for deb in beside_drivers(upstreams):
        yield deb
        if day_after and "dkms" in deb.name:
            yield replace(deb, version=AFTER["dkms"], relations=())
    for version in cudas:
        yield from toolkit_packages(cuda_release(version))
    for version in cudnns:
        for release in WORLD["cudnn"][version]:
            yield from cudnn_packages(version, release, answers)
        yield from top_packages(version)
    for version in system.cudnn8:
        yield from cudnn8_packages(version)


def _newer(upstream: str) -> str | None:
    """Return the version of the same branch that is published the day after."""
    branch = upstream.split(".", maxsplit=1)[0]
    return f"{branch}{AFTER['patch']}" if branch in AFTER["branches"] else None


def _updated_archive(system: System) -> list[Deb]:
    found: list[Deb] = []
    for upstream, version in system.archive.drivers.items():
        if newer := _newer(upstream):
            drivers = {newer: version.replace(upstream, newer)}
            found += ubuntu_drivers(replace(system.archive, drivers=drivers, transitional={}))
    return [deb for deb in found if deb.name != "nvidia-prime"]


def _security_update() -> Deb:
    """Return an update that has nothing to do with GPUs, and that every host must go on getting."""
    return Deb("libc6", "2.39-1+security1", section="libs")
