"""`dlconf catalogue`: what it lists, finds and says is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dlconf.catalogue import load
from dlconf.cli import main

BAD_ROWS = """
gpus:
- {id: "1b06", compute_capability: 6.1, nam: x, source: a test}
- {id: "1b06", name: x, source: a test}
- {id: "1b81", compute_capability: "6.0"}
- {name: x}
- {id: "fff0", name: X, source: "@nowhere"}
drivers:
- {branch: "590", architectures: [pascal], source: a test}
gpu:
- {}
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["catalogue", *words])


def only_json(result: Result) -> dict[str, Any]:
    assert result.stdout.count("\n") == 1
    loaded: dict[str, Any] = json.loads(result.stdout)
    assert loaded["schema"] == 1
    return loaded


@pytest.fixture
def bad_file(tmp_path: Path) -> Path:
    file = tmp_path / "my-rows.yml"
    file.write_text(BAD_ROWS)
    return file


def test_nothing_is_wrong_with_the_bundled_rows() -> None:
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "the catalogue: 0 problems\n")


def test_check_lists_every_problem_with_file_row_field_expected_and_found(bad_file: Path) -> None:
    result = run("check", str(bad_file))
    assert result.exit_code == 1
    assert result.stderr == f"{bad_file}: 12 problems\n"
    lines = [line.removeprefix(f"{bad_file}: ") for line in result.stdout.splitlines()]
    assert [line for line in lines if not line.startswith(" ")] == [
        "gpus 1b06: expected one row of that name, found 2",
        "gpus row 4: id: missing; expected a value, which is part of the row's name",
        "gpu: unknown section",
        "gpus 1b81: source: missing; expected where the facts of this file come from",
        "gpus 1b06: compute_capability: expected text or null, found 6.1",
        "gpus 1b06: nam: unknown field",
        "gpus fff0: source: expected where the facts come from, or @ID of the file's sources section,"
        " found '@nowhere'",
        "gpus fff0: architecture: missing; expected text",
        "gpus fff0: gpu_class: missing; expected text",
        "gpus fff0: kernel_modules: missing; expected text",
        "gpus 1b81: compute_capability: expected 6.1 for a GP104 of pascal, found '6.0'",
        "drivers 590: architectures: expected none that ended before (branch 580 is its last),"
        " found 'pascal'",
    ]
    assert "  Did you mean gpus?" in lines


def test_check_gives_the_same_as_json(bad_file: Path) -> None:
    result = run("check", str(bad_file), "--json")
    assert result.exit_code == 1
    problems = only_json(result)["problems"]
    assert len(problems) == 12
    assert problems[4] == {
        "file": str(bad_file),
        "section": "gpus",
        "row": "1b06",
        "field": "compute_capability",
        "expected": "text or null",
        "found": "6.1",
        "hint": 'A version must be quoted: "12.10" and 12.1 are different things.',
        "message": f"{bad_file}: gpus 1b06: compute_capability: expected text or null, found 6.1",
    }


def test_check_finds_what_a_site_row_breaks_in_the_bundled_ones(tmp_path: Path) -> None:
    file = tmp_path / "my-rows.yml"
    file.write_text("architectures:\n- {name: turing, kernel_modules: open, source: a test}\n")
    result = run("check", str(file))
    assert result.exit_code == 1
    assert result.stdout.startswith("gpus.yml: gpus 1e02: kernel_modules: expected open for turing")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("gpus: [", "not YAML"),
        ("gpus: 5", "a list of rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_exit_2(
    tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "my-rows.yml"
    if content is not None:
        file.write_text(content)
    result = run("check", str(file))
    assert result.exit_code == 2
    assert f"{file}: " in result.stderr
    assert message in result.stderr
    assert run("list", "gpus", "--catalogue", str(file)).exit_code == 2


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("gpus", ["2204", "GeForce RTX 3090", "GA102", "ampere", "8.6", "24576", "both"]),
        ("drivers", ["580", "580.178.04", "long-term", "2028-06", "maxwell to blackwell", "13.0"]),
        ("cuda", ["8.0.61", "375.26", "sm_20 to sm_62", "ubuntu1604"]),
        ("cudnn", ["9.10.2.21", "12.x", "5.0", "525.60.13", "cudnn9-cuda-12"]),
        ("frameworks", ["mxnet", "1.9.1", "cu112", "11.2", "3.6 to 3.11", "sm_50 to sm_86"]),
    ],
)
def test_a_list_has_every_row_below_its_heads(kind: str, parts: list[str]) -> None:
    lines = run("list", kind).stdout.splitlines()
    rows = load().rows(kind)
    assert len(lines) == len(rows) + 2
    assert lines[-1] == f"{len(rows)} rows"
    assert any(all(part in line for part in parts) for line in lines)
    assert sum(line.endswith("not verified") for line in lines) == sum(
        not row.verified for row in rows
    )
    found = only_json(run("list", kind, "--json"))[kind]
    assert [row["source"] for row in found] == [row.source for row in rows]


