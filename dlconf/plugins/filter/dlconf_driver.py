"""The filter with which role nvidia_driver tells apt how one driver takes the place of another in one transaction."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

OF_DRIVER = ("nvidia-graphics-drivers", "nvidia-open", "cuda-drivers", "nvidia-driver-pinning")
"""How the names of the source packages begin from which drivers are built, in every packaging."""
OWN = {
    "ppa": {"ppa", "distribution"},
    "distribution": {"distribution"},
    "nvidia": {"nvidia"},
}
"""Source of the driver -> whose packages it may be made of: the PPA and Ubuntu build the same ones."""
FOREIGN = {"ppa": {"nvidia"}, "distribution": {"nvidia", "ppa"}, "nvidia": {"ppa"}}
"""Source of the driver -> whose packages are drift (kind `origin`, role nvidia_driver's `__nvidia_driver_origins`)."""
_LOCAL = re.compile("file:/var/(cuda|nvidia)-")
_OF_MODULES = re.compile(r"nvidia-driver-[0-9]+|nvidia-kernel-source.*|.*-dkms(-.*)?")
"""Packages, the word `-open` taken out, that a driver has for one flavour of the kernel modules."""
_META = re.compile(r"(nvidia-open|cuda-drivers)(-[0-9]+)?")
"""NVIDIA's metapackages: the first bring the open modules, the others the proprietary ones."""


def switch(
    dpkg: str,
    madison: str,
    wanted: Iterable[str],
    *,
    version: str,
    source: str,
    flavour: str,
    addresses: Mapping[str, str],
) -> dict[str, list[str]]:
    """Return what apt is asked for, so that the wanted driver takes the place of what is there and nothing is left.

    Args:
        dpkg: a line for each installed package, `SOURCE|STATE|NAME[:ARCHITECTURE]|VERSION`.
        madison: what `apt-cache madison` says of these and of the wanted packages.
        wanted: names of packages. version: pattern of theirs, without an epoch.
        source: `ppa`, `distribution` or `nvidia`. flavour: of the kernel modules, `open` or `proprietary`.
        addresses: of the repositories of NVIDIA and the PPA, by `nvidia` and `ppa`.

    Returns:
        `install`: the wanted packages, and those that are there in another version, as NAME=VERSION. `remove`: names of
        the packages that the wanted driver does not have. `foreign`: installed packages that are another source's.
    """
    names = list(wanted)
    offered = _offered(madison, addresses)
    fitting: dict[str, str] = {}  # the newest of a name comes first
    for name, found, whose in offered:
        if whose in OWN[source] and fnmatch.fnmatchcase(found.split(":", 1)[-1], version):
            fitting.setdefault(name, found)
    there = list(_installed(dpkg))
    all_names = [full.split(":")[0] for full, _ in there]
    own = {(name, found) for name, found, whose in offered if whose not in FOREIGN[source]}
    foreign = {(name, found) for name, found, whose in offered if whose in FOREIGN[source]} - own
    install = {name: fitting.get(name, version) for name in names}
    remove = []
    for full, found in there:
        name = full.split(":")[0]
        if name in names:
            continue
        if name not in fitting or _is_of_other_flavour(name, flavour, all_names):
            remove.append(full)
        elif fitting[name] != found:
            install[full] = fitting[name]
    return {
        "install": [f"{name}={found}" for name, found in install.items()],
        "remove": remove,
        "foreign": [full for full, found in there if (full.split(":")[0], found) in foreign],
    }


def _installed(dpkg: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of every installed package of a driver."""
    for line in dpkg.splitlines():
        source, state, name, version = line.split("|")
        if source.startswith(OF_DRIVER) and state[1:2] == "i":
            yield name, version


def _offered(madison: str, addresses: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return name and version of each offer, and whose it is."""
    found = []
    for line in madison.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 3:
            found.append((parts[0], parts[1], _whose(parts[2], addresses)))
    return found


def _whose(index: str, addresses: Mapping[str, str]) -> str:
    if _LOCAL.match(index):
        return "nvidia"
    known = (whose for whose, address in addresses.items() if index.startswith(address))
    return next(known, "distribution")


def _is_of_other_flavour(name: str, flavour: str, there: Iterable[str]) -> bool:
    """Whether a package belongs to the other flavour of the kernel modules; `there` is all that is installed.

    `nvidia-driver` without a branch serves both flavours on Debian, whose DKMS packages are `nvidia-kernel-...`.
    """
    if _META.fullmatch(name):
        is_open = name.startswith("nvidia-open")
    elif _OF_MODULES.fullmatch(name.replace("-open", "")) or (
        name in ("nvidia-driver", "nvidia-driver-open")
        and any(other.startswith("nvidia-dkms") for other in there)
    ):
        is_open = "-open" in name
    else:
        return False
    return is_open != (flavour == "open")


class FilterModule:
    """The filter, by its name in templates."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it."""
        return {"dlconf_driver_switch": switch}
