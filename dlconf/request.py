"""What a user asks of hosts, whichever command it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlconf.runner import Passwords


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        inventory, inventories: a source, checked, and further ones.
        limit: pattern of hosts; None for all.
        roles: roles to look at; none for all.
        with_dependents: with them the roles that go with their versions.
        pins: component -> version, above those of the inventory.
        upgrade: move on to the newest versions.
        want, unwant: frameworks to add to those of the inventory or the host's record, and to take off them.
        ignore_gpus: PCI slots or ids to leave out; None leaves it to the inventory.
        reboot: restart hosts that need it.
        workers: machines that run Ansible for slices of the inventory, as ssh knows them; none for this one.
    """

    inventory: str
    limit: str | None = None
    roles: tuple[str, ...] = ()
    with_dependents: bool = False
    pins: Mapping[str, str] = field(default_factory=dict)
    upgrade: bool = False
    want: tuple[str, ...] = ()
    unwant: tuple[str, ...] = ()
    ignore_gpus: tuple[str, ...] = ()
    forks: int | None = None
    passwords: Passwords = field(default_factory=Passwords)
    check: bool = False
    diff: bool = False
    reboot: bool = False
    workers: tuple[str, ...] = ()
    inventories: tuple[str, ...] = ()

    @property
    def sources(self) -> str:
        """All inventories, for people."""
        return ", ".join((self.inventory, *self.inventories))

    def extra_vars(self) -> dict[str, Any]:
        """Return the wishes as extra variables; one that was not given is left to the inventory."""
        given: dict[str, Any] = {
            "dlconf_roles": list(self.roles),
            "dlconf_with_dependents": self.with_dependents,
            "dlconf_set": dict(self.pins),
            "dlconf_upgrade": self.upgrade,
            "dlconf_want": list(self.want),
            "dlconf_unwant": list(self.unwant),
            "dlconf_ignore_gpus": list(self.ignore_gpus),
        }
        return {name: value for name, value in given.items() if value}