def test_without_a_kind_the_sections_are_listed() -> None:
    assert "gpus               1213" in run("list").stdout
    sections = only_json(run("list", "--json"))["sections"]
    assert {row["section"] for row in sections} == set(load().sections())
    assert next(row for row in sections if row["section"] == "gpus")["file"] == "gpus.yml"


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    result = run("list", "driver")
    assert result.exit_code == 2
    assert "nearest names: drivers" in result.stderr


def test_gpu_shows_all_that_follows() -> None:
    text = run("gpu", "gtx 1080 ti").stdout
    for line in (
        "NVIDIA GeForce GTX 1080 Ti (PCI id 10de:1b06)",
        "  architecture             pascal, chip GP102",
        "  compute capability       6.1",
        "  kernel modules           proprietary",
        "  driver branches          367 to 580, its last",
        "    on debian-13           550, 535",
        "  newest CUDA              12.9.2, from driver 575.57.08",
        "  newest cuDNN             9.10.2.21 for CUDA 12",
        "  newest pytorch           2.14.1+cu126",
        "  newest tensorflow        2.21.0 (and-cuda)",
        "  newest mxnet             1.9.1 (cu112)",
    ):
        assert line in text.splitlines()
    found = only_json(run("gpu", "10de:1b06", "--json"))
    assert found["gpu"]["frameworks"]["pytorch"] == "2.14.1+cu126"
    assert found["gpu"]["driver_branches"][-1] == "580"
    assert found["gpu"]["row"]["chip"] == "GP102"


def test_gpu_lists_no_build_that_needs_a_cuda_without_code_for_the_card() -> None:
    blackwell = only_json(run("gpu", "RTX 5090", "--json"))["gpu"]
    assert {"mxnet", "cntk", "lasagne"} <= set(blackwell["without_a_build"])
    assert blackwell["frameworks"]["pytorch"] == "2.15.0"
    assert blackwell["flavours"] == ["open"]
    kepler = only_json(run("gpu", "k80", "--json"))["gpu"]
    assert kepler["packaged"]["debian-12"] == ["470"]
    assert kepler["packaged"]["ubuntu-24.04"] == []
    assert kepler["cuda"] == "11.8.0"


def test_gpu_takes_a_number_for_a_name_before_an_id() -> None:
    found = only_json(run("gpu", "1080", "--json"))
    assert found["gpu"]["name"] == "NVIDIA GeForce GTX 1080"
    assert {"id": "1080", "name": "GeForce GTX 580"} in found["similar"]
    assert only_json(run("gpu", "10de:1080", "--json"))["gpu"]["name"] == "GeForce GTX 580"
    assert "Similar names: NVIDIA GeForce RTX 3090 Ti (2203)" in run("gpu", "rtx 3090").stdout


def test_gpu_judges_an_unknown_id_and_says_how() -> None:
    result = run("gpu", "10de:2999")
    assert result.exit_code == 0
    assert "the catalogue does not have this id: taken for a GB102 (blackwell)" in result.stdout
    assert not only_json(run("gpu", "0x2999", "--json"))["gpu"]["known"]


def test_gpu_says_that_a_row_is_not_verified() -> None:
    row = next(row for row in load().gpus.values() if not row.verified)
    assert "its row is not verified" in run("gpu", row.id).stdout


def test_gpu_refuses_a_card_before_kepler() -> None:
    text = run("gpu", "10de:1080").stdout
    assert re.search(r"supported +no: frameworks and their drivers need", text)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    result = run("gpu", "GeForce RTX 309X")
    assert result.exit_code == 2
    assert "the catalogue has no GPU 'GeForce RTX 309X'" in result.stderr
    assert "NVIDIA GeForce RTX 3090" in result.stderr


def test_a_site_row_is_found(tmp_path: Path) -> None:
    file = tmp_path / "my-rows.yml"
    file.write_text('gpus:\n- {id: "2204", name: Our Card, source: our shop}\n')
    assert "Our Card (PCI id 10de:2204)" in run("gpu", "our card", "--catalogue", str(file)).stdout


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    result = run("chek")
    assert result.exit_code == 2
    assert "nearest names: check" in result.stderr
