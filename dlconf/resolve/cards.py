"""From a PCI id to what the stack must do for that card."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dlconf.catalogue import Catalogue, model
from dlconf.gpunames import is_vgpu_name
from dlconf.stack import Machine, PciGpu, ReportedGpu
from dlconf.wishes import NONE


@dataclass(frozen=True, eq=False, slots=True)
class Card:
    """What one kind of GPU in the machine asks of a stack.

    Attributes:
        slots: where cards of this kind sit; device: their PCI id.
        capabilities: compute capabilities it can have: one for a known card, every one of its
            id range for an unknown one, so that the stack serves whichever it is.
        first_branch, last_branch: driver branches that drive it; last None = still the newest.
        min_driver: lowest driver version that lists the very card; None = first_branch decides.
        flavours: kernel-module flavours that can drive it.
        known: it has a row of its own. note: how an unknown one was judged.
        verified: the row was read in a list of NVIDIA's.
        host_architecture: of the only machines that have such a card; None = of any.
        is_vgpu: it is a hypervisor's share of a card.
        is_small: of the chips whose cards are there for a screen.
        shows_nothing: no screen hangs on any of them, as their host shows; on a machine that is
            only described nothing does.
    """

    slots: tuple[str, ...]
    device: str
    name: str
    architecture: str
    capabilities: tuple[str, ...]
    memory_mib: int | None
    first_branch: int
    last_branch: int | None
    min_driver: str | None
    flavours: frozenset[str]
    supported: bool
    known: bool
    source: str
    note: str = ""
    verified: bool = True
    host_architecture: str | None = None
    is_vgpu: bool = False
    is_small: bool = False
    shows_nothing: bool = False

    @property
    def label(self) -> str:
        """The card's name and where it sits, for people."""
        slots = (
            self.slots[0] if len(self.slots) == 1 else f"{len(self.slots)} x, {self.slots[0]} ..."
        )
        return f"{self.name} ({slots})"

    @property
    def codes(self) -> tuple[int, ...]:
        """Compute capabilities as sm codes: 8.6 is 86."""
        return tuple(sm_code(capability) for capability in self.capabilities)


def sm_code(capability: str) -> int:
    """Write a compute capability as its code: "8.6" is 86, "12.0" is 120."""
    major, _, minor = capability.partition(".")
    return int(major) * 10 + int(minor or 0)


def cards_of(machine: Machine, catalogue: Catalogue, ignored: tuple[str, ...]) -> list[Card]:
    """Judge the GPUs of a machine, one card for all of one device id, in slot order."""
    groups: dict[tuple[str, str], list[PciGpu]] = {}
    for gpu in machine.gpus:
        if not _is_ignored(gpu, ignored):
            groups.setdefault((gpu.device, gpu.subsystem), []).append(gpu)
    return [
        replace(
            _card(group, machine, catalogue),
            shows_nothing=all(gpu.shows_nothing or not machine.is_host for gpu in group),
        )
        for group in groups.values()
    ]


def reported(cards: list[Card]) -> tuple[ReportedGpu, ...]:
    """List every GPU for the resolution, in slot order."""
    gpus = [
        ReportedGpu(
            slot,
            card.device,
            card.name,
            card.architecture,
            card.capabilities[0] if len(card.capabilities) == 1 else "",
            card.memory_mib,
            card.known,
        )
        for card in cards
        for slot in card.slots
    ]
    return tuple(sorted(gpus, key=lambda gpu: gpu.slot))


def unmatched(machine: Machine, ignored: tuple[str, ...]) -> list[str]:
    """Return the words of `ignore_gpus` that are no GPU of the machine."""
    return [
        word
        for word in ignored
        if word.strip().lower() != NONE
        and not any(_is_ignored(gpu, (word,)) for gpu in machine.gpus)
    ]


def _is_ignored(gpu: PciGpu, ignored: tuple[str, ...]) -> bool:
    names = {
        gpu.slot.lower(),
        gpu.slot.lower().removeprefix("0000:"),
        gpu.device,
        f"10de:{gpu.device}",
        f"0x{gpu.device}",
    }
    return any(word.strip().lower() in names for word in ignored)


