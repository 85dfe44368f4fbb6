"""How paths, and what files hold, differ from a contract. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from dlconf.facts import Facts
from dlconf.resources import Difference, Resource, differ


def _path(
    resource: Resource, facts: Facts, wanted: Mapping[str, Any], shown: str
) -> Iterable[Difference]:
    """Compare the fields of an owned path; `shown` is what a plan prints for it."""
    path = resource["path"]
    state = facts["paths"].get(path)
    if state is None:
        yield differ(resource, path, shown, None)
        return
    for field, value in wanted.items():
        found = state.get(field)
        if found != value:
            yield differ(
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
    """A file: path, content (left out: whatever it holds), or_content (as good), mode, owner, group."""
    wanted = {"type": "file"}
    contents = [resource[name] for name in ("content", "or_content") if name in resource]
    if hashes := [hashlib.sha256(str(text).encode()).hexdigest() for text in contents]:
        state = facts["paths"].get(resource["path"])
        found = state.get("sha256") if state else None
        wanted["sha256"] = found if found in hashes else hashes[0]
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


def copies(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Every file that matches a pattern lies, as it is, in a folder too: source (fnmatch pattern), folder, mode."""
    for source, state in sorted(facts["paths"].items()):
        if state["type"] == "file" and fnmatch.fnmatchcase(source, resource["source"]):
            path = f"{resource['folder']}/{PurePosixPath(source).name}"
            wanted = {"type": "file", "sha256": state["sha256"]} | _ownership(resource)
            yield from _path({**resource, "path": path}, facts, wanted, f"copy of {source}")


def json_values(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Keys of a JSON file: path, values (key -> value); other keys, in nested objects too, are not ours."""
    path = resource["path"]
    if path in facts["json"] and facts["json"][path] is None:
        yield differ(resource, path, "a JSON object", "no JSON object")
        return
    found = facts["json"].get(path) or {}
    for key, value in resource["values"].items():
        if key not in found or not _holds(found[key], value):
            shown = json.dumps(found[key]) if key in found else None
            yield differ(resource, f"{path}: {key}", json.dumps(value), shown)


def _holds(found: Any, wanted: Any) -> bool:
    """Say whether a JSON value has all that is wanted of it."""
    if isinstance(found, dict) and isinstance(wanted, Mapping):
        return all(key in found and _holds(found[key], value) for key, value in wanted.items())
    return bool(found == wanted)


def lines(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Lines of a file whose other lines are not ours: path (also `~USER/PATH`), lines."""
    path = resource["path"]
    found = facts["lines"].get(path)
    hashes = [hashlib.sha256(line.strip().encode()).hexdigest() for line in resource["lines"]]
    missing = len(hashes) if found is None else sum(digest not in found for digest in hashes)
    if missing:
        shown = None if found is None else f"{missing} of them missing"
        yield differ(resource, path, f"{len(hashes)} lines", shown)
