"""From a user's words to a GPU of the catalogue: a name, a part of one, or a PCI id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlconf.catalogue.gpusearch import NVIDIA_VENDOR, bare_name, plain_id
from dlconf.catalogue.gpusearch import named as named_so
from dlconf.errors import NoCompatibleStack, UsageError

if TYPE_CHECKING:
    from dlconf.catalogue import Catalogue
    from dlconf.catalogue.model import Gpu

_PCI_ID = re.compile(r"(?:0x)?([0-9a-f]{4}):(?:0x)?[0-9a-f]{4}")
VENDORS = {"1002": "an AMD", "8086": "an Intel"}
_VGPU = re.compile(r"\S-\d+(-\d+)?[abcq]\d?(me|gfx)?$")
"""The end of a name of NVIDIA's for a vGPU: memory in GB and the letter of its licence ("M60-2Q")."""
_ARM = re.compile(r"\b(jetson|orin|xavier|tegra|dgx spark|grace)\b")
"""Machines whose GPU is no PCI device, or is sold by the machine's name."""
_MIG = re.compile(r"\bmig\b|\b\d+g\.\d+gb\b")


def device_id(words: str, catalogue: Catalogue) -> str:
    """Return the PCI device id that words mean; an id that the catalogue does not know is one too.

    Raises:
        UsageError: no GPU has that name (the nearest names are the hint), or several do.
        NoCompatibleStack: it is another vendor's, or a share of a card.
    """
    plain = words.strip().lower()
    _refuse_what_is_no_card(words, plain)
    number = plain_id(plain)
    is_number = len(number) == 4 and all(digit in "0123456789abcdef" for digit in number)
    named = named_so(catalogue.gpus.values(), plain) if number == plain else ()
    if is_number and not named:
        return number
    if is_number and (row := catalogue.gpu(number)) and row not in named:
        raise UsageError(
            f"{words!r} is the PCI id of the {row.name} and a word in other names",
            hint=f"write 10de:{number} for the id, or the whole name",
        )
    if not named and _ARM.search(plain):
        raise arm_refused(words)
    if not named:
        near = catalogue.nearest_gpu_names(words)
        raise UsageError(
            f"no GPU is called {words!r}",
            hint=f"nearest names: {', '.join(near)}" if near else "give the PCI id",
        )
    exact = [row for row in named if bare_name(plain) in map(bare_name, _names(row))]
    return _one_of(words, exact or named).id


def _refuse_what_is_no_card(words: str, plain: str) -> None:
    match = _PCI_ID.fullmatch(plain)
    if match and match[1] != NVIDIA_VENDOR:
        raise NoCompatibleStack(
            f"{words} is {VENDORS.get(match[1], 'no NVIDIA')} GPU, and dlconf sets up NVIDIA's only",
            hint="leave it out: a machine without an NVIDIA GPU gets the CPU builds of the frameworks",
        )
    if is_vgpu_name(plain):
        raise vgpu_refused(words)
    if _MIG.search(plain):
        raise NoCompatibleStack(
            f"{words} is a MIG slice of a card, which has no driver of its own",
            hint="name the card itself: what serves the card serves its slices",
        )


def is_vgpu_name(name: str) -> bool:
    """Whether a name is one of NVIDIA's for a hypervisor's share of a card ("GRID M60-2Q")."""
    return _VGPU.search(name.lower()) is not None


def arm_refused(name: str, source: str = "NVIDIA's product pages") -> NoCompatibleStack:
    """Say why a chip that is one with an arm64 processor gets no stack."""
    return NoCompatibleStack(
        f"{name} is one with an arm64 processor, and dlconf has stacks for x86_64 machines only "
        f"[{source}]",
        hint="NVIDIA's own systems (DGX OS, JetPack) bring its driver and CUDA, and NVIDIA's "
        "containers (nvcr.io) the frameworks for it",
    )


def vgpu_refused(name: str, way_out: str = "") -> NoCompatibleStack:
    """Say why a guest with a share of a card gets no driver; `way_out` begins the hint."""
    return NoCompatibleStack(
        f"{name} is a vGPU, a hypervisor's share of a card: it runs with the guest driver (GRID) of "
        "its host's vGPU release only, which no package source has",
        hint=f"{way_out}the guest driver is in NVIDIA's licensing portal, from which whoever runs the "
        "host can have it",
    )


def _one_of(words: str, rows: Sequence[Gpu]) -> Gpu:
    if len({(row.architecture, row.compute_capability, row.last_branch) for row in rows}) > 1:
        names = ", ".join(f"{row.name} ({row.id})" for row in rows[:8])
        raise UsageError(
            f"{words!r} names {len(rows)} GPUs that need different stacks",
            hint=f"give one of these, or its PCI id: {names}",
        )
    return min(rows, key=lambda row: (not row.verified, len(row.name), row.id))


def _names(row: Gpu) -> tuple[str, ...]:
    return (row.name, *row.other_names)
