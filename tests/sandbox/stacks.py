"""The stack of a described host, and what the roles write and ask apt for: as `dlconf plan --facts` renders them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from dlconf import catalogue
from dlconf.errors import DlconfError
from dlconf.offline import Planner
from dlconf.resolve import as_planned, resolve
from dlconf.rolevars import ansible_names, contract_name
from dlconf.stack import Machine
from dlconf.wishes import Wishes
from tests.sandbox.systems import System

OF_RUN = {
    "ansible_check_mode": False,
    "inventory_hostname": "sandbox",
    "groups": {},
}
ROLES = ("nvidia_driver", "cuda", "cudnn")
"""The roles whose packages the sandbox asks apt for, in the order in which they are applied."""


@dataclass(frozen=True)
class Stack:
    """The chosen stack of one host: the resolution, what each role owns, and the variables that the roles see."""

    resolution: Mapping[str, Any]
    contracts: Mapping[str, Sequence[Mapping[str, Any]]]
    variables: Mapping[str, Any]

    def of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the contracts' resources of a kind."""
        return [r for contract in self.contracts.values() for r in contract if r["kind"] == kind]


@dataclass(frozen=True)
class Choice:
    """What the user asks of a stack; whatever is left out is the resolver's choice.

    Attributes:
        pins: component and version of each `--set`.
    """

    source: str | None = None
    flavour: str | None = None
    pins: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        words = [self.source, self.flavour, *(f"{name}={version}" for name, version in self.pins)]
        return " ".join(word for word in words if word) or "default"


def resolution_of(system: System, card: str, source: str | None) -> Mapping[str, Any] | None:
    """Resolve for a described host; None where nothing fits.

    Args:
        card: name of the GPU. source: where the driver comes from; None leaves it to the catalogue.
    """
    return resolution_with(system, card, Choice(source))


@cache
def resolution_with(
    system: System, card: str, choice: Choice, before: Choice | None = None
) -> Mapping[str, Any] | None:
    """Resolve for a described host; None where nothing fits.

    Args:
        card: name of the GPU. before: the choice whose stack is recorded on the host; None for a host without a record.
    """
    machine = Machine.described(gpus=[card], os=system.os, catalogue=_catalogue())
    if before is not None:
        recorded = resolution_with(system, card, before)
        if recorded is None:
            return None
        machine = replace(machine, record=json.loads(recorded["record_text"]))
    wishes = Wishes(
        driver_source=choice.source, driver_flavour=choice.flavour, pins=dict(choice.pins)
    )
    try:
        return as_planned(resolve(machine, wishes, _catalogue()))
    except DlconfError:
        return None


def stack_of(system: System, card: str, source: str | None) -> Stack:
    """Return the stack of a described host that has one, with its roles' contracts rendered."""
    return stack_with(system, card, Choice(source))


@cache
def stack_with(system: System, card: str, choice: Choice, before: Choice | None = None) -> Stack:
    """Return the stack that `resolution_with` finds, with its roles' contracts rendered."""
    resolution = resolution_with(system, card, choice, before)
    assert resolution is not None
    given: dict[str, Any] = {"dlconf_nvswitches": []} | (
        {"nvidia_driver_source": choice.source} if choice.source else {}
    )
    available = planner().available(given, resolution, ansible_names(_facts(system)))
    # Rendered once: it is in nearly every expression of the tasks.
    names = [contract_name(role) for role in ROLES]
    contracts = {name: planner().render(available, name) for name in names}
    return Stack(resolution, contracts, {**available, **contracts, **OF_RUN})


def _facts(system: System) -> dict[str, Any]:
    ident, version = system.os.split("-")
    names = {"id": ident, "version": version, "codename": system.codename, "name": system.os}
    return {
        "os": names,
        "architecture": "x86_64",
        "kernel": system.archive.kernels[0],
        "pci": [],
    }


@cache
def _catalogue() -> catalogue.Catalogue:
    return catalogue.load()


@cache
def planner() -> Planner:
    return Planner()
