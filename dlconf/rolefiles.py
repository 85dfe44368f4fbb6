"""The roles' files, found and read as Ansible does it, and what of an inventory their contracts read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.parsing.dataloader import DataLoader

from dlconf import content
from dlconf.errors import DlconfError
from dlconf.rolevars import RoleVariables, contract_name, watch_name, words

BEYOND = frozenset(
    {
        "lookup",
        "query",
        "now",
        "hostvars",
        "group_names",
        "inventory_hostname",
        "inventory_hostname_short",
        "inventory_dir",
        "inventory_file",
        "playbook_dir",
        "role_path",
    }
)
"""Words of templates that read more than what inventory and host say of the host."""


def folder(role: str, playbook_dir: str) -> Path:
    """Return a role's folder, looked up as Ansible does it.

    Raises:
        DlconfError: there is no such role.
    """
    for base in (Path(playbook_dir) / "roles", *map(Path, constants.DEFAULT_ROLES_PATH)):
        if (base / role).is_dir():
            return base / role
    raise DlconfError(f"there is no role {role}", hint="look at roles_path in ansible.cfg")


@functools.cache
def read(path: Path) -> dict[str, Any]:
    """Return what a role's YAML file holds, templates as written; empty where there is no such file."""
    if not path.exists():
        return {}
    loader = DataLoader()
    return loader.load_from_file(str(path), unsafe=True, trusted_as_template=True) or {}


def options(of_role: Path) -> dict[str, Any]:
    """Return the options of a role's argument specs."""
    specs = read(of_role / "meta" / "argument_specs.yml")
    found: dict[str, Any] = specs["argument_specs"]["main"].get("options", {})
    return found


def reads(folders: Mapping[str, Path]) -> dict[str, Any]:
    """Return what of an inventory counts for roles, by the words of their files, as JSON data.

    `settings` are those defaults that a contract or a watch reads, `words` all words that rendering them comes across;
    `options` are the roles' options, by role, and `live` the roles whose contract reads more than that. Secret options
    are in none of these: no contract reads them.

    Args:
        folders: the roles', by their names.
    """
    of_roles = RoleVariables.of(folders.values(), read)
    stack = read(content.playbook("vars") / "stack.yml")
    known = {**of_roles.defaults, **stack, **of_roles.internal}
    open_options, secret = {}, set()
    for role, path in folders.items():
        hidden = {name for name, option in options(path).items() if option.get("no_log", False)}
        open_options[role] = [name for name in options(path) if name not in hidden]
        secret |= hidden
    read_by = {role: words(known, [contract_name(role), watch_name(role)]) for role in folders}
    return {
        "settings": sorted(of_roles.settings(folders)),
        "words": sorted(frozenset().union(*read_by.values()) - secret),
        "options": open_options,
        "live": [role for role in folders if read_by[role] & BEYOND],
    }


def read_before_the_first_fork() -> None:
    """Read the resolver, the catalogue, and variables and argument specs of the roles that most hosts have."""
    from dlconf import catalogue, resolve  # noqa: F401, PLC0415 - 0.06 s, only where nothing is remembered

    roles = [role for role in content.ROLES if role not in content.EXTRA_ROLES]
    with suppress(DlconfError):  # the task meets it again, and says so
        bundled = catalogue.load()
        for section in bundled.sections():
            bundled.rows(section)
        folders = [folder(role, ".") for role in (*content.ALWAYS_ROLES, *roles)]
        RoleVariables.of(folders, read)
        for path in folders:
            options(path)
