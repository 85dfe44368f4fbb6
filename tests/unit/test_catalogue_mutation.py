"""A row of the catalogue that is lost or altered is noticed.

Two nets: the tables of tests/expectations, which every row must be as it is in; and, for the rows
that keep machines from breaking, the answers of the resolver in tests/cases.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dlconf.catalogue import Catalogue, all_problems, load
from dlconf.catalogue.model import Row
from dlconf.catalogue.sections import SECTIONS
from dlconf.errors import DlconfError
from tests import expectations
from tests.unit import test_resolve_cases as cases

CATALOGUE = load()
MUTANTS = 40
"""So many a section, the same in every run."""


@pytest.mark.parametrize("section", SECTIONS)
def test_the_rows_are_as_their_table_has_them(section: str) -> None:
    table = expectations.table(section)
    assert list(expectations.differences(section, CATALOGUE, table)) == []


def test_every_field_is_in_a_table_or_said_not_to_be() -> None:
    for section in SECTIONS:
        known = {*expectations.columns(section), *expectations.WORDS}
        for row in CATALOGUE.rows(section)[:1]:
            named = {*known, *expectations.UNREAD.get(section, ())}
            assert set(row.__dataclass_fields__) == named


def mutants(section: str) -> Iterator[tuple[str, list[Row]]]:
    """Give the rows of a section with one lost, moved or altered in one field, as a reader would err."""
    chance = random.Random(section)  # noqa: S311
    rows = list(CATALOGUE.rows(section))
    for _ in range(MUTANTS):
        number = chance.randrange(len(rows))
        row, rest = rows[number], [*rows[:number], *rows[number + 1 :]]
        field = chance.choice(["", *expectations.columns(section)])
        if not field:
            yield f"{section} {number} lost", rest
            continue
        others = sorted({repr(getattr(item, field)): getattr(item, field) for item in rest}.items())
        values = [value for _, value in others if value != getattr(row, field)]
        value = chance.choice(values) if values else _other(getattr(row, field))
        changed: dict[str, Any] = {field: value}
        rest.insert(number, replace(row, **changed))
        yield f"{section} {number} {field}: {value!r}", rest


def _other(value: Any) -> Any:
    """Give a value of the same type that is another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, tuple):
        return value[:-1] if value else ("x",)
    if isinstance(value, dict):
        return dict(list(value.items())[:-1]) if value else {"x": "x"}
    return f"{value or ''}1"


@pytest.mark.parametrize("section", SECTIONS)
def test_a_row_lost_or_altered_differs_from_its_table(section: str) -> None:
    table = expectations.table(section)
    missed = [
        name
        for name, rows in mutants(section)
        if not any(expectations.differences(section, CATALOGUE.with_rows(section, rows), table))
    ]
    assert missed == []


Change = Callable[[Sequence[Any]], list[Row]]


def altered(picked: Callable[[Any], bool], **fields: Any) -> Change:
    """Make a change of the rows that are picked."""

    def change(rows: Sequence[Any]) -> list[Row]:
        assert any(picked(row) for row in rows)
        return [replace(row, **fields) if picked(row) else row for row in rows]

    return change


def lost(picked: Callable[[Any], bool]) -> Change:
    """Make a change that loses the rows that are picked."""

    def change(rows: Sequence[Any]) -> list[Row]:
        assert any(picked(row) for row in rows)
        return [row for row in rows if not picked(row)]

    return change


FOLLOWING = [
    ("cuda_local_repos", "url", "https://example.org/other.deb"),
    ("cuda_local_repos", "package", "other"),
    ("cudnn_local_repos", "url", "https://example.org/other.deb"),
    ("cudnn_local_repos", "package", "other"),
]


