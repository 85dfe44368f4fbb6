"""What every row of the catalogue has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Where the facts of a row come from, and whether they were read there."""

    source: str
    verified: bool
    notes: str = ""
