"""Where the Ansible content is: roles, playbooks and ansible.cfg, in the wheel or in a checkout."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from dlconf.errors import DlconfError, UsageError, nearest_names
from dlconf.written import WrongValue

ROLES = (
    "base",
    "nvidia_driver",
    "nvidia_services",
    "cuda",
    "cudnn",
    "nccl",
    "anaconda",
    "frameworks",
    "jupyter",
    "docker",
    "nvidia_container_toolkit",
    "data_drive",
)
"""The roles a user can choose with --role, in the order in which they are applied."""

EXTRA_ROLES: frozenset[str] = frozenset(ROLES) - {
    "nvidia_driver",
    "cuda",
    "cudnn",
    "anaconda",
    "frameworks",
}
"""Those of them that a host has only where `dlconf_extras` or --role names them."""

DEPENDENTS: Mapping[str, tuple[str, ...]] = {
    "nvidia_driver": ("nvidia_services", "cuda", "cudnn", "nccl", "frameworks"),
    "cuda": ("cudnn", "nccl", "frameworks"),
    "cudnn": ("frameworks",),
    "anaconda": ("frameworks",),
}
"""Role -> the roles whose packages go with its versions: `--with-dependents` takes those of them that a host has."""

ALWAYS_ROLES = ("preflight", "record")
"""The roles that accompany every choice of roles, before all others."""


def roles_of_host(chosen: object, extras: object, *, with_dependents: bool = False) -> list[str]:
    """Return the roles of one host in the order in which they are applied.

    Args:
        chosen: `dlconf_roles`, from --role; none for all that the host is to have.
        extras: `dlconf_extras`, the inventory's list of roles beside the stack's.
        with_dependents: the roles of the host that go with the chosen ones too.

    Raises:
        UsageError: one of the two is no list, or names a role that there is not.
    """
    named, more = (
        _roles(chosen, "dlconf_roles", ROLES),
        _roles(extras, "dlconf_extras", EXTRA_ROLES),
    )
    of_host = [role for role in ROLES if role not in EXTRA_ROLES or role in more]
    wanted = named or of_host
    if with_dependents:
        along = {other for role in named for other in DEPENDENTS.get(role, ())}
        wanted = [role for role in ROLES if role in wanted or (role in along and role in of_host)]
    return [*ALWAYS_ROLES, *(role for role in ROLES if role in wanted)]


def _roles(value: object, variable: str, known: Collection[str]) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        right = re.findall(r"\w+", value)
        raise WrongValue(
            variable, f"{variable} must be a list of roles, not {value!r}", right=right
        )
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{variable} must be a list of roles, not {value!r}")
    for role in value:
        if role in ROLES and role not in known:
            raise WrongValue(
                variable,
                f"{variable} names {role!r}, which every host has already",
                right=[item for item in value if item in known],
            )
        if role not in known:
            raise UsageError(
                f"{variable} names {role!r}, and there is no such role",
                hint=nearest_names(role, known),
            )
    return value


def root() -> Path:
    """Return the folder that holds `roles/`, `playbooks/` and `ansible.cfg`.

    Raises:
        DlconfError: the content is neither in the package nor beside it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_ansible", package.parent):
        if (folder / "ansible.cfg").is_file() and (folder / "playbooks").is_dir():
            return folder
    raise DlconfError(
        f"the roles and playbooks of dlconf are not in {package}", hint="install dlconf again"
    )


def playbook(name: str) -> Path:
    """Return the path of a playbook, e.g. `site.yml`."""
    return root() / "playbooks" / name
