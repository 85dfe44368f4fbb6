"""How a host differs from one resource of a contract, for each kind of resource. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from packaging.version import InvalidVersion, Version

from dlconf.facts import Facts

Resource = Mapping[str, Any]
Action = Literal["add", "change", "remove"]


@dataclass(frozen=True)
class Difference:
    """One resource that is not as its contract says.

    Attributes:
        kind: the resource's kind.
        id: what names it on the host: a path, a package, a module.
        action: what applying the role does to it.
        expected: the contract's side, in a few words.
        found: the host's side; None where there is nothing.
    """

    kind: str
    id: str
    action: Action
    expected: str
    found: str | None

    def as_json(self) -> dict[str, str | None]:
        """Return the difference as JSON data."""
        return {
            "kind": self.kind,
            "id": self.id,
            "action": self.action,
            "expected": self.expected,
            "found": self.found,
        }


Check = Callable[[Resource, Facts], Iterable[Difference]]


def normalised(name: str) -> str:
    """Return a Python distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _differ(resource: Resource, name: str, expected: str, found: str | None) -> Difference:
    action: Action = "add" if found is None else "change"
    return Difference(resource["kind"], name, action, expected, found)


def _path(
    resource: Resource, facts: Facts, wanted: Mapping[str, Any], shown: str
) -> Iterable[Difference]:
    """Compare the fields of an owned path; `shown` is what a plan prints for it."""
    path = resource["path"]
    state = facts["paths"].get(path)
    if state is None:
        yield _differ(resource, path, shown, None)
        return
    for field, value in wanted.items():
        found = state.get(field)
        if found != value:
            yield _differ(
                resource, path, f"{field} {value}", f"{field} {found}" if found else state["type"]
            )
            return


def _ownership(resource: Resource) -> dict[str, str]:
    return {
        "mode": str(resource.get("mode", "0644")),
        "owner": resource.get("owner", "root"),
        "group": resource.get("group", "root"),
    }


