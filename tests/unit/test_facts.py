"""What is read out of a host's facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlconf import facts

RECORDED = Path(__file__).parent.parent / "facts"


@pytest.mark.parametrize(
    ("host", "slots"),
    [
        ("h100-x8-ubuntu-22.04", ["0000:05:00.0", "0000:06:00.0", "0000:07:00.0", "0000:08:00.0"]),
        ("rtx-3090-ubuntu-22.04", []),
    ],
)
def test_nvswitches(host: str, slots: list[str]) -> None:
    recorded = json.loads((RECORDED / f"{host}.json").read_text(encoding="utf-8"))
    assert facts.nvswitches(facts.read(recorded)["pci"]) == slots


def test_a_bridge_of_nvidia_s_chipsets_is_no_nvswitch() -> None:
    recorded = json.loads((RECORDED / "rtx-3090-ubuntu-22.04.json").read_text(encoding="utf-8"))
    mcp55_ethernet = recorded["pci"][0] | {"device": "0373", "class": "068000"}
    recorded["pci"].append(mcp55_ethernet)
    assert facts.nvswitches(facts.read(recorded)["pci"]) == []
