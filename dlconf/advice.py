"""Advice on a host's hardware: what holds deep learning back there although dlconf cannot mend it. Pure.

Each warning has a name, and an inventory silences it by that: `dlconf_silence: [pcie-link]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlconf.errors import UsageError
from dlconf.written import WrongValue

VARIABLES = ("dlconf_silence", "dlconf_data_path")
"""Variables of an inventory that advice reads."""

DEFAULT_DATA_PATH = "/opt"
"""Where environments lie; a site with a disk of its own for data sets says so with dlconf_data_path."""

RAM, GPU_MEMORY, DATA_DISK, PCIE_LINK, TEMPERATURE = (
    "ram",
    "gpu-memory",
    "data-disk",
    "pcie-link",
    "temperature",
)
NAMES = (RAM, GPU_MEMORY, DATA_DISK, PCIE_LINK, TEMPERATURE)

_TAO = "docs.nvidia.com/tao, quick start guide, minimum system configuration"
_CERTIFIED = "docs.nvidia.com, NVIDIA-Certified Systems Configuration Guide, system memory"
_LINK = "PCI Express Base Specification, link width and speed; sysfs-bus-pci of the Linux kernel"
_NVML = "nvidia-smi's manual, section Temperature"

MIN_GPU_MEMORY_MIB = 4000
"""Least GPU memory for training: 4 GB (TAO's minimum), as cards report a little less than they are sold with."""
RAM_TOLERANCE = 0.95
"""The kernel and the firmware keep some: a machine sold with 64 GiB shows 62 to 63."""
NEAR_LIMIT_CELSIUS = 5
"""How near to its limit a card runs hot. The H100 PCIe's product brief: 87 slows down, 92 shuts down."""


@dataclass(frozen=True)
class Advice:
    """One thing about the hardware: its name, on what, what it means and what helps, and who says so."""

    name: str
    about: str
    text: str
    source: str


def data_path(value: Any) -> str:
    """Return where data sets lie.

    Raises:
        UsageError: the variable is no absolute path.
    """
    if value is None:
        return DEFAULT_DATA_PATH
    if not isinstance(value, str) or not value.startswith("/"):
        raise WrongValue(
            "dlconf_data_path",
            f"dlconf_data_path must be an absolute path, not {value!r}",
            right="/data",
        )
    return value


def silenced(variables: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the warnings that an inventory does not want.

    Raises:
        UsageError: the variable is no list of names of warnings.
    """
    value = variables.get("dlconf_silence") or []
    if isinstance(value, str):
        right = [name for name in NAMES if name in value]
        raise WrongValue(
            "dlconf_silence", f"dlconf_silence must be a list, not {value!r}", right=right
        )
    names = value if isinstance(value, list | tuple) else [value]
    wrong = names if names is not value else [name for name in value if name not in NAMES]
    if wrong:
        raise UsageError(
            f"dlconf_silence must be a list of warnings, and {wrong[0]!r} is none",
            hint=f"warnings: {', '.join(NAMES)}",
        )
    return frozenset(names)


def of_hardware(facts: Mapping[str, Any], gpus: Sequence[Mapping[str, Any]]) -> list[Advice]:
    """Return what holds a host's GPUs back.

    Args:
        facts: of the host (dlconf.facts).
        gpus: its GPUs, with slot, name and memory_mib (None = not known).
    """
    if not gpus:
        return []
    names = {gpu["slot"]: str(gpu["name"]) for gpu in gpus}
    return [
        *_ram(facts, gpus),
        *_gpu_memory(gpus),
        *_data_disk(facts),
        *_links(facts.get("pci") or (), names),
        *_temperatures(facts.get("temperatures") or (), names),
    ]


def _ram(facts: Mapping[str, Any], gpus: Sequence[Mapping[str, Any]]) -> Iterator[Advice]:
    sizes = [gpu.get("memory_mib") for gpu in gpus]
    known = [size for size in sizes if size]
    total, memory = sum(known), facts.get("memory_mib") or 0
    if memory and memory < total * RAM_TOLERANCE:
        least = "" if len(known) == len(sizes) else "at least "
        yield Advice(
            RAM,
            "memory",
            f"{_gib(memory)} of RAM for {least}{_gib(total)} of GPU memory: data loaders and checkpoints of a model "
            f"that fills the GPUs do not fit; have at least as much RAM",
            _CERTIFIED,
        )


def _gpu_memory(gpus: Sequence[Mapping[str, Any]]) -> Iterator[Advice]:
    for gpu in gpus:
        size = gpu.get("memory_mib")
        if size and size < MIN_GPU_MEMORY_MIB:
            yield Advice(
                GPU_MEMORY,
                gpu["slot"],
                f"the {gpu['name']} has {_gib(size)}: too little to train most models; it can still run small ones",
                _TAO,
            )


def _data_disk(facts: Mapping[str, Any]) -> Iterator[Advice]:
    disk = facts.get("data_disk") or {}
    if disk.get("rotational"):
        yield Advice(
            DATA_DISK,
            disk["path"],
            f"{disk['path']} lies on a hard disk ({', '.join(disk['devices'])}): random reads of a data set keep the "
            "GPUs waiting; put data on an SSD and name it with dlconf_data_path",
            _TAO,
        )


def _links(devices: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> Iterator[Advice]:
    for device in devices:
        link, slot = device.get("link"), device["slot"]
        if link and slot in names:
            yield from _link(names[slot], slot, link)


def _link(name: str, slot: str, link: Mapping[str, float | None]) -> Iterator[Advice]:
    """Judge a link by its width now, and by the speed of the port: the speed now falls while a card idles."""
    width, most = link.get("width"), link.get("max_width")
    if width and most and width < most:
        port = link.get("port_width")
        cause = (
            f"its slot has {port:.0f}; another slot may have more"
            if port and port <= width
            else "the slot could do more: reseat the card, look at risers and at how the board shares its lanes"
        )
        yield Advice(
            PCIE_LINK,
            slot,
            f"the {name} runs on {width:.0f} of its {most:.0f} lanes: {cause}",
            _LINK,
        )
    speed, port_speed = link.get("max_speed_gts"), link.get("port_speed_gts")
    if speed and port_speed and port_speed < speed:
        yield Advice(
            PCIE_LINK,
            slot,
            f"the slot of the {name} does {port_speed:g} GT/s and the card {speed:g}: transfers to it take longer; a "
            "faster slot, or a setting of the firmware, may help",
            _LINK,
        )


def _temperatures(
    temperatures: Iterable[Mapping[str, Any]], names: Mapping[str, str]
) -> Iterator[Advice]:
    for item in temperatures:
        limit = item.get("limit_celsius")
        if item["slot"] in names and limit and item["celsius"] >= limit - NEAR_LIMIT_CELSIUS:
            yield Advice(
                TEMPERATURE,
                item["slot"],
                f"the {names[item['slot']]} is at {item['celsius']:.0f} °C and slows down from {limit:.0f} on: look "
                "at fans, dust and the air between cards",
                _NVML,
            )


def _gib(mib: float) -> str:
    return f"{mib / 1024:.0f} GiB" if mib >= 10 * 1024 else f"{mib / 1024:.1f} GiB"
