"""`dlconf catalogue update`: what it writes, and when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from dlconf.catalogue import check, load, loader
from dlconf.cli import main
from tests.unit.test_catalogue_update import RECORDED, RELEASES, update


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "my-rows.yml"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a copy of the bundled files in the place of the real ones."""
    copy = tmp_path / "data"
    shutil.copytree(loader.DATA, copy)
    monkeypatch.setattr(loader, "DATA", copy)
    yield copy
    loader.forget()


def test_a_site_file_is_written_and_a_second_run_changes_nothing(site: Path) -> None:
    first = update("--from", RECORDED, "--to", site, "--yes")
    assert first.exit_code == 0, first.output
    assert f"written: {site}" in first.stdout
    assert "+ gpus 2b88" in first.stdout
    assert "    not verified: chip, and what follows" in first.stdout
    assert '    latest_version: "580.178.04" -> "580.199.07"' in first.stdout
    assert '    subsystems: and {"1025:fff1"' in first.stdout
    written = site.read_text()
    assert check([site]) == []
    rows = load([site])
    assert rows.gpus["2b88"].chip == "GB202"
    assert rows.drivers["580"].latest_version == "580.199.07"
    assert rows.drivers["580"].end_of_life == "2028-06"
    assert rows.gpus["1b06"] == load().gpus["1b06"]
    assert json.loads(next(line for line in written.splitlines() if '"580"' in line)[2:]) == {
        "branch": "580",
        "latest_version": "580.199.07",
        "source": rows.drivers["580"].source,
    }
    second = update("--from", RECORDED, "--to", site, "--yes")
    assert "0 rows added, 0 changed" in second.stdout
    assert site.read_text() == written


def test_the_bundled_files_change_by_the_rows_concerned_only(data: Path) -> None:
    before = {path.name: path.read_text().splitlines() for path in data.iterdir()}
    result = update("--from", RECORDED, "--yes")
    assert result.exit_code == 0, result.output
    differing = {}
    for path in data.iterdir():
        after = path.read_text().splitlines()
        if after != before[path.name]:
            differing[path.name] = [line for line in after if line not in before[path.name]]
            assert [line for line in after if line in before[path.name]] == [
                line for line in before[path.name] if line in after
            ]
    assert {name: len(lines) for name, lines in differing.items()} == {
        "gpus.yml": 3,
        "drivers.yml": 2,
        "frameworks.yml": 1,
    }
    rows = load()
    ids = list(rows.gpus)
    assert ids[ids.index("2b88") - 1 : ids.index("2b88") + 2] == ["2b87", "2b88", "2b8c"]
    assert list(rows.drivers)[-1] == "630"
    assert rows.frameworks["pytorch"][0].version == "2.15.1"
    assert check() == []
    assert "0 rows added, 0 changed" in update("--from", RECORDED, "--yes").stdout


def test_nothing_is_written_unless_agreed(site: Path) -> None:
    result = update("--from", RELEASES, "--to", site)
    assert result.exit_code == 0
    assert "nothing was written; --yes writes it" in result.stderr
    found = json.loads(update("--from", RELEASES, "--to", site, "--json").stdout)
    assert found["written"] == []
    assert not site.exists()


@pytest.mark.parametrize(("answer", "is_written"), [("n", False), ("y", True)])
def test_on_a_terminal_it_asks(
    monkeypatch: pytest.MonkeyPatch, site: Path, answer: str, is_written: bool
) -> None:
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("dlconf.cli.catalogue.update.sys", terminal)
    words = ["catalogue", "update", "--from", str(RELEASES), "--to", str(site)]
    result = CliRunner().invoke(main, words, input=f"{answer}\n")
    assert "Write these rows?" in result.stderr
    assert site.exists() == is_written


def test_what_would_break_the_catalogue_is_not_written(tmp_path: Path, site: Path) -> None:
    chips = [{"devid": "0x1B06", "name": "NVIDIA GeForce GTX 1080 Ti", "legacybranch": "999.xx"}]
    (tmp_path / "supported-gpus.json").write_text(json.dumps({"chips": chips}))
    result = update("--from", tmp_path, "--to", site, "--yes")
    assert result.exit_code == 2
    assert "nothing was written" in result.stderr
    assert "last_branch: expected 580 or older for pascal, found '999'" in result.stderr
    assert not site.exists()


def test_a_site_file_in_another_form_is_not_spoilt(site: Path) -> None:
    text = "gpus:\n  # our own card\n  - id: '2204'\n    name: Ours\n    source: our shop\n"
    site.write_text(text)
    result = update("--from", RELEASES, "--to", site, "--yes")
    assert result.exit_code == 2
    assert "my-rows.yml: not written one row a line" in result.stderr
    assert site.read_text() == text


def test_an_installed_catalogue_is_not_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("dlconf.content.root", lambda: tmp_path)
    result = update("--from", RELEASES, "--yes")
    assert result.exit_code == 2
    assert "the data of an installed dlconf is not changed" in result.stderr
    assert "--to my-rows.yml" in result.stderr
