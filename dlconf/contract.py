"""What a role owns on a host, and how the host differs from it. Pure: facts in, differences out.

A contract is a list of resources, each a mapping with a `kind` and the fields of that kind; the table KINDS at the end
is the whole vocabulary. A role states its contract once, in `roles/ROLE/vars/main.yml`, and its tasks are fed from it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from packaging.version import InvalidVersion, Version

from dlconf.errors import DlconfError
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


def _file(resource: Resource, facts: Facts) -> Iterable[Difference]:
    digest = hashlib.sha256(str(resource["content"]).encode()).hexdigest()
    return _path(resource, facts, {"type": "file", "sha256": digest} | _ownership(resource), "file")


def _keyring(resource: Resource, facts: Facts) -> Iterable[Difference]:
    wanted = {"type": "file", "fingerprints": [resource["fingerprint"]]} | _ownership(resource)
    return _path(resource, facts, wanted, f"key {resource['fingerprint']}")


def _directory(resource: Resource, facts: Facts) -> Iterable[Difference]:
    wanted = {"type": "directory", "mode": "0755"} | _ownership({"mode": "0755"} | dict(resource))
    return _path(resource, facts, wanted, "directory")


def _link(resource: Resource, facts: Facts) -> Iterable[Difference]:
    target = str(resource["target"])
    return _path(resource, facts, {"type": "link", "target": target}, f"link to {target}")


def _absent(resource: Resource, facts: Facts) -> Iterable[Difference]:
    state = facts["paths"].get(resource["path"])
    if state is not None:
        yield Difference("absent", resource["path"], "remove", "absent", state["type"])


def _package(resource: Resource, facts: Facts) -> Iterable[Difference]:
    name, pattern = resource["name"], str(resource.get("version", "*"))
    package = facts["dpkg"]["packages"].get(name)
    found = package["version"] if package else None
    if found is None or not fnmatch.fnmatchcase(found.split(":", 1)[-1], pattern):
        yield _differ(resource, name, pattern if pattern != "*" else "installed", found)


def _hold(resource: Resource, facts: Facts) -> Iterable[Difference]:
    package = facts["dpkg"]["packages"].get(resource["name"])
    if package is None or not package["hold"]:
        yield _differ(resource, resource["name"], "held", "not held" if package else None)


def _hold_source(resource: Resource, facts: Facts) -> Iterable[Difference]:
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


def _dkms(resource: Resource, facts: Facts) -> Iterable[Difference]:
    module = resource["module"]
    builds = {
        build["kernel"]: build["state"] for build in facts["dkms"] if build["module"] == module
    }
    for kernel in facts["kernels"]:
        if (state := builds.get(kernel)) != "installed":
            yield _differ(resource, f"{module} for {kernel}", "installed", state)


def _python_env(resource: Resource, facts: Facts) -> Iterable[Difference]:
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


def _conda_package(resource: Resource, facts: Facts) -> Iterable[Difference]:
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


def _dpkg(resource: Resource, facts: Facts) -> Iterable[Difference]:
    for name in facts["dpkg"]["broken"]:
        yield Difference("dpkg", name, "change", "configured", "left half-done by dpkg")


def _kernel_module(resource: Resource, facts: Facts) -> Iterable[Difference]:
    loaded = facts["nvidia"]["module_version"] if resource["name"] == "nvidia" else None
    if loaded is None or not fnmatch.fnmatchcase(loaded, str(resource["version"])):
        yield _differ(resource, resource["name"], f"{resource['version']} loaded", loaded)


KINDS: Mapping[str, Check] = {
    "file": _file,  # path, content, mode, owner, group
    "keyring": _keyring,  # path, fingerprint, mode: exactly that primary key
    "directory": _directory,  # path, mode, owner, group
    "link": _link,  # path, target
    "absent": _absent,  # path
    "package": _package,  # name, version (fnmatch pattern, without the epoch)
    "hold": _hold,  # name
    "hold_source": _hold_source,  # source (fnmatch): every package built from it is held
    "dkms": _dkms,  # module: built and installed for every kernel that has headers
    "python_env": _python_env,  # path, python (X.Y), packages (name -> fnmatch pattern)
    "conda_package": _conda_package,  # path (prefix), name, min_version
    "dpkg": _dpkg,  # name "database": nothing left half-done
    "kernel_module": _kernel_module,  # name, version: pending until a reboot, never drift
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
