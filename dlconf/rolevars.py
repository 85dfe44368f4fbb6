"""The variables of roles, and what rendering one of them can read.

A role's contract is rendered by Ansible, within a task or from recorded facts. Both start from the same files, and
both have to know which variables of an inventory count: those that a contract, or the watch, can read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z_]\w*")

Read = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class RoleVariables:
    """What roles define: `defaults` count below every other variable, `internal` above."""

    defaults: Mapping[str, Any]
    internal: Mapping[str, Any]

    @classmethod
    def of(cls, folders: Iterable[Path], read: Read) -> RoleVariables:
        """Read the variables of roles.

        Args:
            folders: of the roles, in their order.
            read: gives a YAML file's mapping with its templates, empty where there is no such file.
        """
        defaults: dict[str, Any] = {}
        internal: dict[str, Any] = {}
        for folder in with_dependencies(folders, read):
            defaults |= read(folder / "defaults" / "main.yml")
            internal |= read(folder / "vars" / "main.yml")
        return cls(defaults, internal)

    def settings(self, roles: Iterable[str]) -> frozenset[str]:
        """Return the defaults that a contract or a watch of these roles can read."""
        known = {**self.defaults, **self.internal}
        starts = [name for role in roles for name in (contract_name(role), watch_name(role))]
        return reached(known, starts) & self.defaults.keys()


def with_dependencies(folders: Iterable[Path], read: Read) -> list[Path]:
    """Return the folders of roles, each after those of its dependencies: their variables count in it."""
    found: dict[Path, None] = {}
    for folder in folders:
        names = read(folder / "meta" / "main.yml").get("dependencies", [])
        found |= dict.fromkeys([*(folder.parent / name for name in names), folder])
    return list(found)


def contract_name(role: str) -> str:
    """Return the variable that holds a role's contract."""
    return f"__{role}_contract"


def watch_name(role: str) -> str:
    """Return the variable that holds what a role may own on a host."""
    return f"__{role}_watch"


def reached(variables: Mapping[str, Any], starts: Iterable[str]) -> frozenset[str]:
    """Return the names among `variables` that rendering `starts` can read, themselves included.

    Every word of a template that is a variable's name counts as read: rather one too many than one too few.
    """
    found: set[str] = set()
    todo = list(starts)
    while todo:
        name = todo.pop()
        if name in variables and name not in found:
            found.add(name)
            for text in texts(variables[name]):
                todo += _NAME.findall(text)
    return frozenset(found)


def words(variables: Mapping[str, Any], starts: Iterable[str]) -> frozenset[str]:
    """Return every word that rendering `starts` can come across: variables, defined here or not, and others."""
    names = reached(variables, starts)
    found = {
        word for name in names for text in texts(variables[name]) for word in _NAME.findall(text)
    }
    return names | found


def read_by_templates(variables: Mapping[str, Any]) -> frozenset[str]:
    """Return the words of the variables' templates: a variable that is among them is another's to read."""
    return frozenset(
        word
        for value in variables.values()
        for text in texts(value)
        if "{{" in text or "{%" in text
        for word in _NAME.findall(text)
    )


@dataclass(frozen=True)
class Inputs:
    """What a contract's text depends on: equal inputs render to an equal contract.

    Attributes:
        names: variables.
        parts: (root, part) of the mappings below ROOTS; part None = the whole mapping.
    """

    names: frozenset[str]
    parts: frozenset[tuple[str, str | None]]


ROOTS = ("dlconf_resolution", "__dlconf_stack", "__dlconf_install", "ansible_facts")
"""Mappings of which a contract reads some parts: the resolution, two parts of it, and the host's facts."""
_ROOT = re.compile(rf"\b({'|'.join(ROOTS)})\b(?:\.(\w+)|\[['\"](\w+)['\"]\])?")


def inputs(variables: Mapping[str, Any], start: str) -> Inputs:
    """Return what rendering a variable reads, by the words of the templates that it reaches.

    Args:
        variables: with their templates as written, those of ROOTS among them or not.
        start: name of the variable.
    """
    names = reached({name: text for name, text in variables.items() if name not in ROOTS}, [start])
    parts = {
        (root, part or item or None)
        for name in names
        for text in texts(variables[name])
        for root, part, item in _ROOT.findall(text)
    }
    return Inputs(names, frozenset(parts))


def texts(value: Any) -> Iterable[str]:
    """Yield every text inside a variable's value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def ansible_names(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what roles read of a host, named as Ansible's own `setup` names it, so that none has to run it."""
    system = facts["os"]
    return {
        "distribution": {"ubuntu": "Ubuntu", "debian": "Debian"}.get(system["id"], system["name"]),
        "distribution_version": system["version"],
        "distribution_major_version": system["version"].split(".")[0],
        "distribution_release": system["codename"],
        "os_family": "Debian" if system["id"] in ("ubuntu", "debian") else system["name"],
        "architecture": facts["architecture"],
        "kernel": facts["kernel"],
    }
