"""What a package states of other packages, each with where that is known from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GUESS = "guess"
"""The source of a relation that nobody was seen to state: it stands for what is likely."""

STAND_IN = "stand-in"
"""The source of a relation that a stand-in itself needs for its work, and the real package has not."""

FIELDS = frozenset(
    {"Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances"}
    | {"Breaks", "Conflicts", "Provides", "Replaces"}
)


@dataclass(frozen=True)
class Relation:
    """One relation of a package.

    Attributes:
        field: of the control file, such as `Depends`.
        text: as the control file has it: `libcudnn9-cuda-12 (= 9.28.0.42-1)`.
        source: id of a row in docs/vendors.md, or GUESS, or STAND_IN.
    """

    field: str
    text: str
    source: str


def depends(source: str, *texts: str) -> tuple[Relation, ...]:
    """Return dependencies that are known from one source."""
    return tuple(Relation("Depends", text, source) for text in texts)


def recommends(source: str, *texts: str) -> tuple[Relation, ...]:
    """Return recommendations that are known from one source."""
    return tuple(Relation("Recommends", text, source) for text in texts)


def exclusive(source: str, name: str) -> tuple[Relation, ...]:
    """Return what lets only one of several packages be installed: each provides the name and refuses it."""
    return tuple(Relation(field, name, source) for field in ("Provides", "Conflicts", "Replaces"))


def control_fields(relations: Iterable[Relation]) -> Mapping[str, str]:
    """Return the fields of a control file that state these relations."""
    texts: dict[str, list[str]] = {}
    for relation in relations:
        texts.setdefault(relation.field, []).append(relation.text)
    return {field: ", ".join(found) for field, found in texts.items()}
