"""What a list of a vendor states of one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dlconf.catalogue.row import Row

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """Facts of one row, as values that a data file can have.

    Attributes:
        section, key: the row.
        facts: what the list states; overrides what the row has.
        adds: lists and mappings that join those of the row.
        source: the list, with its version where it has one, and the day it was read.
        complete: the fields that a row of this key still lacks, where there is none yet; None
            where they cannot be told.
        why: how `complete` came about, or why it cannot be told.
    """

    section: str
    key: Key
    facts: Mapping[str, Any]
    source: str
    adds: Mapping[str, Any] = field(default_factory=dict)
    complete: Mapping[str, Any] | None = None
    why: str = ""


def plain(row: Row) -> dict[str, Any]:
    """Give the fields of a row as values that a data file can have."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(row).items()
    }
