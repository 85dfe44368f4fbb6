"""How paths, and what files hold, differ from a contract. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from dlconf.facts import Facts, unread
from dlconf.resources import Difference, Resource, differ


def _path(
    resource: Resource, facts: Facts, wanted: Mapping[str, Any], shown: str
) -> Iterable[Difference]:
    """Compare the fields of an owned path; `shown` is what a plan prints for it."""
    path = resource["path"]
    state = facts["paths"].get(path)
    if state is None:
        yield differ(resource, path, shown, unread(facts, path))
        return
    for field, value in wanted.items():
        found = state.get(field)
        if found != value:
            shown = f"{field} {found}" if found else unread(facts, path) or state["type"]
            yield differ(resource, path, f"{field} {value}", shown)
            return


def _ownership(resource: Resource) -> dict[str, str]:
    wanted = {
        "mode": str(resource.get("mode", "0644")),
        "owner": resource.get("owner", "root"),
        "group": resource.get("group", "root"),
    }
    return {field: value for field, value in wanted.items() if value != "*"}


def file(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """A file: path, content (left out: whatever it holds), or_content (as good), mode, owner, group ("*": any).

    Any group is right where users write the file. Of a secret one the host compares the content, and tells only that.
    """
    wanted = {"type": "file"}
    contents = [resource[name] for name in ("content", "or_content") if name in resource]
    if resource.get("secret"):
        wanted["content"] = "as set"
    elif hashes := [hashlib.sha256(str(text).encode()).hexdigest() for text in contents]:
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
    path = resource["path"]
    state = facts["paths"].get(path)
    found = unread(facts, path) if state is None else state["type"]
    if found is not None:
        yield Difference("absent", path, "remove", "absent", found)


def copies(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Every file that matches a pattern lies, as it is, in a folder too: source (fnmatch pattern), folder, mode."""
    for source, state in sorted(facts["paths"].items()):
        if state["type"] == "file" and fnmatch.fnmatchcase(source, resource["source"]):
            path = f"{resource['folder']}/{PurePosixPath(source).name}"
            wanted = {"type": "file", "sha256": state.get("sha256")} | _ownership(resource)
            yield from _path({**resource, "path": path}, facts, wanted, f"copy of {source}")


def json_values(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Keys of a JSON file: path, values (key -> value); other keys, in nested objects too, are not ours.

    A password may stand in either value, so neither is shown.
    """
    path = resource["path"]
    if path in facts["json"] and facts["json"][path] is None:
        yield differ(resource, path, "a JSON object", "no JSON object")
        return
    if why := unread(facts, path):
        yield differ(resource, path, "a JSON object", why)
        return
    found = facts["json"].get(path) or {}
    for key, value in resource["values"].items():
        if key not in found or not _holds(found[key], value):
            yield differ(resource, f"{path}: {key}", "as set", "differs" if key in found else None)


def _holds(found: Any, wanted: Any) -> bool:
    """Say whether a JSON value, whose parts are told by their hashes, has all that is wanted of it."""
    if isinstance(wanted, Mapping):
        return isinstance(found, dict) and all(
            key in found and _holds(found[key], value) for key, value in wanted.items()
        )
    return bool(found == hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest())


def lines(resource: Resource, facts: Facts) -> Iterable[Difference]:
    """Lines of a file whose other lines are not ours: path (also `~USER/PATH`), lines."""
    path = resource["path"]
    found = facts["lines"].get(path)
    hashes = [hashlib.sha256(line.strip().encode()).hexdigest() for line in resource["lines"]]
    missing = len(hashes) if found is None else sum(digest not in found for digest in hashes)
    if missing:
        shown = unread(facts, path) if found is None else f"{missing} of them missing"
        yield differ(resource, path, f"{len(hashes)} lines", shown)
