"""How Python environments and conda differ from a contract. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from dlconf.facts import Facts, unread
from dlconf.resources import Difference, Resource, differ


def python_env(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A Python environment: path, python (X.Y), packages (name -> fnmatch pattern), with their files where watched."""
    path, wanted = resource["path"], str(resource["python"])
    environment = facts["environments"].get(path)
    python = environment["python"] if environment else None
    if environment is None or python is None or not (python + ".").startswith(wanted + "."):
        found = (
            f"Python {python}"
            if python
            else "no working Python"
            if environment
            else unread(facts, path)
        )
        yield differ(resource, path, f"Python {wanted}", found)
        return
    for name, pattern in resource["packages"].items():
        version = environment["packages"].get(normalised(name))
        if version is None or not fnmatch.fnmatchcase(version, str(pattern)):
            yield differ(resource, f"{path}: {name}", str(pattern), version)
        elif lost := environment["damaged"].get(normalised(name)):
            yield differ(resource, f"{path}: {name}", f"all files of {version}", f"{lost} damaged")


def normalised(name: str) -> str:
    """Return a Python distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def conda_package(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A package in a conda prefix: path (the prefix), name, min_version."""
    path, name, least = resource["path"], resource["name"], str(resource["min_version"])
    environment = facts["environments"].get(path)
    found = environment["conda"].get(name) if environment else None
    if found is None or _older(found, least):
        shown = found if environment else unread(facts, path)
        yield differ(resource, f"{path}: {name}", f"{least} or newer", shown)


def _older(version: str, least: str) -> bool:
    try:
        return Version(version) < Version(least)
    except InvalidVersion:
        return version != least
