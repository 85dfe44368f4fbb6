"""What an update of the catalogue changes, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dlconf.catalogue.sections import SECTIONS
from dlconf.catalogue.update import Change, Comparison
from dlconf.report.text import SIGNS, count, json_text


def text(found: Comparison) -> str:
    """Return one block a row that is added or changed, what was left out and why, and the counts."""
    lines = [line for change in found.changes for line in _block(change)]
    lines += [f"! {section} {_name(key)}: left out: {why}" for section, key, why in found.left_out]
    added = sum(change.is_new for change in found.changes)
    lines.append(
        f"{count(added, 'row')} added, {len(found.changes) - added} changed,"
        f" {len(found.left_out)} left out, {found.same} the same"
    )
    return "\n".join(lines)


def _block(change: Change) -> Iterator[str]:
    sign = SIGNS["add" if change.is_new else "change"]
    yield f"{sign} {change.section} {_name(change.key)} [{change.source}]"
    if change.why:
        yield f"    not verified: {change.why}"
    key = SECTIONS[change.section].key
    for name, value in change.new.items():
        if name not in key:
            yield f"    {name}: {_difference(change.old[name], value)}"


def _difference(old: Any, new: Any) -> str:
    """Show what a value becomes; of a longer list or mapping, only what joins it."""
    if isinstance(old, dict) and old:
        new = {name: value for name, value in new.items() if old.get(name) != value}
        return f"and {json_text(new)}"
    if isinstance(old, list) and old and new[: len(old)] == old:
        return f"and {json_text(new[len(old) :])}"
    return json_text(new) if old is None else f"{json_text(old)} -> {json_text(new)}"


def _name(key: Sequence[Any]) -> str:
    return " ".join(str(part) for part in key)


def data(found: Comparison, written: Sequence[Path]) -> dict[str, Any]:
    """Return the same as JSON data, with the files that were written."""
    return {
        "schema": 1,
        "changes": [
            {
                "section": change.section,
                "row": _name(change.key),
                "kind": "added" if change.is_new else "changed",
                "fields": {
                    name: {"old": change.old[name], "new": value}
                    for name, value in change.new.items()
                },
                "guessed": change.why,
                "source": change.source,
            }
            for change in found.changes
        ],
        "left_out": [
            {"section": section, "row": _name(key), "why": why}
            for section, key, why in found.left_out
        ],
        "same": found.same,
        "written": [str(path) for path in written],
    }
