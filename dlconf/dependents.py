"""Whether roles can be applied alone: the host has what they install, and no other is left broken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dlconf.contract import Resource
from dlconf.errors import UsageError

OF_STACK = frozenset({"package", "package_like", "python_env", "conda_package"})
"""Kinds of resource whose versions go with the stack; files, holds and services follow the packages."""


OF_CHANGE = ("dlconf_set", "dlconf_upgrade", "dlconf_want", "dlconf_unwant")
"""Variables by which a command line changes versions."""
VARIABLES = ("dlconf_roles", "dlconf_planned", *OF_CHANGE)
"""What decides whether other roles are looked at."""


COMPONENTS = {"nvidia_driver": "driver", "cuda": "cuda", "cudnn": "cudnn"}
"""Role -> the part of a stack that it installs, which a host may not have."""


def check_there(named: object, resolution: Mapping[str, Any]) -> None:
    """Refuse a role that the user named and that has nothing to install on the host.

    Args:
        named: `dlconf_roles`. resolution: the host's, as planned.

    Raises:
        UsageError: naming the role and the component.
    """
    for role in named if isinstance(named, list) else ():
        component = COMPONENTS.get(role)
        if component and resolution["stack"][component] is None:
            why = "its stack has none" if resolution["gpus"] else "it has no NVIDIA GPU that counts"
            raise UsageError(
                f"role {role} has nothing to do on this host: {why}",
                hint=f"leave the host out with --limit, or see why: dlconf explain INVENTORY HOST {component}",
            )


def beside(
    chosen: Sequence[str], host_roles: Iterable[str], variables: Mapping[str, Any]
) -> list[str]:
    """Return the host's other roles that are to be looked at too, in order: where a run changes versions of some.

    Args:
        chosen: the roles of the run. host_roles: all that the host is to have.
        variables: those of VARIABLES, as the run has them.
    """
    changes = any(variables.get(name) for name in OF_CHANGE)
    if not (variables.get("dlconf_roles") and changes) or variables.get("dlconf_planned"):
        return []  # every role is looked at, no version changes, or the plan was looked at before
    return [role for role in host_roles if role not in chosen]


def check(
    before: Mapping[str, Sequence[Resource]],
    after: Mapping[str, Sequence[Resource]],
    chosen: Sequence[str],
    others: Iterable[str],
) -> None:
    """Refuse to change some roles where others would then have packages of another stack.

    Args:
        before: the contracts with the stack that the host has recorded. after: with the new one.
        chosen: roles that the user named.
        others: roles of the host that are not applied.

    Raises:
        UsageError: naming each other role, what of it would no longer fit, and the command that takes it along.
    """
    broken = {role: change for role in others if (change := _change(before[role], after[role]))}
    if not broken:
        return
    named = ", ".join(f"{role} ({change})" for role, change in broken.items())
    roles = " ".join(f"--role {role}" for role in (*chosen, *broken))
    raise UsageError(
        f"{' and '.join(chosen)} alone would leave other roles on the old stack, so nothing is changed: {named}",
        hint=f"change them together: {roles}, or --with-dependents",
    )


def _change(before: Sequence[Resource], after: Sequence[Resource]) -> str:
    """Return the first package that goes and the first that comes, "" where the packages stay."""
    old, new = _packages(before), _packages(after)
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    return f"{(gone or ['none'])[0]} -> {(come or ['none'])[0]}" if gone or come else ""


def _packages(contract: Iterable[Resource]) -> list[str]:
    return [
        text for resource in contract if resource["kind"] in OF_STACK for text in _named(resource)
    ]


def _named(resource: Resource) -> Iterator[str]:
    """Yield the packages of a resource, each with the version that it is to have."""
    if resource["kind"] == "python_env":
        yield f"{resource['path']}: Python {resource['python']}"
        for name, version in resource["packages"].items():
            yield f"{resource['path']}: {name} {version}"
    else:
        version = resource.get("version") or resource.get("min_version") or ""
        yield f"{resource['name']} {version}".strip()
