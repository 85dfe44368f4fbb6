"""Advice on hardware: each warning where it is due, and only there; silenced by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlconf import advice
from dlconf.errors import UsageError
from dlconf.hosts import HostState
from dlconf.report import detect

FACTS = Path(__file__).parents[1] / "facts"
SLOT = "0000:01:00.0"
FULL_LINK = {
    "speed_gts": 2.5,  # idle
    "max_speed_gts": 16.0,
    "port_speed_gts": 16.0,
    "width": 16.0,
    "max_width": 16.0,
    "port_width": 16.0,
}


def facts(**changes: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FACTS / "rtx-3090-ubuntu-22.04.json").read_text())
    link = changes.pop("link", FULL_LINK)
    loaded["pci"][0]["link"] = link
    return loaded | changes


def gpu(memory_mib: int | None = 24576) -> dict[str, Any]:
    return {"slot": SLOT, "name": "NVIDIA GeForce RTX 3090", "memory_mib": memory_mib}


@pytest.mark.parametrize(
    ("changes", "gpus", "names", "words"),
    [
        ({}, [gpu()], [], ""),
        ({}, [], [], ""),  # no GPU, nothing to hold back
        ({"memory_mib": 16000}, [gpu()], ["ram"], "16 GiB of RAM for 24 GiB of GPU memory"),
        ({"memory_mib": 24100}, [gpu()], [], ""),  # sold as 24 GiB
        ({"memory_mib": 40000}, [gpu(), gpu()], ["ram"], "48 GiB"),
        ({"memory_mib": 16000}, [gpu(), gpu(None)], ["ram"], "at least 24 GiB"),
        ({"memory_mib": 16000}, [gpu(None)], [], ""),
        ({}, [gpu(2048)], ["gpu-memory"], "2.0 GiB: too little to train"),
        ({}, [gpu(4096)], [], ""),
        (
            {"data_disk": {"path": "/data", "devices": ["sda"], "rotational": True}},
            [gpu()],
            ["data-disk"],
            "/data lies on a hard disk (sda)",
        ),
        ({"data_disk": {"path": "/", "devices": ["vda"], "rotational": None}}, [gpu()], [], ""),
        ({"data_disk": {"path": "/", "devices": ["md0"], "rotational": False}}, [gpu()], [], ""),
        (
            {"link": FULL_LINK | {"width": 8.0, "port_width": 8.0}},
            [gpu()],
            ["pcie-link"],
            "8 of its 16 lanes: its slot has 8",
        ),
        ({"link": FULL_LINK | {"width": 4.0}}, [gpu()], ["pcie-link"], "reseat the card"),
        (
            {"link": FULL_LINK | {"port_speed_gts": 8.0}},
            [gpu()],
            ["pcie-link"],
            "does 8 GT/s and the card 16",
        ),
        (
            {"link": FULL_LINK | {"width": 8.0, "port_speed_gts": 8.0}},
            [gpu()],
            ["pcie-link", "pcie-link"],
            "lanes",
        ),
        ({"link": dict.fromkeys(FULL_LINK)}, [gpu()], [], ""),  # a virtual machine
        (
            {"temperatures": [{"slot": SLOT, "celsius": 88, "limit_celsius": 93}]},
            [gpu()],
            ["temperature"],
            "at 88 °C and slows down from 93",
        ),
        ({"temperatures": [{"slot": SLOT, "celsius": 87, "limit_celsius": 93}]}, [gpu()], [], ""),
        ({"temperatures": [{"slot": SLOT, "celsius": 99, "limit_celsius": None}]}, [gpu()], [], ""),
    ],
)
def test_a_warning_where_it_is_due(
    changes: dict[str, Any], gpus: list[dict[str, Any]], names: list[str], words: str
) -> None:
    found = advice.of_hardware(facts(**changes), gpus)
    assert [item.name for item in found] == names
    assert words in (found[0].text if found else "")
    assert all(item.source and item.about for item in found)


@pytest.mark.parametrize("path", sorted(FACTS.glob("*.json")), ids=lambda path: path.stem)
def test_facts_of_a_first_version_are_read_as_well(path: Path) -> None:
    recorded = json.loads(path.read_text())
    found = detect.host_data(HostState("gpu1", "in_sync", recorded))
    assert {item["name"] for item in found["warnings"]} <= set(advice.NAMES)


@pytest.mark.parametrize("name", [None, "ram", "pcie-link"])
def test_an_inventory_silences_a_warning_by_its_name(name: str | None) -> None:
    recorded = facts(memory_mib=8000, link=FULL_LINK | {"width": 1.0})
    host = HostState(
        "gpu1", "in_sync", recorded, variables={"dlconf_silence": [name]} if name else None
    )
    found = detect.host_data(host)
    assert [item["name"] for item in found["warnings"]] == [
        known for known in ("ram", "pcie-link") if known != name
    ]
    assert found["silenced"] == ([name] if name else [])


@pytest.mark.parametrize("value", ["pcie-link", ["pci-link"], [1], 5])
def test_a_name_that_is_no_warning_is_an_error(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        advice.silenced({"dlconf_silence": value})
    assert "dlconf_silence" in caught.value.message
    assert "pcie-link" in caught.value.hint


@pytest.mark.parametrize("value", ["data", 5, ["/data"]])
def test_a_data_path_is_absolute(value: Any) -> None:
    with pytest.raises(UsageError, match="dlconf_data_path"):
        advice.data_path(value)
    assert advice.data_path(None) == advice.DEFAULT_DATA_PATH
    assert advice.data_path("/data") == "/data"
