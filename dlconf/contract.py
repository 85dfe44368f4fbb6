"""What a role owns on a host, and how the host differs from it. Pure: facts in, differences out.

A contract is a list of resources, each a mapping with a `kind` and the fields of that kind; the table KINDS at the end
is the whole vocabulary. A role states its contract once, in `roles/ROLE/vars/main.yml`, and its tasks are fed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dlconf import resources, resources_apt
from dlconf.errors import DlconfError
from dlconf.facts import Facts
from dlconf.resources import Check, Difference, Resource

__all__ = ["KINDS", "PENDING_KINDS", "Difference", "Resource", "differences"]

KINDS: Mapping[str, Check] = {
    "file": resources.file,
    "keyring": resources.keyring,
    "directory": resources.directory,
    "link": resources.link,
    "absent": resources.absent,
    "package": resources.package,
    "hold": resources.hold,
    "hold_source": resources.hold_source,
    "unattended_upgrades": resources_apt.unattended_upgrades,
    "origin": resources_apt.origin,
    "dkms": resources.dkms,
    "python_env": resources.python_env,
    "conda_package": resources.conda_package,
    "service": resources.service,
    "user": resources.user,
    "group": resources.group,
    "json": resources.json_values,
    "lines": resources.lines,
    "dpkg": resources.dpkg_database,
    "kernel_module": resources.kernel_module,
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
