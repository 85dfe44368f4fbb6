"""The systems of the sandbox: what world.yml says of each, and what a host of it has before anybody touches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.lab.mirror.archive import Archive

WORLD: Mapping[str, Any] = yaml.safe_load(
    Path(__file__).with_name("world.yml").read_text(encoding="utf-8")
)
UBUNTU, UBUNTU_SECURITY = "http://archive.ubuntu.com/ubuntu", "http://security.ubuntu.com/ubuntu"
DEBIAN, DEBIAN_SECURITY = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
UBUNTU_COMPONENTS = ("main", "restricted", "universe", "multiverse")
DEBIAN_COMPONENTS = ("main", "contrib", "non-free", "non-free-firmware")
FIRST_WITH_DEB822 = "ubuntu-24.04"


@dataclass(frozen=True, eq=False)
class System:
    """One release of an operating system.

    Attributes:
        os: `ubuntu-22.04`. codename: `jammy`. distro: NVIDIA's name of it, `ubuntu2204`.
        archive: what its archive has. repository: drivers in NVIDIA's repository for it.
        cuda, cudnn, cudnn8: versions there.
    """

    os: str
    codename: str
    distro: str
    archive: Archive
    repository: Sequence[str]
    cuda: Sequence[str]
    cudnn: Sequence[str]
    cudnn8: Sequence[str] = field(default=())

    @property
    def ubuntu(self) -> bool:
        """Whether it is Ubuntu, which has the PPA, else Debian."""
        return self.os.startswith("ubuntu")

    def sources(self) -> dict[str, str]:
        """Return the files that state the system's own archive: path -> text."""
        if not self.ubuntu:
            keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
            suites = f"{self.codename} {self.codename}-updates"
            text = _deb822(DEBIAN, suites, "main", keyring)
            text += "\n" + _deb822(DEBIAN_SECURITY, f"{self.codename}-security", "main", keyring)
            return {"/etc/apt/sources.list.d/debian.sources": text}
        components, codename = " ".join(UBUNTU_COMPONENTS), self.codename
        if self.os >= FIRST_WITH_DEB822:
            keyring = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
            text = _deb822(UBUNTU, f"{codename} {codename}-updates", components, keyring)
            text += "\n" + _deb822(UBUNTU_SECURITY, f"{codename}-security", components, keyring)
            return {"/etc/apt/sources.list.d/ubuntu.sources": text}
        return {
            "/etc/apt/sources.list": f"deb {UBUNTU} {codename} {components}\n"
            f"deb {UBUNTU} {codename}-updates {components}\n"
            f"deb {UBUNTU_SECURITY} {codename}-security {components}\n"
        }


def _deb822(address: str, suites: str, components: str, keyring: str) -> str:
    return (
        f"Types: deb\nURIs: {address}\nSuites: {suites}\n"
        f"Components: {components}\nSigned-By: {keyring}\n"
    )


def _system(os: str, row: Mapping[str, Any]) -> System:
    archive = Archive(
        dkms=row["dkms"],
        settings=row["settings"],
        kernels=row["kernels"],
        flavour=row["flavour"],
        drivers=row["drivers"],
        transitional=row["transitional"],
    )
    names = ("codename", "distro", "repository", "cuda", "cudnn", "cudnn8")
    return System(os, archive=archive, **{name: row[name] for name in names})


SYSTEMS: Mapping[str, System] = {os: _system(os, row) for os, row in WORLD["systems"].items()}
