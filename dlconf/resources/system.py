"""How services, users, groups and the loaded kernel module differ from a contract. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from dlconf.facts import Facts, unread
from dlconf.resources import Difference, Resource, differ


def service(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A systemd unit: name, running (true: enabled and active; false: neither), or (others that serve), needs_driver.

    A unit that needs the NVIDIA driver must be active only where the driver on disk is the loaded one.
    """
    if any(
        not list(_unit(dict(resource) | {"name": other}, facts)) for other in resource.get("or", ())
    ):
        return
    yield from _unit(resource, facts)


def _unit(resource: Resource, facts: Facts) -> Iterable[Difference]:
    name = resource["name"]
    idle = resource.get("needs_driver", False) and not _driver_in_force(facts)
    active = "enabled" if idle else "enabled, active"
    wanted = active if resource.get("running", True) else "disabled, inactive"
    unit = facts["units"].get(name)
    if why := unread(facts, "systemctl"):
        yield differ(resource, name, wanted, why)
        return
    if unit is None or unit["load"] == "not-found":
        if resource.get("running", True):
            yield differ(resource, name, wanted, None)
        return
    is_on = unit["enabled"] in ("enabled", "static", "alias", "generated", "indirect")
    found = f"{unit['enabled'] or unit['load']}, {unit['active']}"
    if resource.get("running", True):
        waits = idle or unit.get("skipped")
        differs = not is_on or (unit["active"] != "active" and not waits)
    else:
        differs = unit["enabled"] == "enabled" or unit["active"] == "active"
    if differs:
        yield differ(resource, name, wanted, found)


def _driver_in_force(facts: Facts) -> bool:
    loaded = facts["nvidia"]["module_version"]
    return loaded is not None and loaded == facts["nvidia"]["library_version"]


def user(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A user: name, groups (at least these), shell."""
    name, groups = resource["name"], list(resource.get("groups", ()))
    user = facts["users"].get(name)
    if user is None:
        yield differ(resource, name, "present", unread(facts, "users"))
        return
    if missing := [group for group in groups if group not in user["groups"]]:
        found = f"in {', '.join(user['groups'])}"
        yield differ(resource, name, f"in group {', '.join(missing)}", found)
    if (shell := resource.get("shell")) and user["shell"] != shell:
        yield differ(resource, name, f"shell {shell}", f"shell {user['shell']}")


def group(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A group: name."""
    if resource["name"] not in facts["groups"]:
        yield differ(resource, resource["name"], "present", unread(facts, "groups"))


def kernel_module(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """The loaded kernel module: name, version. Pending until a restart, never drift.

    It must be of the same version as the library on disk too: programs started now get the library, and the driver
    refuses them ("Driver/library version mismatch"). A library of a version that is not wanted is none of this kind.
    """
    loaded = facts["nvidia"]["module_version"] if resource["name"] == "nvidia" else None
    library, wanted = facts["nvidia"]["library_version"], str(resource["version"])
    if loaded is None or not fnmatch.fnmatchcase(loaded, wanted):
        yield differ(resource, resource["name"], f"{wanted} loaded", loaded)
    elif library not in (None, loaded) and fnmatch.fnmatchcase(str(library), wanted):
        expected = f"{library} loaded, the version of the library on disk"
        yield differ(resource, resource["name"], expected, loaded)
