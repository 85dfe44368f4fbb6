"""docs/catalogue.md: each worked example is a file that loads, and the resolver then chooses its row."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlconf.catalogue import check, loader
from dlconf.catalogue.reader import read_lines
from dlconf.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text()
SECTIONS = dict(re.findall(r"^## (Adding .*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def block(heading: str, language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", SECTIONS[heading], re.M | re.S)
    return str(found)


def answer(heading: str) -> str:
    """Give what the example's command prints, each run of blanks as one, in the folder of my-rows.yml."""
    words = shlex.split(block(heading, "sh"))
    result = CliRunner().invoke(main, words[1:])
    assert result.exit_code == 0, result.output
    return "\n".join(" ".join(line.split()) for line in result.stdout.splitlines())


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    loader.forget()  # another example's file of the same name
    return tmp_path / "my-rows.yml"


def test_the_page_tells_how_to_add_each_kind() -> None:
    assert list(SECTIONS) == [
        "Adding a GPU",
        "Adding a driver branch",
        "Adding a CUDA release",
        "Adding a framework build",
    ]


@pytest.mark.parametrize("heading", SECTIONS)
def test_an_example_is_a_sound_file_in_the_quick_form(heading: str, rows: Path) -> None:
    rows.write_text(block(heading, "yaml"))
    assert read_lines(rows.read_text()) is not None
    assert check([rows]) == []


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_resolver_chooses_the_row_of_an_example(heading: str, rows: Path) -> None:
    rows.write_text(block(heading, "yaml"))
    text = answer(heading)
    for line in block(heading, "text").splitlines():
        assert " ".join(line.split()) in text


@pytest.mark.parametrize("heading", [name for name in SECTIONS if name != "Adding a GPU"])
def test_without_the_row_it_is_not_chosen(heading: str, rows: Path) -> None:
    rows.write_text("")
    first = block(heading, "text").splitlines()[-2 if "framework" in heading else 0]
    assert " ".join(first.split()) not in answer(heading)
