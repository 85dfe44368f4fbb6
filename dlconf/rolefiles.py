"""The roles' files, found and read as Ansible does it, and what of an inventory their contracts read."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.parsing.dataloader import DataLoader

from dlconf import content
from dlconf.errors import DlconfError
from dlconf.rolevars import RoleVariables, contract_name, reached, texts, watch_name, words

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
        # Ansible's other names for what it knows of the run and of other hosts.
        *("play_hosts", "ansible_play_hosts"),
        *("ansible_play_hosts_all", "ansible_play_batch", "ansible_play_name", "ansible_role_name"),
        *("ansible_search_path", "ansible_config_file", "ansible_playbook_python", "ansible_forks"),
        *("ansible_check_mode", "ansible_diff_mode", "ansible_run_tags", "ansible_skip_tags"),
        *("ansible_date_time", "strftime"),
        # What is another answer each time.
        *("random", "random_mac", "shuffle", "password_hash", "vault", "lipsum", "bcrypt"),
        # Filters that ask the controller's files and environment.
        *("fileglob", "realpath", "expanduser", "expandvars", "relpath", "unvault"),
    }
)
"""Words of templates that read more than what inventory and host say of the host, or do not give the same twice."""

_FILE_TESTS = (
    r"(?:ansible\.builtin\.)?"
    r"(?:(?:is_)?(?:abs|dir|directory|exists|file|link|mount|same_file)|link_exists)"
)
_BEYOND_HERE = re.compile(
    r"\b(?:groups|vars)\s*[\[.(]|\bq\s*\("
    rf"|\bis\s+(?:not\s+)?{_FILE_TESTS}\b"
    rf"|\b(?:select|reject)\(\s*['\"]{_FILE_TESTS}['\"]"
    rf"|\b(?:select|reject)attr\(\s*['\"][^'\"]*['\"]\s*,\s*['\"]{_FILE_TESTS}['\"]"
)
"""The same where a word alone is too common: Ansible's `groups`, `vars` and `q`, its tests of files."""


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
    specs = read(of_role / "meta" / "argument_specs.yml").get("argument_specs", {})
    found: dict[str, Any] = specs.get("main", {}).get("options", {})
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
    starts = {role: [contract_name(role), watch_name(role)] for role in folders}
    read_by = {role: words(known, starts[role]) for role in folders}
    return {
        "settings": sorted(of_roles.settings(folders)),
        "words": sorted(frozenset().union(*read_by.values()) - secret),
        "options": open_options,
        "live": [role for role in folders if _is_live(known, starts[role], read_by[role])],
    }


def _is_live(known: Mapping[str, Any], starts: list[str], read_by: frozenset[str]) -> bool:
    """Say whether rendering variables gives another answer where inventory and host are the same."""
    return bool(read_by & BEYOND) or any(
        _BEYOND_HERE.search(text) for name in reached(known, starts) for text in texts(known[name])
    )


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
