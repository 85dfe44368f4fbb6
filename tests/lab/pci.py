"""Writes a PCI bus as sysfs shows it, to be mounted over a machine's /sys/bus/pci/devices."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from tests.lab.settings import PciFunction

DISPLAY_CLASS = 0x03
REGISTERS = 0xFB000000  # where the card's 16 MiB of registers are mapped
APERTURE = 0xD0000000  # its 256 MiB window into video memory
RESOURCES = 13  # lines of a `resource` file


def write_tree(root: Path, functions: Iterable[PciFunction]) -> None:
    """Write `root` as the folder /sys/bus/pci/devices with one folder a function.

    Args:
        root: a folder that does not exist yet.
        functions: what is on the bus.
    """
    root.mkdir(parents=True)
    for function in functions:
        _write_function(root, function)


def _write_function(root: Path, function: PciFunction) -> None:
    folder = root / f"0000:{function.slot}"
    folder.mkdir()
    (folder / "config").write_bytes(_config_space(function))
    for name, text in _attributes(function).items():
        (folder / name).write_text(text, encoding="ascii")
    if function.driver:
        # The link must resolve; `lspci` passes over names that begin with a dot.
        (root / ".drivers" / function.driver).mkdir(parents=True, exist_ok=True)
        (folder / "driver").symlink_to(f"../.drivers/{function.driver}")


def _is_display(function: PciFunction) -> bool:
    return function.pci_class >> 8 == DISPLAY_CLASS


def _config_space(function: PciFunction) -> bytes:
    """Return the 256 bytes of configuration space, header type 0 (PCI local bus 3.0, 6.1)."""
    config = bytearray(256)
    struct.pack_into("<HHHH", config, 0x00, function.vendor, function.device, 0x0407, 0x0010)
    multifunction = 0x80 if function.slot.endswith(".0") else 0
    base_class, subclass = divmod(function.pci_class, 0x100)
    struct.pack_into("<8B", config, 0x08, 0xA1, 0, subclass, base_class, 0x10, 0, multifunction, 0)
    if _is_display(function):
        struct.pack_into("<III", config, 0x10, REGISTERS, APERTURE | 0xC, 0)
    subsystem = (function.subsystem_vendor, function.subsystem_device)
    struct.pack_into("<HH", config, 0x2C, *subsystem)
    config[0x3C] = 11  # interrupt line
    return bytes(config)


def _attributes(function: PciFunction) -> dict[str, str]:
    """Return the text files of a function's folder."""
    base_class, subclass = divmod(function.pci_class, 0x100)
    subsystem = (function.subsystem_vendor, function.subsystem_device)
    modalias = (
        f"pci:v{function.vendor:08X}d{function.device:08X}"
        f"sv{subsystem[0]:08X}sd{subsystem[1]:08X}bc{base_class:02X}sc{subclass:02X}i00"
    )
    uevent = [f"DRIVER={function.driver}"] if function.driver else []
    uevent += [
        f"PCI_CLASS={function.pci_class << 8:X}",
        f"PCI_ID={function.vendor:04X}:{function.device:04X}",
        f"PCI_SUBSYS_ID={subsystem[0]:04X}:{subsystem[1]:04X}",
        f"PCI_SLOT_NAME=0000:{function.slot}",
        f"MODALIAS={modalias}",
    ]
    return {
        "vendor": f"0x{function.vendor:04x}\n",
        "device": f"0x{function.device:04x}\n",
        "class": f"0x{function.pci_class << 8:06x}\n",
        "subsystem_vendor": f"0x{subsystem[0]:04x}\n",
        "subsystem_device": f"0x{subsystem[1]:04x}\n",
        "revision": "0xa1\n",
        "irq": "11\n",
        "numa_node": "-1\n",
        "enable": "1\n",
        "modalias": f"{modalias}\n",
        "uevent": "\n".join(uevent) + "\n",
        "resource": _resources(_is_display(function)),
    }


def _resources(display: bool) -> str:
    regions = [(0, 0, 0)] * RESOURCES
    if display:
        regions[0] = (REGISTERS, REGISTERS + 0xFFFFFF, 0x40200)
        regions[1] = (APERTURE, APERTURE + 0xFFFFFFF, 0x14220C)
    return "".join(f"0x{start:016x} 0x{end:016x} 0x{flags:016x}\n" for start, end, flags in regions)
