"""GPUs from a driver's supported-gpus.json and from the README of the open kernel modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlconf.catalogue import model
from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.gpusearch import plain_name
from dlconf.catalogue.problem import CatalogueError
from dlconf.catalogue.update.files import SourceFile
from dlconf.catalogue.update.stated import Stated

COMMUNITY = "pci.ids"
"""In the source of a row that the community's list of PCI ids has, and no list of NVIDIA's had."""
OLDEST_BRANCH = 340
"""Cards of older legacy branches have no CUDA, and no row."""
_ID = re.compile(r"0x([0-9a-f]{4})", re.I)
_VERSION = re.compile(r"(?<![\d.])(\d{3}\.\d{2,3}(?:\.\d{2})?)(?![\d.])")
_README_VERSION = re.compile(r"^version (\d{3}\.\d{2,3}(?:\.\d{2})?)\.", re.M)
_README_ROW = re.compile(
    r"^\|\s*(\S.*?)\s*\|\s*([0-9a-f]{4})(?: ([0-9a-f]{4}) ([0-9a-f]{4}))?\s*\|\s*$", re.M | re.I
)
_CLASSES = (
    (re.compile(r"GeForce|TITAN"), "geforce"),
    (re.compile(r"CMP "), "cmp"),
    (re.compile(r"Quadro|RTX|NVS|T\d"), "workstation"),
    (re.compile(r"Tesla|GRID|[ABHLPV]\d|G[BHR]\d"), "datacenter"),
)
"""How NVIDIA's product names begin -> what they are."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """One line of a list.

    Attributes:
        device: id; subsystem: "vvvv:ssss", empty for the device itself.
        legacy: the legacy branch it is left to; empty for none.
        modules: what its `kernel_modules` can be by this list; empty where that is not said.
    """

    device: str
    subsystem: str
    name: str
    legacy: str = ""
    modules: frozenset[str] = frozenset()


def from_supported_gpus(
    file: SourceFile, data: Mapping[str, Any], catalogue: Catalogue, today: str
) -> Iterator[Stated]:
    """State the ids of a driver's supported-gpus.json; the driver's version is in its path."""
    chips = data["chips"]
    if not isinstance(chips, list) or not chips:
        raise CatalogueError(f"{file.place}: chips: expected a list of GPUs, found {chips!r:.60}")
    flags = {flag for chip in chips if isinstance(chip, dict) for flag in _features(chip)}
    listed = [_chip(file, number, chip, flags) for number, chip in enumerate(chips, 1)]
    versions = _VERSION.findall(file.place)
    of = f"driver {versions[-1]}" if versions else "an unnamed driver"
    return _statements(
        [item for item in listed if not item.legacy or int(item.legacy) >= OLDEST_BRANCH],
        catalogue,
        f"supported-gpus.json of {of}, read {today}",
        versions[-1] if versions else None,
    )


def _chip(file: SourceFile, number: int, chip: Any, flags: set[str]) -> _Listed:
    """Read one entry; `flags` are the features that any entry of the file has."""
    where = f"{file.place}: chips entry {number}"
    if not isinstance(chip, dict):
        raise CatalogueError(f"{where}: expected a GPU, found {chip!r:.60}")
    numbers = {}
    for field in ("devid", "subvendorid", "subdevid"):
        value = chip.get(field, "")
        match = _ID.fullmatch(value) if isinstance(value, str) else None
        if match is None and (value or field == "devid"):
            raise CatalogueError(f'{where}: {field}: expected an id as "0x2204", found {value!r}')
        numbers[field] = match[1].lower() if match else ""
    name, legacy = chip.get("name"), str(chip.get("legacybranch", "")).partition(".")[0]
    if not isinstance(name, str) or not name.strip():
        raise CatalogueError(f"{where}: name: expected a name, found {name!r}")
    if legacy and not legacy.isdigit():
        raise CatalogueError(f"{where}: legacybranch: expected a branch, found {legacy!r}")
    subsystem = f"{numbers['subvendorid']}:{numbers['subdevid']}" if numbers["subdevid"] else ""
    modules = frozenset[str]() if legacy else _modules(_features(chip), flags)
    return _Listed(numbers["devid"], subsystem, name.strip(), legacy, modules)


def _features(chip: Mapping[str, Any]) -> set[str]:
    features = chip.get("features")
    return set(map(str, features)) if isinstance(features, list) else set()


def _modules(features: set[str], flags: set[str]) -> frozenset[str]:
    """What the feature flags say; a file from before a flag says less by not having it."""
    if "kernelopen" not in flags:
        return frozenset()
    if "kernelopen" not in features:
        return frozenset({"proprietary"})
    if "gsp_proprietary_supported" in features:
        return frozenset({"both"})
    return frozenset({"open"} if "gsp_proprietary_supported" in flags else {"open", "both"})


def from_readme(file: SourceFile, catalogue: Catalogue, today: str) -> Iterator[Stated]:
    """State the ids of the table in the README of the open kernel modules."""
    version = _README_VERSION.search(file.text)
    if version is None:
        raise CatalogueError(
            f"{file.place}: has a table of PCI ids, but does not say its version",
            hint="expected the README.md of github.com/NVIDIA/open-gpu-kernel-modules",
        )
    listed = [
        _Listed(
            device.lower(),
            f"{vendor}:{subsystem}".lower() if vendor else "",
            name,
            modules=frozenset({"open", "both"}),
        )
        for name, device, vendor, subsystem in _README_ROW.findall(file.text)
    ]
    if not listed:
        raise CatalogueError(f"{file.place}: its table of PCI ids has no rows")
    source = f"README.md of open-gpu-kernel-modules {version[1]}, read {today}"
    return _statements(listed, catalogue, source, version[1])


def _statements(
    listed: Sequence[_Listed], catalogue: Catalogue, source: str, version: str | None
) -> Iterator[Stated]:
    devices: dict[str, list[_Listed]] = {}
    for item in listed:
        devices.setdefault(item.device, []).append(item)
    for device, lines in sorted(devices.items()):
        row = catalogue.gpu(device)
        modules = next((item.modules for item in lines if item.modules), frozenset[str]())
        facts, adds = _facts(lines, row)
        if row is None:
            made, why = _complete(lines[0], modules, catalogue, version)
            yield Stated("gpus", (device,), facts, source, adds, made, why)
        elif modules and row.kernel_modules not in modules:
            why = (
                f"the list says {' or '.join(sorted(modules))} kernel modules, the row says"
                f" {row.kernel_modules}: look at it, and change the row by hand"
            )
            yield Stated("gpus", (device,), {}, source, why=why)
        else:
            yield Stated("gpus", (device,), facts, source, adds)


def _facts(
    lines: Sequence[_Listed], row: model.Gpu | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """State the name and the legacy branch of one id; further names, and subsystems with their own.

    A verified row keeps its name. One that only pci.ids had, which names chips but is no list of
    NVIDIA's, is verified by this one.
    """
    base = next((item for item in lines if not item.subsystem), lines[0]).name
    keeps_name = row is not None and row.verified
    name = row.name if row and keeps_name else base
    facts: dict[str, Any] = {"name": name}
    if row and COMMUNITY in row.source and not row.verified:
        facts["verified"] = True
    legacy = next((item.legacy for item in lines if item.legacy), "")
    if legacy:
        facts["last_branch"] = legacy
    known = {plain_name(other) for other in (name, *(row.other_names if row else ()))}
    former = [row.name] if row and row.name != row.chip else []
    others = {plain_name(item): item for item in [*former, *(item.name for item in lines)]}
    own = {item.subsystem: item.name for item in lines if item.subsystem and item.name != base}
    return facts, {
        "other_names": [other for plain, other in others.items() if plain not in known],
        "subsystems": own,
    }


def _complete(
    item: _Listed, modules: frozenset[str], catalogue: Catalogue, version: str | None
) -> tuple[dict[str, Any] | None, str]:
    """Tell the chip of a new id from the ids around it, and all that follows from the chip."""
    beside = catalogue.gpu_beside(item.device)
    if beside is None:
        return None, "the ids on both sides of it are not of one chip: add a row by hand"
    if modules and beside.kernel_modules not in modules:
        return None, (
            f"it would be a {beside.chip} by the ids around it, which uses"
            f" {beside.kernel_modules} kernel modules; the list says otherwise"
        )
    if item.legacy != (beside.last_branch or "") and item.legacy:
        return (
            None,
            f"it would be a {beside.chip} by the ids around it, and its last branch differs",
        )
    why = f"chip, and what follows from it, as of the ids on both sides: {beside.chip}"
    made = {
        "chip": beside.chip,
        "architecture": beside.architecture,
        "compute_capability": beside.compute_capability,
        "gpu_class": _class(item.name),
        "kernel_modules": beside.kernel_modules,
        "notes": why,
        "verified": False,
    }
    if beside.last_branch:
        made["last_branch"] = beside.last_branch
    if version and beside.kernel_modules == "open":
        made["min_driver"] = version
    return made, why


def _class(name: str) -> str:
    plain = name.removeprefix("NVIDIA ")
    return next((word for begin, word in _CLASSES if begin.match(plain)), "other")
