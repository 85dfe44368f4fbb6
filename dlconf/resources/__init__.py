"""The kinds of resource that a contract can hold: how a host differs from one of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

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


def differ(resource: Resource, name: str, expected: str, found: str | None) -> Difference:
    """Return the difference of a resource that is missing (`found` is None) or not as it should be."""
    action: Action = "add" if found is None else "change"
    return Difference(resource["kind"], name, action, expected, found)