def file(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A file: path, content (left out: whatever it holds), mode, owner, group."""
    wanted = {"type": "file"}
    if "content" in resource:
        wanted["sha256"] = hashlib.sha256(str(resource["content"]).encode()).hexdigest()
    return _path(resource, facts, wanted | _ownership(resource), "file")


def keyring(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A keyring with exactly one primary key: path, fingerprint, mode."""
    wanted = {"type": "file", "fingerprints": [resource["fingerprint"]]} | _ownership(resource)
    return _path(resource, facts, wanted, f"key {resource['fingerprint']}")


def directory(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A directory: path, mode, owner, group."""
    wanted = {"type": "directory", "mode": "0755"} | _ownership({"mode": "0755"} | dict(resource))
    return _path(resource, facts, wanted, "directory")


def link(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A symbolic link: path, target."""
    target = str(resource["target"])
    return _path(resource, facts, {"type": "link", "target": target}, f"link to {target}")


def absent(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Nothing there: path."""
    state = facts["paths"].get(resource["path"])
    if state is not None:
        yield Difference("absent", resource["path"], "remove", "absent", state["type"])


def package(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """An installed package: name, version (fnmatch pattern, without the epoch)."""
    name, pattern = resource["name"], str(resource.get("version", "*"))
    package = facts["dpkg"]["packages"].get(name)
    found = package["version"] if package else None
    if found is None or not fnmatch.fnmatchcase(found.split(":", 1)[-1], pattern):
        yield _differ(resource, name, pattern if pattern != "*" else "installed", found)


def hold(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A held package: name."""
    package = facts["dpkg"]["packages"].get(resource["name"])
    if package is None or not package["hold"]:
        yield _differ(resource, resource["name"], "held", "not held" if package else None)


def hold_source(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Every package built from a source is held: source (fnmatch pattern)."""
    packages = facts["dpkg"]["packages"]
    built = {
        name: package
        for name, package in packages.items()
        if fnmatch.fnmatchcase(package["source"], resource["source"])
    }
    if not built:
        yield _differ(resource, resource["source"], "held", None)
    for name in sorted(name for name, package in built.items() if not package["hold"]):
        yield _differ(resource, name, "held", "not held")


def dkms(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A module built and installed for every kernel that has headers, and for the one that boots next: module."""
    module, following = resource["module"], facts["next_kernel"]
    builds = {
        build["kernel"]: build["state"] for build in facts["dkms"] if build["module"] == module
    }
    for kernel in sorted({*facts["kernels"], *([following] if following else [])}):
        if (state := builds.get(kernel)) != "installed":
            found = state if kernel in facts["kernels"] else "its headers are not installed"
            yield _differ(resource, f"{module} for {kernel}", "installed", found)


def python_env(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A Python environment: path, python (X.Y), packages (name -> fnmatch pattern), with their files where watched."""
    path, wanted = resource["path"], str(resource["python"])
    environment = facts["environments"].get(path)
    python = environment["python"] if environment else None
    if environment is None or python is None or not (python + ".").startswith(wanted + "."):
        found = f"Python {python}" if python else "no working Python" if environment else None
        yield _differ(resource, path, f"Python {wanted}", found)
        return
    for name, pattern in resource["packages"].items():
        version = environment["packages"].get(normalised(name))
        if version is None or not fnmatch.fnmatchcase(version, str(pattern)):
            yield _differ(resource, f"{path}: {name}", str(pattern), version)
        elif lost := environment["damaged"].get(normalised(name)):
            yield _differ(resource, f"{path}: {name}", f"all files of {version}", f"{lost} damaged")


def conda_package(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A package in a conda prefix: path (the prefix), name, min_version."""
    path, name, least = resource["path"], resource["name"], str(resource["min_version"])
    environment = facts["environments"].get(path)
    found = environment["conda"].get(name) if environment else None
    if found is None or _older(found, least):
        yield _differ(resource, f"{path}: {name}", f"{least} or newer", found)


def _older(version: str, least: str) -> bool:
    try:
        return Version(version) < Version(least)
    except InvalidVersion:
        return version != least


def dpkg_database(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Nothing left half-done by dpkg: name "database"."""
    for name in facts["dpkg"]["broken"]:
        yield Difference("dpkg", name, "change", "configured", "left half-done by dpkg")


def service(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A systemd unit: name, running (true: enabled and active; false: neither), or (units that serve as well)."""
    if any(
        not list(_unit(dict(resource) | {"name": other}, facts)) for other in resource.get("or", ())
    ):
        return
    yield from _unit(resource, facts)


def _unit(resource: Resource, facts: Facts) -> Iterable[Difference]:
    name = resource["name"]
    wanted = "enabled, active" if resource.get("running", True) else "disabled, inactive"
    unit = facts["units"].get(name)
    if unit is None or unit["load"] == "not-found":
        if resource.get("running", True):
            yield _differ(resource, name, wanted, None)
        return
    is_on = unit["enabled"] in ("enabled", "static", "alias", "generated", "indirect")
    found = f"{unit['enabled'] or unit['load']}, {unit['active']}"
    if resource.get("running", True):
        differs = not is_on or (unit["active"] != "active" and not unit.get("skipped"))
    else:
        differs = unit["enabled"] == "enabled" or unit["active"] == "active"
    if differs:
        yield _differ(resource, name, wanted, found)


def user(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A user: name, groups (at least these), shell."""
    name, groups = resource["name"], list(resource.get("groups", ()))
    user = facts["users"].get(name)
    if user is None:
        yield _differ(resource, name, "present", None)
        return
    if missing := [group for group in groups if group not in user["groups"]]:
        found = f"in {', '.join(user['groups'])}"
        yield _differ(resource, name, f"in group {', '.join(missing)}", found)
    if (shell := resource.get("shell")) and user["shell"] != shell:
        yield _differ(resource, name, f"shell {shell}", f"shell {user['shell']}")


def group(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A group: name."""
    if resource["name"] not in facts["groups"]:
        yield _differ(resource, resource["name"], "present", None)


def json_values(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Top-level keys of a JSON file: path, values (key -> value); its other keys are not ours."""
    path = resource["path"]
    if path in facts["json"] and facts["json"][path] is None:
        yield _differ(resource, path, "a JSON object", "no JSON object")
        return
    found = facts["json"].get(path) or {}
    for key, value in resource["values"].items():
        if key not in found or found[key] != value:
            shown = json.dumps(found[key]) if key in found else None
            yield _differ(resource, f"{path}: {key}", json.dumps(value), shown)


def lines(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Lines of a file whose other lines are not ours: path (also `~USER/PATH`), lines."""
    path = resource["path"]
    found = facts["lines"].get(path)
    hashes = [hashlib.sha256(line.strip().encode()).hexdigest() for line in resource["lines"]]
    missing = len(hashes) if found is None else sum(digest not in found for digest in hashes)
    if missing:
        shown = None if found is None else f"{missing} of them missing"
        yield _differ(resource, path, f"{len(hashes)} lines", shown)


def kernel_module(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """The loaded kernel module: name, version. Pending until a restart, never drift.

    It must be of the same version as the library on disk too: programs started now get the library, and the driver
    refuses them ("Driver/library version mismatch"). A library of a version that is not wanted is none of this kind.
    """
    loaded = facts["nvidia"]["module_version"] if resource["name"] == "nvidia" else None
    library, wanted = facts["nvidia"]["library_version"], str(resource["version"])
    if loaded is None or not fnmatch.fnmatchcase(loaded, wanted):
        yield _differ(resource, resource["name"], f"{wanted} loaded", loaded)
    elif library not in (None, loaded) and fnmatch.fnmatchcase(str(library), wanted):
        expected = f"{library} loaded, the version of the library on disk"
        yield _differ(resource, resource["name"], expected, loaded)
