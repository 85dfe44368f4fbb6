"""How what apt may do on a host differs from a contract: kinds of resource that no file states alone. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dlconf.facts import Facts, unread
from dlconf.plugins.module_utils import dlconf_apt
from dlconf.resources import Difference, Resource, paths


def unattended_upgrades(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """No package built from a source is within reach of unattended-upgrades: source (fnmatch pattern).

    One is where apt's daily job upgrades packages, and it is neither held nor blacklisted. Which origins the job may
    take from does not count: what they offer changes without a change of the host.
    """
    state = facts["apt"]["unattended_upgrades"]
    if why := unread(facts, "apt-config"):
        expected = "held or blacklisted"
        yield Difference("unattended_upgrades", resource["source"], "change", expected, why)
    if state is None or not state["enabled"]:
        return
    for name in _built_from(resource["source"], facts):
        held = facts["dpkg"]["packages"][name]["hold"]
        if not held and not any(_matches_start(pattern, name) for pattern in state["blacklist"]):
            yield Difference(
                "unattended_upgrades", name, "change", "held or blacklisted", "neither"
            )


def _matches_start(pattern: str, name: str) -> bool:
    try:
        return re.match(pattern, name) is not None
    except re.error:
        return False  # no protection: it is not a pattern


def origin(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """No other repository shadows the packages built from a source: source (fnmatch pattern), origins.

    `origins` are names in Release files (`apt-cache policy` shows them as o=); these may offer another version than the
    installed one. A version that no index holds shadows nothing.
    """
    candidates, origins = facts["apt"]["candidates"], resource["origins"]
    expected = f"no other version but from {' or '.join(origins)}"
    if candidates is None:
        found = unread(facts, "apt-cache") or "apt-cache policy fails"
        yield Difference("origin", resource["source"], "change", expected, found)
        return
    for name in _built_from(resource["source"], facts):
        candidate = candidates.get(name)
        if candidate is None or not candidate["sources"]:
            continue
        if not any(source["origin"] in origins for source in candidate["sources"]):
            sources = ", ".join(source["source"] for source in candidate["sources"])
            found = f"{candidate['version']} from {sources}"
            yield Difference("origin", name, "change", expected, found)


def source(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A file of package sources whose repositories no other file states: the fields of `file`."""
    yield from paths.file(resource, facts)
    stated = facts["apt"].get("sources", [])
    path, content = resource["path"], str(resource["content"])
    for item in dlconf_apt.rivals(stated, path, content):
        yield _set_aside(resource, item, f"stated in {path} alone")


def sources(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """No two statements of one repository that keep apt from reading its sources: name "package sources"."""
    if why := unread(facts, "apt's sources"):
        expected = "no two statements of one repository"
        yield Difference(resource["kind"], resource["name"], "change", expected, why)
    for item, kept in dlconf_apt.conflicts(facts["apt"].get("sources", [])):
        expected = f"the same key as in {kept['file']}: {kept['signed_by']}"
        yield _set_aside(resource, item, expected)


def _set_aside(resource: Resource, item: Mapping[str, Any], expected: str) -> Difference:
    key = item["signed_by"] or "no key named"
    found = f"{item['uri']} {item['suite']}, {key}"
    return Difference(resource["kind"], item["file"], "remove", expected, found)


def _built_from(source: str, facts: Facts) -> list[str]:
    """Return the installed packages built from a source, in order."""
    packages = facts["dpkg"]["packages"]
    return sorted(
        n for n, package in packages.items() if fnmatch.fnmatchcase(package["source"], source)
    )
