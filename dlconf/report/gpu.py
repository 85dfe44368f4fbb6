"""What follows for one GPU, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from dlconf.catalogue import model
from dlconf.report.text import columns, gib
from dlconf.resolve.candidates import Candidate
from dlconf.resolve.served import Served

MORE = 8
"""So many further GPUs of a name are listed."""


def text(served: Served, others: Sequence[model.Gpu]) -> str:
    """Return all that follows for the GPU, and which others have the same words in their names."""
    card = served.card
    lines = [f"{card.name} (PCI id 10de:{card.device})"]
    if not card.known:
        lines.append(f"  the catalogue does not have this id: {card.note}")
    elif served.row and not served.row.verified:
        lines.append("  its row is not verified: it was not read in a list of NVIDIA's")
    lines += columns([*_hardware(served), *_software(served)])
    lines.append(f"  source: {card.source}")
    lines.append("Each is the newest by itself; dlconf resolve finds what fits together.")
    if others:
        more = f" and {len(others) - MORE} more" if len(others) > MORE else ""
        names = ", ".join(f"{row.name} ({row.id})" for row in others[:MORE])
        lines.append(f"Similar names: {names}{more}")
    return "\n".join(lines)


def _hardware(served: Served) -> Iterator[tuple[str, str]]:
    card, row = served.card, served.row
    yield "architecture", f"{card.architecture}{f', chip {row.chip}' if row and row.chip else ''}"
    yield "compute capability", ", ".join(card.capabilities) or "none: before CUDA code of today"
    if row and row.memory_mib:
        sizes = " or ".join(gib(size) for size in row.memory_mib)
        yield "memory", sizes + ("" if row.memory_verified else " (nominal)")
    yield "kernel modules", " or ".join(sorted(card.flavours)) or "none drives all it can be"


def _software(served: Served) -> Iterator[tuple[str, str]]:
    if not served.card.supported:
        yield "supported", "no: frameworks and their drivers need compute capability 3.0 or newer"
    if served.branches:
        first, last = served.branches[0], served.branches[-1]
        still = "the newest" if served.card.last_branch is None else "its last"
        yield "driver branches", f"{first.branch} to {last.branch}, {still}"
    for os, branches in served.packaged.items():
        yield f"  on {os}", ", ".join(branches) or "none"
    cuda, cudnn = served.cuda, served.cudnn
    yield (
        "newest CUDA",
        f"{cuda.text}, from driver {cuda.row.min_driver_native}"
        if cuda
        else "none of 8.0 or newer",
    )
    yield "newest cuDNN", f"{cudnn.text} for CUDA {cudnn.row.built_for}" if cudnn else "none"
    for name, build in served.frameworks.items():
        yield f"newest {name}", build.name.removeprefix(f"{name} ") + _unverified(build)
    if served.lost:
        yield "no build for it", ", ".join(served.lost)


def _unverified(candidate: Candidate) -> str:
    return "" if candidate.verified else ", not verified"


def data(served: Served, others: Sequence[model.Gpu]) -> dict[str, Any]:
    """Return the same as JSON data."""
    card = served.card
    return {
        "schema": 1,
        "gpu": {
            "id": card.device,
            "name": card.name,
            "known": card.known,
            "note": card.note,
            "architecture": card.architecture,
            "compute_capabilities": card.capabilities,
            "flavours": sorted(card.flavours),
            "supported": card.supported,
            "row": asdict(served.row) if served.row else None,
            "driver_branches": [row.branch for row in served.branches],
            "packaged": served.packaged,
            "cuda": served.cuda and served.cuda.text,
            "cudnn": served.cudnn and served.cudnn.text,
            "frameworks": {name: build.text for name, build in served.frameworks.items()},
            "without_a_build": served.lost,
            "source": card.source,
        },
        "similar": [{"id": row.id, "name": row.name} for row in others],
    }
