"""What the lists state, against what the catalogue has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.sections import SECTIONS
from dlconf.catalogue.update.stated import Key, Stated, plain


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is added or changed.

    Attributes:
        section, key: the row; is_new: it has none yet.
        old, new: the fields that differ, with the values before and after.
        why: what of an added row is a guess, and from what; empty for nothing.
        source: of the row afterwards.
    """

    section: str
    key: Key
    is_new: bool
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    why: str
    source: str


@dataclass(slots=True)
class Comparison:
    """The changes; what was left out, and why; and how many rows say the same already."""

    changes: list[Change] = field(default_factory=list)
    left_out: list[tuple[str, Key, str]] = field(default_factory=list)
    same: int = 0


def compare(statements: Iterable[Stated], catalogue: Catalogue) -> Comparison:
    """Find what the lists would change, one change a row whatever number of lists state it."""
    before: dict[tuple[str, Key], dict[str, Any]] = {}
    after: dict[tuple[str, Key], dict[str, Any]] = {}
    why: dict[tuple[str, Key], str] = {}
    found = Comparison()
    known = {name: _rows(catalogue, name) for name in ("gpus", "drivers", "frameworks", "pythons")}
    for item in statements:
        place = item.section, item.key
        if place not in after:
            before[place] = known[item.section].get(item.key, {})
            after[place] = dict(before[place])
        row = after[place]
        if item.why and item.complete is None:
            found.left_out.append((*place, item.why))
            continue
        if not row:
            row |= {**_named(item), **(item.complete or {}), "source": ""}
            why[place] = item.why
        _state(row, item)
    for place, row in after.items():
        if row == before[place]:
            found.same += bool(row)
        else:
            found.changes.append(_change(place, before[place], row, why.get(place, "")))
    return found


def _state(row: dict[str, Any], item: Stated) -> None:
    """Write what a list states into a row, and name the list where the row did not say so."""
    facts = dict(item.facts)
    for name, value in item.adds.items():
        held = row.get(name) or type(value)()
        if isinstance(value, list):
            facts[name] = [*held, *(part for part in value if part not in held)]
        else:
            facts[name] = {**held, **value}
    if any(row.get(name) != value for name, value in facts.items()) or not row["source"]:
        row |= facts
        row["source"] = _joined(row["source"], item.source)


def _joined(old: str, new: str) -> str:
    """Add a source to those of a row, in the place of an earlier reading of the same list."""
    kind = re.escape(new.partition(" of ")[0])
    earlier = re.compile(rf"{kind} of [^;]*, read \d{{4}}-\d\d-\d\d")
    parts = [part for part in old.split("; ") if part and not earlier.fullmatch(part)]
    return "; ".join([*parts, new])


def _named(item: Stated) -> dict[str, Any]:
    return dict(zip(SECTIONS[item.section].key, item.key, strict=True))


def _rows(catalogue: Catalogue, section: str) -> dict[Key, dict[str, Any]]:
    """Give the rows of a section by key, as values that a data file can have."""
    key = SECTIONS[section].key
    return {
        tuple(getattr(row, name) for name in key): plain(row) for row in catalogue.rows(section)
    }


def _change(
    place: tuple[str, Key], before: Mapping[str, Any], after: Mapping[str, Any], why: str
) -> Change:
    section, key = place
    if not before:
        after = _without_defaults(section, after)
    names = [name for name in after if name != "source" and before.get(name) != after[name]]
    return Change(
        section,
        key,
        not before,
        {name: before.get(name) for name in names},
        {name: after[name] for name in names},
        why,
        after["source"],
    )


def _without_defaults(section: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a new row what it would have anyway."""
    defaults: dict[str, Any] = {}
    for item in fields(SECTIONS[section].kind):
        if item.default is not MISSING:
            value = item.default
            defaults[item.name] = list(value) if isinstance(value, tuple) else value
        elif item.default_factory is not MISSING:
            defaults[item.name] = item.default_factory()
    return {
        name: value
        for name, value in row.items()
        if name == "source" or name not in defaults or defaults[name] != value
    }
