"""One way to break a resource of a contract, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Command = tuple[str, ...]
Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Break:
    """One way to break a resource.

    Attributes:
        name: what is done to it, in a few words.
        commands: what root runs on the host.
        ids: the differences of the resource that must be reported then.
        gone: a path that the break takes away, with all that lies below.
        account: a user or group that the break takes away.
        undo: takes away what the break leaves beside the resource, after the repair.
    """

    name: str
    commands: tuple[Command, ...]
    ids: tuple[str, ...]
    gone: str = ""
    account: str = ""
    undo: tuple[Command, ...] = ()


def shell(text: str, *words: str) -> Command:
    """Return a line of shell as a command; `words` are its "$1", "$2" and so on."""
    return ("sh", "-ec", text, "sh", *words)


def name_of(resource: Resource) -> str:
    """Return what names a resource of its kind on a host."""
    return str(
        next(resource[key] for key in ("path", "name", "source", "module") if key in resource)
    )


def missing_ids(resource: Resource) -> Iterator[str]:
    """Yield the differences of a resource whose path is gone."""
    path, kind = resource["path"], resource["kind"]
    if kind == "conda_package":
        yield f"{path}: {resource['name']}"
    elif kind == "json":
        yield from (f"{path}: {key}" for key in resource["values"])
    elif kind != "absent":
        yield path
