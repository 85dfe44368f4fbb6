"""The edges of the resolver: machines from facts and from words, the record, the JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.version import Version

from dlconf.catalogue import Catalogue, load
from dlconf.errors import UsageError
from dlconf.resolve import record, resolve
from dlconf.resolve.pins import parse_pin
from dlconf.stack import Machine
from dlconf.wishes import Wishes

FACTS = Path(__file__).parents[1] / "facts"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


@pytest.mark.parametrize(
    ("words", "device"),
    [
        ("NVIDIA GeForce RTX 3090", "2204"),
        ("rtx 3090", "2204"),
        ("3090", "2204"),
        ("2204", "2204"),
        ("0x2204", "2204"),
        ("10DE:2204", "2204"),
        ("GTX 1080 Ti", "1b06"),
        ("GTX 1080", "1b80"),
        ("10de:1080", "1080"),
        ("beef", "beef"),
    ],
)
def test_a_gpu_is_found_by_name_and_by_id(words: str, device: str, catalogue: Catalogue) -> None:
    machine = Machine.described(gpus=[words], os="ubuntu-22.04", catalogue=catalogue)
    assert [gpu.device for gpu in machine.gpus] == [device]


@pytest.mark.parametrize(
    ("words", "hint"),
    [("RTX 30900", "RTX 3090"), ("1080", "10de:1080"), ("GeForce GT 730", "PCI id")],
)
def test_a_name_of_none_or_of_many_is_an_error(words: str, hint: str, catalogue: Catalogue) -> None:
    with pytest.raises(UsageError) as caught:
        Machine.described(gpus=[words], os="ubuntu-22.04", catalogue=catalogue)
    assert hint in caught.value.hint


def test_only_nvidia_display_functions_are_gpus() -> None:
    machine = Machine.from_facts(json.loads((FACTS / "h100-x8-ubuntu-22.04.json").read_text()))
    assert {gpu.device for gpu in machine.gpus} == {"2330"}
    assert len(machine.gpus) == 8


def test_the_json_has_exactly_the_agreed_keys(catalogue: Catalogue) -> None:
    machine = Machine.described(gpus=["3090"], os="ubuntu-22.04", catalogue=catalogue)
    answer = resolve(machine, Wishes(frameworks=("pytorch",)), catalogue).as_json()
    assert list(answer) == ["stack", "install", "reasons", "notes", "gpus"]
    assert {
        name: sorted(value) for name, value in answer["stack"].items() if name != "frameworks"
    } == {
        "driver": ["branch", "flavour", "version"],
        "cuda": ["version"],
        "cudnn": ["version"],
        "python": ["version"],
    }
    assert sorted(answer["stack"]["frameworks"][0]) == ["name", "requirements", "version"]
    assert all(
        sorted(item) == ["because", "choice", "component", "source"] and all(item.values())
        for item in answer["reasons"]
    )
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    "facts",
    sorted(
        path.stem
        for path in FACTS.glob("*.json")
        if "5090" not in path.stem or "1080" not in path.stem
    ),
)
def test_a_recorded_choice_is_made_again(facts: str, catalogue: Catalogue) -> None:
    given = json.loads((FACTS / f"{facts}.json").read_text())
    wishes = Wishes(frameworks=("pytorch",))
    first = resolve(given, wishes, catalogue)
    given["record"] = json.loads(json.dumps(record(first)))
    again = resolve(given, wishes, catalogue)
    assert again.stack == first.stack
    assert again.install == first.install
    assert not any("not kept" in note for note in again.notes)


@pytest.mark.parametrize(
    ("text", "version", "allowed"),
    [
        ("12.8", "12.8.1", True),
        ("12.8", "12.80.1", False),
        ("12.8.1", "12.8.0", False),
        (">=12.4,<13", "12.9.1", True),
        (">=12.4,<13", "13.0.0", False),
        ("==12.8.*", "12.8.1", True),
        ("2.14.1+cu126", "2.14.1+cu126", True),
        ("2.14.1+cu126", "2.14.1+cpu", False),
        ("2.14.1", "2.14.1+cpu", True),
    ],
)
def test_a_pin_is_a_version_a_prefix_or_a_range(text: str, version: str, allowed: bool) -> None:

    assert parse_pin("cuda", text).allows_version(Version(version)) is allowed
