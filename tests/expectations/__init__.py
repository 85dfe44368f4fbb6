"""What the catalogue must say, written down a second time: a table for each section.

The first tables of gpus, drivers, cuda, cuda_local_repos, cudnn and the builds of PyTorch,
TensorFlow and JAX were held against the compiled facts that the rows came from, value by value; the
others were read off the rows and looked through. A row that is lost, added or altered differs from
its table. After a change that is meant, `python -m tests.expectations` writes the tables anew; hold
their difference against the source of the change before you keep it.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlconf.catalogue import Catalogue
from dlconf.catalogue.model import Row
from dlconf.catalogue.sections import SECTIONS

FOLDER = Path(__file__).parent

WORDS = ("notes", "source")
"""Fields for people, which no table holds."""

UNREAD: Mapping[str, tuple[str, ...]] = {
    "gpus": ("subsystems",),
    "cuda_local_repos": ("url", "package"),
    "cudnn_local_repos": ("url", "package"),
    "frameworks": ("depends",),
}
"""Section -> fields that decide nothing, or that must follow from another field of the row."""


def columns(section: str) -> list[str]:
    """Name the fields of a section that its table holds, the key first."""
    key = list(SECTIONS[section].key)
    names = [field.name for field in dataclasses.fields(SECTIONS[section].kind)]
    left_out = {*key, *WORDS, *UNREAD.get(section, ())}
    return [*key, *(name for name in names if name not in left_out)]


def shown(value: Any) -> str:
    """Write a value as a table does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " | ".join(map(shown, value))
    if isinstance(value, Mapping):
        return " | ".join(f"{name}={shown(item)}" for name, item in value.items())
    return str(value)


def line(section: str, row: Row) -> dict[str, str]:
    """Write a row as a table does."""
    return {name: shown(getattr(row, name)) for name in columns(section)}


def table(section: str) -> list[dict[str, str]]:
    """Read the table of a section."""
    with (FOLDER / f"{section}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(section: str, catalogue: Catalogue) -> None:
    """Write the table of a section."""
    with (FOLDER / f"{section}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns(section), lineterminator="\n")
        writer.writeheader()
        writer.writerows(line(section, row) for row in catalogue.rows(section))


def differences(
    section: str, catalogue: Catalogue, expected: list[dict[str, str]]
) -> Iterator[str]:
    """Say where the rows of a section are not what its table has, in which order it has them."""
    key = SECTIONS[section].key
    found = {tuple(row[name] for name in key): row for row in _lines(section, catalogue)}
    wanted = {tuple(row[name] for name in key): row for row in expected}
    for name in wanted.keys() - found.keys():
        yield f"{section} {' '.join(name)}: is not there"
    for name in found.keys() - wanted.keys():
        yield f"{section} {' '.join(name)}: is not in its table"
    for name in wanted.keys() & found.keys():
        for field, value in wanted[name].items():
            if found[name][field] != value:
                yield f"{section} {' '.join(name)}: {field}: {found[name][field]!r}, not {value!r}"
    if not wanted.keys() ^ found.keys() and list(wanted) != list(found):
        yield f"{section}: the rows stand in another order"


def _lines(section: str, catalogue: Catalogue) -> Iterator[dict[str, str]]:
    for row in catalogue.rows(section):
        yield line(section, row)
