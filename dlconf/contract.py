"""What a role owns on a host, and how the host differs from it. Pure: facts in, differences out.

A contract is a list of resources, each a mapping with a `kind` and the fields of that kind; the table KINDS at the end
is the whole vocabulary. A role states its contract once, in `roles/ROLE/vars/main.yml`, and its tasks are fed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dlconf.errors import DlconfError
from dlconf.facts import Facts
from dlconf.resources import Check, Difference, Resource, apt, packages, paths, python, system

__all__ = ["KINDS", "PENDING_KINDS", "Difference", "Resource", "differences"]

KINDS: Mapping[str, Check] = {
    "file": paths.file,
    "keyring": paths.keyring,
    "directory": paths.directory,
    "link": paths.link,
    "absent": paths.absent,
    "copies": paths.copies,
    "package": packages.package,
    "package_like": packages.package_like,
    "hold": packages.hold,
    "hold_source": packages.hold_source,
    "unattended_upgrades": apt.unattended_upgrades,
    "origin": apt.origin,
    "source": apt.source,
    "sources": apt.sources,
    "dkms": packages.dkms,
    "python_env": python.python_env,
    "conda_package": python.conda_package,
    "service": system.service,
    "user": system.user,
    "group": system.group,
    "json": paths.json_values,
    "lines": paths.lines,
    "dpkg": packages.dpkg_database,
    "kernel_module": system.kernel_module,
}
PENDING_KINDS = frozenset({"kernel_module"})


def differences(contract: Iterable[Resource], facts: Facts) -> list[Difference]:
    """Return how a host differs from a contract, in the contract's order.

    Raises:
        DlconfError: a resource has an unknown kind or lacks a field; the role is at fault.
    """
    found: list[Difference] = []
    for resource in contract:
        check = KINDS.get(resource.get("kind", ""))
        if check is None:
            raise DlconfError(
                f"contract resource of unknown kind: {dict(resource)!r}",
                hint=f"kinds are {', '.join(KINDS)}",
            )
        try:
            found.extend(check(resource, facts))
        except KeyError as error:
            raise DlconfError(f"contract resource lacks {error}: {dict(resource)!r}") from error
    return found