@pytest.mark.parametrize(("section", "field", "value"), FOLLOWING)
def test_a_field_outside_the_tables_must_follow_from_the_others(
    section: str, field: str, value: str
) -> None:
    assert field in expectations.UNREAD[section]
    first = CATALOGUE.rows(section)[0]
    rows = altered(lambda row: row is first, **{field: value})(CATALOGUE.rows(section))
    (problem,) = all_problems(CATALOGUE.with_rows(section, rows))
    assert problem.field == field


def is_build(framework: str, version: str, build: str) -> Callable[[Any], bool]:
    return lambda row: (row.framework, row.version, row.build) == (framework, version, build)


TRAPS: dict[str, tuple[str, str, Change]] = {
    "a transition taken for a branch": (
        "systems",
        "driver_packages",
        altered(
            lambda row: (
                (row.os, row.branch, row.source_name) == ("ubuntu-24.04", "470", "distribution")
            ),
            transitional_to=None,
        ),
    ),
    "the newest torch before Turing lost": (
        "single-gpu",
        "frameworks",
        lost(is_build("pytorch", "2.14.1", "cu126")),
    ),
    "PyPI's torch taken to run before Turing": (
        "single-gpu",
        "frameworks",
        altered(is_build("pytorch", "2.15.0", "pypi"), sm=(50, 60), min_compute_capability="5.0"),
    ),
    "no cap of cuDNN for TensorFlow": (
        "frameworks",
        "frameworks",
        altered(is_build("tensorflow", "2.21.0", "and-cuda"), requirements_below_cc_7_5=()),
    ),
    "cuDNN 9.28 taken to have code for Pascal": (
        "single-gpu",
        "cudnn",
        altered(
            lambda row: (row.version, row.cuda_major) == ("9.28.0.42", 12),
            min_compute_capability="5.0",
        ),
    ),
    "nvcc 12.9 taken to compile against glibc 2.41": (
        "systems",
        "host_traps",
        lost(lambda row: row.id == "glibc-cospi"),
    ),
    "proprietary modules for Blackwell": (
        "mixed",
        "gpus",
        altered(lambda row: row.id == "2b85", kernel_modules="both"),
    ),
    "a branch after the last for Pascal": (
        "single-gpu",
        "architectures",
        altered(lambda row: row.name == "pascal", last_driver_branch="595"),
    ),
    "a legacy branch with a later end": (
        "systems",
        "drivers",
        altered(lambda row: row.branch == "535", end_of_life="2030-01"),
    ),
    "a package set without its utilities": (
        "single-gpu",
        "driver_packages",
        altered(
            lambda row: (row.os, row.branch) == ("ubuntu-22.04", "580"),
            packages=("nvidia-headless-580",),
        ),
    ),
    "Caffe taken to be installable": (
        "frameworks",
        "frameworks",
        altered(is_build("caffe", "1.0", "source"), installable=True, requirements=("caffe==1.0",)),
    ),
    "another day": ("systems", "meta", altered(lambda row: True, as_of="2026-01-01")),
}


@pytest.mark.parametrize(("theme", "section", "change"), TRAPS.values(), ids=TRAPS.keys())
def test_a_row_that_keeps_machines_from_breaking_decides_an_answer(
    theme: str, section: str, change: Change
) -> None:
    catalogue = CATALOGUE.with_rows(section, change(CATALOGUE.rows(section)))
    if section == "architectures":
        cards = altered(lambda row: row.architecture == "pascal", last_branch=None)
        catalogue = catalogue.with_rows("gpus", cards(CATALOGUE.rows("gpus")))
    assert not all(_holds(case, catalogue) for name, case in cases.CASES if name == theme)


def _holds(case: dict[str, Any], catalogue: Catalogue) -> bool:
    try:
        cases.test_case(copy.deepcopy(case), catalogue)
    except (AssertionError, DlconfError, pytest.fail.Exception):
        return False
    return True


@pytest.mark.parametrize("theme", sorted({theme for theme, _, _ in TRAPS.values()}))
def test_the_answers_hold_as_it_is(theme: str) -> None:
    assert all(_holds(case, CATALOGUE) for name, case in cases.CASES if name == theme)
