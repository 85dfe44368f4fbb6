"""Every relation that the mirror's packages state names a row of docs/vendors.md, or is called a guess."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.mirror import every
from tests.lab.mirror.debs import Deb
from tests.lab.mirror.relations import FIELDS, GUESS, STAND_IN

VENDORS = (Path(__file__).parents[2] / "docs" / "vendors.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| ([a-z0-9-]+) \| (.+?) \| (seen|ran|said|open) \| (.*?) ?\| (\S+) \|$",
    VENDORS,
    re.MULTILINE,
)
IDS = {row[0] for row in ROWS}
DEBS = list(every.packages())


def test_every_relation_has_a_source() -> None:
    used = {(relation.source, deb.name) for deb in DEBS for relation in deb.relations}
    unknown = {(source, name) for source, name in used if source not in IDS | {GUESS, STAND_IN}}
    assert not unknown


def test_relations_are_stated_as_relations() -> None:
    assert not [(deb.name, field) for deb in DEBS for field in deb.fields if field in FIELDS]


def test_rows_are_whole() -> None:
    tables = [line for line in VENDORS.splitlines() if line.startswith("| ") and "---" not in line]
    headings = [line for line in tables if line.startswith("| id |")]
    assert len(ROWS) == len(tables) - len(headings) == len(IDS)
    assert all(source or state == "open" for _, _, state, source, _ in ROWS)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", date) for *_, date in ROWS)


@pytest.mark.parametrize("deb", [Deb("x", "1", fields={"Depends": "y"})])
def test_a_relation_among_the_other_fields_is_found(deb: Deb) -> None:
    assert [field for field in deb.fields if field in FIELDS] == ["Depends"]


def test_every_answer_is_of_an_open_row() -> None:
    is_open = {row[0] for row in ROWS if row[2] == "open"}
    assert is_open == {
        "cudnn-release-version",
        "cudnn-majors",
        "cudnn-releases",
        "nvidia-pin-along",
        "ppa-newest",
    }
