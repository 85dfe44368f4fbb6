"""`dlconf catalogue update` on recorded lists: what it changes, keeps, leaves out and refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dlconf.catalogue import check, load, loader
from dlconf.catalogue.update.gpus import _class
from dlconf.cli import main

RECORDED = Path(__file__).parents[1] / "recorded"
GPUS = RECORDED / "NVIDIA-Linux-x86_64-615.71.09"
RELEASES = RECORDED / "releases.json"
TORCH = RECORDED / "pypi" / "torch.json"


def update(*words: object) -> Result:
    return CliRunner().invoke(main, ["catalogue", "update", *map(str, words)])


def changes(*words: object) -> dict[str, dict[str, Any]]:
    """Give the changes of an update by section and row."""
    result = update(*words, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    return {f"{item['section']} {item['row']}": item for item in found["changes"]}


def left_out(*words: object) -> dict[str, str]:
    found = json.loads(update(*words, "--json").stdout)["left_out"]
    return {f"{item['section']} {item['row']}": item["why"] for item in found}


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


def test_older_and_verbatim_lists_agree_with_the_rows() -> None:
    for folder in ("older", "open-gpu-kernel-modules"):
        found = json.loads(update("--from", RECORDED / folder, "--json").stdout)
        assert (found["changes"], found["left_out"]) == ([], [])
        assert found["same"] in (7, 9)


def test_gpus_of_a_driver() -> None:
    found = changes("--from", GPUS)
    assert set(found) == {"gpus 1e90", "gpus 2082", "gpus 2b88"}
    subsystems = found["gpus 1e90"]["fields"]["subsystems"]
    assert set(subsystems["new"]) - set(subsystems["old"]) == {"1025:fff1"}
    assert set(subsystems["old"]) < set(subsystems["new"])
    cmp = found["gpus 2082"]
    assert {name: values["new"] for name, values in cmp["fields"].items()} == {
        "name": "NVIDIA CMP 170HX",
        "verified": True,
    }
    assert cmp["source"].startswith("Debian package pci.ids")
    assert "; supported-gpus.json of driver 615.71.09, read 20" in cmp["source"]


def test_a_new_gpu_gets_the_chip_of_the_ids_around_it_and_is_not_verified() -> None:
    new = changes("--from", GPUS)["gpus 2b88"]
    assert new["kind"] == "added"
    assert {name: values["new"] for name, values in new["fields"].items()} == {
        "id": "2b88",
        "name": "NVIDIA GeForce RTX 5090 Example",
        "chip": "GB202",
        "architecture": "blackwell",
        "compute_capability": "12.0",
        "gpu_class": "geforce",
        "kernel_modules": "open",
        "min_driver": "615.71.09",
        "notes": "chip, and what follows from it, as of the ids on both sides: GB202",
        "verified": False,
    }


def test_a_gpu_that_cannot_be_told_is_left_out_with_the_reason() -> None:
    assert left_out("--from", GPUS) == {
        "gpus 2b89": "it would be a GB202 by the ids around it, which uses open kernel modules; the"
        " list says otherwise",
        "gpus 3ff0": "the ids on both sides of it are not of one chip: add a row by hand",
    }


def test_a_list_that_contradicts_a_row_changes_nothing(tmp_path: Path) -> None:
    chip = {"name": "x", "features": ["kernelopen", "gsp_proprietary_supported"]}
    chips = [chip | {"devid": "0x1B06"}, chip | {"devid": "0x2B85"}]
    (tmp_path / "supported-gpus.json").write_text(json.dumps({"chips": chips}))
    assert changes("--from", tmp_path) == {}
    found = left_out("--from", tmp_path)
    assert found["gpus 1b06"].startswith("the list says both kernel modules, the row says propri")
    assert "the row says open" in found["gpus 2b85"]


def test_driver_releases() -> None:
    found = changes("--from", RELEASES)
    assert set(found) == {"drivers 580", "drivers 630"}
    assert found["drivers 580"]["fields"] == {
        "latest_version": {"old": "580.178.04", "new": "580.199.07"}
    }
    new = {name: values["new"] for name, values in found["drivers 630"]["fields"].items()}
    assert (new["type"], new["latest_version"], new["verified"]) == (
        "new_feature",
        "630.21.04",
        False,
    )
    assert (new["flavours"], new["cuda"]) == (["open"], "13.5")
    assert "as of branch 620" in found["drivers 630"]["guessed"]


def test_a_legacy_branch_stays_one_and_an_older_release_is_not_taken(tmp_path: Path) -> None:
    found = json.loads(RELEASES.read_text())
    assert found["470"]["type"] == "lts branch"
    assert found["535"]["driver_info"][0]["release_version"] < "535.309.01"
    assert load().drivers["470"].type == "legacy"
    assert not {"drivers 470", "drivers 535"} & set(changes("--from", RELEASES))


def test_framework_of_pypi() -> None:
    found = changes("--from", TORCH)
    assert set(found) == {"frameworks pytorch 2.15.1 pypi"}
    new = {name: v["new"] for name, v in found["frameworks pytorch 2.15.1 pypi"]["fields"].items()}
    assert new["requirements"] == ["torch==2.15.1"]
    assert new["packages"] == {"torch": "2.15.1"}
    assert new["python"] == ["3.11", "3.12", "3.13", "3.14", "3.15"]
    assert (new["cuda"], new["cudnn"], new["glibc"]) == ("13.2", "9.26.0.51", "2.28")
    assert new["verified"] is False
    assert not {"sm_verified", "companions", "backends"} & set(new)
    assert "2.14.0, 2.13.0" in left_out("--from", TORCH)["frameworks pytorch pypi"]


def test_a_framework_for_another_cuda_is_not_guessed(tmp_path: Path) -> None:
    text = TORCH.read_text().replace("]==13.2.2", "]==14.0.1")
    (tmp_path / "torch.json").write_text(text)
    assert changes("--from", tmp_path) == {}
    why = left_out("--from", tmp_path)["frameworks pytorch 2.15.1 pypi"]
    assert why == "it is built for CUDA 14.0, not 13.2: add a row by hand"


def test_what_wheels_say_replaces_what_a_row_says(tmp_path: Path) -> None:
    text = TORCH.read_text().replace("cp310-cp310-manylinux_2_28", "cp310-cp310-musllinux_1_2")
    (tmp_path / "torch.json").write_text(
        text.replace("manylinux_2_28_x86_64", "manylinux2014_x86_64")
    )
    fields = changes("--from", tmp_path)["frameworks pytorch 2.14.1 pypi"]["fields"]
    assert fields["python"]["new"] == ["3.11", "3.12", "3.13", "3.14"]
    assert fields["glibc"] == {"old": "2.28", "new": "2.17"}


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
    assert "nothing was written" in result.stderr
    found = json.loads(update("--from", RELEASES, "--to", site, "--json").stdout)
    assert found["written"] == []
    assert not site.exists()


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


def test_classes_of_names_are_those_of_the_rows() -> None:
    rows = [row for row in load().gpus.values() if row.verified]
    wrong = [row.name for row in rows if _class(row.name) != row.gpu_class]
    assert len(wrong) < len(rows) * 0.03, wrong