def _card(group: list[PciGpu], machine: Machine, catalogue: Catalogue) -> Card:
    gpu = group[0]
    slots = tuple(item.slot for item in group)
    row = catalogue.gpu(gpu.device)
    told = machine.driver_names.get(gpu.slot, "")
    share = catalogue.vgpu(gpu.device, gpu.subsystem)
    if share is not None or is_vgpu_name(told):
        known = row or catalogue.gpu_beside(gpu.device)
        card = (
            _from_row(known, slots, catalogue, name=told)
            if known
            else _by_band(gpu.device, told, slots, catalogue)
        )
        name, source = (
            (share[0], share[1].source) if share else (told, "the name that its driver gives")
        )
        return replace(card, name=name, source=source, is_vgpu=True)
    if row is not None:
        return _from_row(row, slots, catalogue, name=row.subsystems.get(gpu.subsystem, row.name))
    row = _by_driver_name(told, catalogue)
    if row is not None:
        note = f"judged by its name, {told!r}, which the loaded driver gives"
        return _from_row(row, slots, catalogue, name=told, device=gpu.device, note=note)
    row = catalogue.gpu_beside(gpu.device)
    if row is not None:
        note = f"taken for a {row.chip} ({row.architecture}), as the ids on both sides of it are"
        return _from_row(
            row, slots, catalogue, name=told or f"NVIDIA {gpu.device}", device=gpu.device, note=note
        )
    return _by_band(gpu.device, told, slots, catalogue)


def _from_row(
    row: model.Gpu,
    slots: tuple[str, ...],
    catalogue: Catalogue,
    *,
    name: str,
    device: str = "",
    note: str = "",
) -> Card:
    generation = catalogue.architectures[row.architecture]
    capability = row.compute_capability or ""
    last = row.last_branch or generation.last_driver_branch
    first = generation.first_driver_branch.get(capability, "0")
    return Card(
        slots,
        device or row.id,
        name,
        row.architecture,
        (capability,) if capability else (),
        row.memory_mib[0] if len(row.memory_mib) == 1 else None,
        int(first),
        int(last) if last else None,
        row.min_driver if not note else None,
        flavours_of(row.kernel_modules),
        generation.supported and bool(capability),
        not note,
        row.source if row.source else generation.source,
        note,
        row.verified,
        row.host_architecture,
        is_small=row.gpu_class in ("geforce", "workstation")
        and (row.chip or "")
        in catalogue.rules["small-chips"].values.get(row.architecture, "").split(),
    )


def flavours_of(kernel_modules: str) -> frozenset[str]:
    """Read a row's word for the kernel modules a card can use."""
    return frozenset(("open", "proprietary") if kernel_modules == "both" else (kernel_modules,))


def _by_driver_name(name: str, catalogue: Catalogue) -> model.Gpu | None:
    if not name:
        return None
    rows = [
        row
        for row in catalogue.gpus.values()
        if name.lower() in (item.lower() for item in (row.name, *row.other_names))
    ]
    kinds = {(row.architecture, row.compute_capability) for row in rows}
    return rows[0] if len(kinds) == 1 else None


def _by_band(device: str, told: str, slots: tuple[str, ...], catalogue: Catalogue) -> Card:
    """The safe rule: serve every generation that an id of this range can belong to.

    Open modules drive Turing and newer, and only proprietary ones what is older, so the flavour
    is the one that all generations of the range share; the same holds for the branch.
    """
    band = catalogue.device_id_band(device) or catalogue.device_id_band("ffff")
    generations = _generations(band, catalogue)
    capabilities = tuple(
        sorted(
            {
                capability
                for generation in generations
                for capability in generation.compute_capabilities
                if capability in _card_capabilities(catalogue)
            },
            key=sm_code,
        )
    )
    last = [int(item.last_driver_branch) for item in generations if item.last_driver_branch]
    names = " to ".join(dict.fromkeys((generations[0].name, generations[-1].name)))
    return Card(
        slots,
        device,
        told or f"NVIDIA {device}",
        "unknown",
        capabilities,
        None,
        max(
            int(item.first_driver_branch.get(capability, "0"))
            for item in generations
            for capability in capabilities
        ),
        min(last) if last else None,
        None,
        frozenset.intersection(*(flavours_of(item.kernel_modules) for item in generations)),
        supported=True,
        known=False,
        source=band.source if band else "",
        note=f"ids like it are of {names}, so the stack serves whatever of that it is",
    )


def _generations(band: model.DeviceIdBand | None, catalogue: Catalogue) -> list[model.Architecture]:
    known = [row for row in catalogue.architectures.values() if row.supported and row.verified]
    if band is None:
        return known[-1:]
    names = list(catalogue.architectures)
    newer = [row for row in known if names.index(row.name) >= names.index(band.architecture_from)]
    if band.last_driver_branch is None:
        bands = [
            row
            for row in catalogue.rows("device_id_bands")
            if isinstance(row, model.DeviceIdBand) and row.first > band.last
        ]
        end = names.index(bands[0].architecture_from) if bands else len(names)
        return [row for row in newer if names.index(row.name) < end]
    cap = int(band.last_driver_branch)
    return [
        row for row in newer if row.last_driver_branch and int(row.last_driver_branch) <= cap
    ] or newer[:1]


def _card_capabilities(catalogue: Catalogue) -> set[str | None]:
    """Capabilities that plug-in cards have; the rest is soldered to ARM boards."""
    return {
        row.compute_capability
        for row in catalogue.gpus.values()
        if row.gpu_class not in ("embedded", "other")
    }
