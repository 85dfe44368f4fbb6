"""How packages, and what dpkg and DKMS know of them, differ from a contract. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from dlconf.facts import Facts
from dlconf.resources import Difference, Resource, differ


def package(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """An installed package: name, version (fnmatch pattern, without the epoch)."""
    name, pattern = resource["name"], str(resource.get("version", "*"))
    package = facts["dpkg"]["packages"].get(name)
    found = package["version"] if package else None
    if found is None or not fnmatch.fnmatchcase(found.split(":", 1)[-1], pattern):
        yield differ(resource, name, pattern if pattern != "*" else "installed", found)


def package_like(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A package in exactly the upstream version of another one: name, like (the other's name)."""
    packages = facts["dpkg"]["packages"]
    name, like = resource["name"], resource["like"]
    found, other = packages.get(name), packages.get(like)
    wanted = f"version {upstream(other['version'])}" if other else "the version"
    if found is None or other is None or upstream(found["version"]) != upstream(other["version"]):
        shown = found["version"] if found else None
        yield differ(resource, name, f"{wanted} of {like}", shown)


def upstream(version: str) -> str:
    """Return a Debian package's version without epoch and revision."""
    return version.split(":", 1)[-1].rpartition("-")[0] or version


def hold(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A held package: name."""
    package = facts["dpkg"]["packages"].get(resource["name"])
    if package is None or not package["hold"]:
        yield differ(resource, resource["name"], "held", "not held" if package else None)


def hold_source(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Every package built from a source is held: source (fnmatch pattern)."""
    packages = facts["dpkg"]["packages"]
    built = {
        name: package
        for name, package in packages.items()
        if fnmatch.fnmatchcase(package["source"], resource["source"])
    }
    if not built:
        yield differ(resource, resource["source"], "held", None)
    for name in sorted(name for name, package in built.items() if not package["hold"]):
        yield differ(resource, name, "held", "not held")


def dpkg_database(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Nothing left half-done by dpkg: name "database"."""
    for name in facts["dpkg"]["broken"]:
        yield Difference("dpkg", name, "change", "configured", "left half-done by dpkg")


def dkms(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A module built and installed for every kernel that has headers, and for the one that boots next: module."""
    module, following = resource["module"], facts["next_kernel"]
    builds = {
        build["kernel"]: build["state"] for build in facts["dkms"] if build["module"] == module
    }
    for kernel in sorted({*facts["kernels"], *([following] if following else [])}):
        if (state := builds.get(kernel)) != "installed":
            found = state if kernel in facts["kernels"] else "its headers are not installed"
            yield differ(resource, f"{module} for {kernel}", "installed", found)
