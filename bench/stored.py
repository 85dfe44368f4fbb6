"""Stored hosts for the benchmark: many hosts of some kinds, each with its own small differences."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlconf.catalogue import load
from dlconf.facts import read
from dlconf.stored import StoredHost, save

FACTS = Path(__file__).resolve().parents[1] / "tests" / "facts"
SYSTEMS = (
    {"id": "ubuntu", "version": "22.04", "codename": "jammy", "name": "Ubuntu 22.04.5 LTS"},
    {"id": "ubuntu", "version": "24.04", "codename": "noble", "name": "Ubuntu 24.04.3 LTS"},
    {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian GNU/Linux 12"},
)
BASES = ("rtx-3090-ubuntu-22.04", "rtx-3090-ubuntu-22.04-installed")
WISHES: tuple[list[str], ...] = (["pytorch"], ["pytorch", "jax"], ["tensorflow"], [])
ARCHITECTURES = ("maxwell", "pascal", "volta", "turing", "ampere", "ada", "hopper", "blackwell")


def make(folder: Path, hosts: int, kinds: int) -> None:
    """Write so many hosts of so many kinds: of GPU, system, what is installed, and wishes."""
    made = list(itertools.islice(_kinds(), kinds))
    for number in range(hosts):
        facts, variables = copy.deepcopy(made[number % kinds])
        facts["hostname"] = f"gpu{number:05}"
        facts["memory_mib"] += number
        facts["free_mib"]["/"] -= number
        save(folder, StoredHost(facts["hostname"], read(facts), variables))


def _kinds() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield kinds of machine that have a stack: no two are alike to the resolver."""
    catalogue = load()
    ids = [
        row.id
        for row in catalogue.gpus.values()
        if row.architecture in ARCHITECTURES and row.gpu_class in ("geforce", "datacenter")
        if row.compute_capability and row.compute_capability >= "5.2" and row.verified
    ]
    bases = [json.loads((FACTS / f"{name}.json").read_text()) for name in BASES]
    for number, device in enumerate(ids):
        facts = copy.deepcopy(bases[number % 2])
        facts["pci"][0]["device"] = device
        facts["os"] = SYSTEMS[number % len(SYSTEMS)]
        facts["glibc"] = None
        yield facts, {"dlconf_frameworks": WISHES[number % len(WISHES)]}
