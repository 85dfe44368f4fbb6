"""`dlconf catalogue update` on recorded lists: what it changes, keeps, leaves out and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from dlconf.catalogue import load
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


def test_a_release_that_is_not_understood_does_not_hold_up_the_others(tmp_path: Path) -> None:
    found = json.loads(RELEASES.read_text())
    found["580"]["driver_info"].append({"release_version": "581.15", "release_date": ""})
    found["610"] = {"type": "new feature branch", "driver_info": [{"release_version": "soon"}]}
    (tmp_path / "releases.json").write_text(json.dumps(found))
    assert set(changes("--from", tmp_path)) == {"drivers 580", "drivers 630"}
    assert left_out("--from", tmp_path) == {"drivers 610": "none of its releases is understood"}


def test_a_list_that_says_what_the_rows_say_changes_none_of_them(tmp_path: Path) -> None:
    chips = []
    for row in load().gpus.values():
        if not row.verified or row.kernel_modules == "open":
            continue
        chip = {"devid": f"0x{row.id.upper()}", "name": row.name, "features": ["geforce"]}
        chips.append(chip | ({"legacybranch": f"{row.last_branch}.xx"} if row.last_branch else {}))
        for subsystem, name in row.subsystems.items():
            vendor, device = subsystem.split(":")
            ids = {"subvendorid": f"0x{vendor.upper()}", "subdevid": f"0x{device.upper()}"}
            chips.append(chip | ids | {"name": name})
    (tmp_path / "supported-gpus.json").write_text(json.dumps({"chips": chips}))
    found = json.loads(update("--from", tmp_path, "--json").stdout)
    assert (found["changes"], found["left_out"]) == ([], [])
    assert found["same"] > 800


def test_classes_of_names_are_those_of_the_rows() -> None:
    rows = [row for row in load().gpus.values() if row.verified]
    wrong = [row.name for row in rows if _class(row.name) != row.gpu_class]
    assert len(wrong) < len(rows) * 0.03, wrong
