"""The distributions' own archives, as far as the driver's packages touch them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.lab.mirror.debs import Deb
from tests.lab.mirror.drivers import driver_packages, signed_modules, transitional
from tests.lab.mirror.relations import GUESS, depends


@dataclass(frozen=True)
class Archive:
    """What an archive has that the driver's packages need or meet.

    Attributes:
        dkms, settings: versions of the packages dkms and nvidia-settings.
        kernels: releases of the kernels, the newest last.
        flavour: of these kernels, which names their metapackages.
        drivers: version of NVIDIA's -> the packages' version; for Ubuntu.
        transitional: package -> the package that it only brings.
    """

    dkms: str
    settings: str
    kernels: Sequence[str]
    flavour: str
    drivers: dict[str, str]
    transitional: dict[str, str]


def base_packages(archive: Archive) -> Iterator[Deb]:
    """Yield what every host of the system has installed."""
    yield Deb("libc6", "2.39-1", section="libs")
    yield Deb("ca-certificates", "20240203", "all")
    yield Deb("gcc", "4:13.2-1", section="devel", relations=depends(GUESS, "libc6"))
    yield Deb("make", "4.3-4", section="devel", relations=depends(GUESS, "libc6"))
    for kernel in archive.kernels[:1]:
        yield Deb(f"linux-image-{kernel}", "1", section="kernel")
        yield Deb(f"linux-headers-{kernel}", "1", section="kernel")


def other_packages(archive: Archive) -> Iterator[Deb]:
    """Yield what is in every archive beside that, and installed nowhere yet."""
    yield Deb("g++", "4:13.2-1", section="devel", relations=depends(GUESS, "gcc", "libc6"))
    yield Deb("dkms", archive.dkms, "all", "kernel", relations=depends(GUESS, "make", "gcc"))
    yield Deb("nvidia-settings", archive.settings, section="x11")
    newest = archive.kernels[-1]
    for kernel in archive.kernels[1:]:
        yield Deb(f"linux-image-{kernel}", "1", section="kernel")
        yield Deb(f"linux-headers-{kernel}", "1", section="kernel")
    for part in ("image", "headers"):
        meta = f"linux-{part}-{archive.flavour}"
        relations = depends(GUESS, f"linux-{part}-{newest}")
        yield Deb(meta, str(len(archive.kernels)), section="kernel", relations=relations)


def ubuntu_drivers(archive: Archive) -> Iterator[Deb]:
    """Yield the drivers of Ubuntu's archive: each branch's packages, signed modules, transitions."""
    yield Deb("nvidia-prime", "0.8.17", "all", "x11")
    for upstream, version in archive.drivers.items():
        branch = upstream.split(".", maxsplit=1)[0]
        yield from driver_packages(upstream, version, signed=archive.flavour)
        yield from signed_modules(branch, version, archive.kernels, archive.flavour)
    newest = next(reversed(archive.drivers.values()))
    for name, target in archive.transitional.items():
        yield transitional(name, newest, target)


def debian_drivers(archive: Archive) -> Iterator[Deb]:
    """Yield the drivers of Debian's archive: one without, and the older ones with a word in their names."""
    for upstream, version in archive.drivers.items():
        branch, same = upstream.split(".", maxsplit=1)[0], f"(= {version})"
        stem = archive.transitional.get(branch, "nvidia")  # nvidia-tesla-470
        source = "nvidia-graphics-drivers" + stem.removeprefix("nvidia")
        library = "libcuda1" if stem == "nvidia" else f"lib{stem}-cuda1"
        names = {
            library: (),
            f"{stem}-smi": (library,),
            f"{stem}-driver-libs": (library,),
            f"{stem}-kernel-dkms": (),
            f"{stem}-driver": (f"{stem}-driver-libs", f"{stem}-kernel-dkms"),
        }
        for name, needs in names.items():
            texts = [f"{need} {same}" for need in needs]
            texts += ["dkms"] if name.endswith("-dkms") else []
            relations = depends(GUESS, *texts)
            yield Deb(
                name,
                version,
                section="non-free/kernel",
                fields={"Source": source},
                relations=relations,
            )
        if stem == "nvidia":
            texts = ["dkms"]
            name = "nvidia-open-kernel-dkms"
            yield Deb(
                name,
                version,
                section="contrib/kernel",
                fields={"Source": "nvidia-open-gpu-kernel-modules"},
                relations=depends(GUESS, *texts),
            )
