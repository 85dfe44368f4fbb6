"""Role nvidia_driver: which packages make way for a driver whose names carry no branch, and how apt is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.template import trust_as_template

from dlconf import content
from tests.sandbox.playbook import Variables
from tests.sandbox.stacks import planner

INSTALLED = """\
nvidia-graphics-drivers-580|hi |libnvidia-compute-580:amd64|580.178.04-0ubuntu1
nvidia-graphics-drivers-580|hi |libnvidia-compute-580:i386|580.178.04-0ubuntu1
nvidia-graphics-drivers-580|ii |nvidia-driver-580-open|580.178.04-0ubuntu1
nvidia-graphics-drivers|ii |nvidia-firmware-580-580.178.04|580.178.04-0ubuntu1
nvidia-open|ii |nvidia-open-580|580.178.04-0ubuntu1
nvidia-graphics-drivers-470|rc |nvidia-dkms-470|470.256.02-0ubuntu1
nvidia-driver-pinning-580|ii |nvidia-driver-pinning-580|580.178.04-0ubuntu1
nvidia-settings|ii |nvidia-settings|580.178.04-0ubuntu1
libnvidia-container|ii |libnvidia-container1:amd64|1.18.0-1
"""
GO = [
    "libnvidia-compute-580:amd64",
    "libnvidia-compute-580:i386",
    "nvidia-driver-580-open",
    "nvidia-firmware-580-580.178.04",
    "nvidia-open-580",
]


def _rendered(name: str, branch: str = "595", source: str = "nvidia", more: str = "") -> Any:
    role = content.root() / "roles" / "nvidia_driver"
    values: dict[str, Any] = {
        "nvidia_driver_branch": branch,
        "nvidia_driver_source": source,
        "nvidia_driver_packages": ["nvidia-open"],
        "nvidia_driver_version": f"{branch}.*",
        "ansible_facts": {"distribution": "Ubuntu"},
        "__nvidia_driver_dpkg": {"stdout": INSTALLED + more},
    }
    for part in ("vars", "defaults"):
        values = {**planner().read(role / part / "main.yml"), **values}
    return Variables(planner(), values).render(trust_as_template("{{ " + name + " }}"))


def test_the_old_drivers_packages_make_way_and_nothing_else() -> None:
    assert _rendered("__nvidia_driver_makes_way") == GO


def test_apt_installs_and_removes_in_one_transaction() -> None:
    command = _rendered("__nvidia_driver_switch_command")
    asked = command[command.index("--") + 1 :]
    assert asked == ["nvidia-open=595.*", *(f"{name}-" for name in GO)]
    assert "--simulate" not in command


@pytest.mark.parametrize(
    ("branch", "source", "more"),
    [
        ("580", "nvidia", ""),
        ("595", "ppa", ""),
        ("595", "distribution", ""),
        ("595", "nvidia", "nvidia-open|hi |nvidia-open|595.71.05-1ubuntu1\n"),
    ],
    ids=["names with the branch", "the PPA", "Ubuntu's own", "the driver is there"],
)
def test_nothing_makes_way_where_apt_finds_the_way(branch: str, source: str, more: str) -> None:
    assert _rendered("__nvidia_driver_makes_way", branch, source, more) == []
