"""A row whose facts were not read at a source is never chosen silently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from dlconf.catalogue import load, model
from dlconf.errors import DlconfError
from dlconf.resolve import resolve
from dlconf.stack import Machine
from dlconf.wishes import Wishes

CATALOGUE = load()
PINS = {"driver": "580", "cuda": "12.8.1", "cudnn": "9.10.2", "python": "3.12"}
CHOSEN: Mapping[str, Callable[[Any], bool]] = {
    "gpus": lambda row: row.id == "2204",
    "drivers": lambda row: row.branch == "580",
    "driver_packages": lambda row: (row.os, row.branch) == ("ubuntu-22.04", "580"),
    "cuda": lambda row: row.version == "12.8.1",
    "cudnn": lambda row: row.version == "9.10.2.21",
    "cudnn_local_repos": lambda row: (row.distro, row.cudnn) == ("ubuntu2204", "9.10.2"),
    "pythons": lambda row: row.version == "3.12",
    "frameworks": lambda row: (row.framework, row.version) == ("pytorch", "2.9.1"),
    "conda": lambda row: row.distribution == "miniforge",
}
"""Section -> which of its rows the machine below rests on, with these pins."""


def answer(sections: Mapping[str, bool]) -> dict[str, Any]:
    """Resolve where the rows of these sections are verified, or not."""
    rows = CATALOGUE
    for section, verified in sections.items():
        changed = [
            replace(row, verified=verified) if CHOSEN[section](row) else row
            for row in CATALOGUE.rows(section)
        ]
        assert changed != list(CATALOGUE.rows(section)) or not verified
        rows = rows.with_rows(section, changed)
    machine = Machine.described(gpus=["10de:2204"], os="ubuntu-22.04", catalogue=rows)
    wishes = Wishes(
        frameworks=("pytorch==2.9.1",), pins=PINS, cudnn_source="local", driver_source="nvidia"
    )
    return resolve(machine, wishes, rows).as_json()


ALL = dict.fromkeys(CHOSEN, True)


def doubts(found: Mapping[str, Any]) -> list[str]:
    """Give the notes that doubt a row; the pattern of cuDNN's apt versions is a field of its own."""
    return [
        note
        for note in found["notes"]
        if "not verified" in note or ("not seen" in note and "apt version" not in note)
    ]


def test_nothing_is_doubted_where_all_was_read() -> None:
    sections = {name: True for name in CHOSEN if any_unverified(name)}
    assert doubts(answer(sections)) == []


def any_unverified(section: str) -> bool:
    rows = [row for row in CATALOGUE.rows(section) if CHOSEN[section](row)]
    assert rows, section
    return not all(row.verified for row in rows)


@pytest.mark.parametrize("section", [name for name in CHOSEN if name != "conda"])
def test_a_choice_that_rests_on_an_unverified_row_is_said(section: str) -> None:
    sections = {name: True for name in CHOSEN if any_unverified(name)} | {section: False}
    assert len(doubts(answer(sections))) == 1


def test_an_unverified_installer_is_not_chosen() -> None:
    with pytest.raises(DlconfError, match="no installer of version any version"):
        answer({"conda": False})


def test_a_newer_build_that_was_not_read_gives_way_to_one_that_was() -> None:
    rows = list(CATALOGUE.rows("frameworks"))
    newest = next(row for row in rows if isinstance(row, model.FrameworkBuild))
    assert (newest.framework, newest.verified) == ("pytorch", True)
    guess = replace(newest, version="9.9.9", packages={"torch": "9.9.9"}, verified=False)
    machine = Machine.described(gpus=["10de:2204"], os="ubuntu-22.04", catalogue=CATALOGUE)
    catalogue = CATALOGUE.with_rows("frameworks", [guess, *rows])
    found = resolve(machine, Wishes(frameworks=("pytorch",)), catalogue).as_json()
    assert found["stack"]["frameworks"][0]["version"] == newest.version
    asked = resolve(machine, Wishes(frameworks=("pytorch==9.9.9",)), catalogue).as_json()
    assert "pytorch 9.9.9 rests on a row that is not verified" in " ".join(asked["notes"])


def test_every_row_says_whether_it_was_read_and_where() -> None:
    for section in CATALOGUE.sections():
        for row in CATALOGUE.rows(section):
            assert isinstance(row.verified, bool)
            assert len(row.source) > 3
