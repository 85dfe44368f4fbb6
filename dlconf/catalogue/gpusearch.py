"""Finding GPUs by words of their names, and by the ids around one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from dlconf.catalogue.model import Gpu

NEIGHBOUR_DISTANCE = 0x80
"""Ids further apart than this say nothing of one another."""
NVIDIA_VENDOR = "10de"
_ID = re.compile("[0-9a-f]{4}")


def plain_id(device_id: str) -> str:
    """Write a PCI device id as rows do: lower case, without `0x` or `10de:` in front."""
    return device_id.lower().removeprefix("10de:").removeprefix("0x")


def named(gpus: Collection[Gpu], words: str) -> tuple[Gpu, ...]:
    """GPUs one of whose names has every word, in any case, from the beginning of one of its own.

    The shortest name comes first: "3090" means the plain card before the Ti; "B300" is no GB300.
    """
    wanted = plain_name(words).split()
    begins = [re.compile(rf"(?<![0-9a-z]){re.escape(word)}") for word in wanted]
    found = []
    for gpu in gpus if wanted else ():
        names = [plain_name(name) for name in (gpu.name, *gpu.other_names)]
        lengths = [len(name) for name in names if all(begin.search(name) for begin in begins)]
        if lengths:
            found.append((min(lengths), gpu.id, gpu))
    return tuple(gpu for _, _, gpu in sorted(found, key=lambda item: item[:2]))


def nearest_names(gpus: Collection[Gpu], words: str, count: int) -> tuple[str, ...]:
    """Names like `words`, the likest first."""
    names = {bare_name(name): name for gpu in gpus for name in (*gpu.other_names, gpu.name)}
    near = difflib.get_close_matches(bare_name(words), list(names), n=count, cutoff=0.4)
    return tuple(names[name] for name in near)


def beside(gpus: Collection[Gpu], device_id: str) -> Gpu | None:
    """The row below an id without one, where the next row above is of the same chip.

    NVIDIA numbers the products of one chip in one run. None where the two differ, or are so far
    off that they say nothing.
    """
    if not _ID.fullmatch(device_id):
        return None
    number = int(device_id, 16)
    near = [
        gpu
        for gpu in gpus
        if gpu.chip and gpu.id != device_id and abs(int(gpu.id, 16) - number) <= NEIGHBOUR_DISTANCE
    ]
    below = max((gpu for gpu in near if gpu.id < device_id), key=_id, default=None)
    above = min((gpu for gpu in near if gpu.id > device_id), key=_id, default=None)
    return below if below and above and below.chip == above.chip else None


def plain_name(name: str) -> str:
    """A product name for comparing: lower case, without the maker's name."""
    return name.lower().removeprefix("nvidia ")


def bare_name(name: str) -> str:
    """A product name for comparing, without the commonest brand too."""
    return plain_name(name).removeprefix("geforce ").strip()


def _id(gpu: Gpu) -> str:
    return gpu.id
