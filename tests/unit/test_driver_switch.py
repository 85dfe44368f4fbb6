"""Role nvidia_driver: how apt is told that one driver takes the place of another."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.template import trust_as_template

from dlconf import content
from tests.sandbox.playbook import Variables
from tests.sandbox.stacks import planner

NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2204/x86_64  Packages"
PPA = "https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu jammy/main amd64 Packages"
ARCHIVE = "http://archive.ubuntu.com/ubuntu jammy/restricted amd64 Packages"
DEBIAN = "http://deb.debian.org:80/debian bookworm/non-free amd64 Packages"
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
EVERY = [
    "libnvidia-compute-580:amd64",
    "libnvidia-compute-580:i386",
    "nvidia-driver-580-open",
    "nvidia-firmware-580-580.178.04",
    "nvidia-open-580",
    "nvidia-driver-pinning-580",
]


def _rendered(name: str, installed: str = INSTALLED, offered: str = "", **given: Any) -> Any:
    role = content.root() / "roles" / "nvidia_driver"
    values: dict[str, Any] = {
        "nvidia_driver_branch": "595",
        "nvidia_driver_source": "nvidia",
        "nvidia_driver_flavour": "open",
        "nvidia_driver_packages": ["nvidia-open"],
        "ansible_facts": {"distribution": "Ubuntu"},
        "__nvidia_driver_drift": {"kinds": ["origin"], "ids": []},
        "__nvidia_driver_dpkg": {"stdout": installed},
        "__nvidia_driver_offered": {"stdout": offered},
    } | given
    values.setdefault("nvidia_driver_version", f"{values['nvidia_driver_branch']}.*")
    for part in ("vars", "defaults"):
        values = {**planner().read(role / part / "main.yml"), **values}
    return Variables(planner(), values).render(trust_as_template("{{ " + name + " }}"))


def _command(*given: Any, **more: Any) -> list[str]:
    command: list[str] = _rendered("__nvidia_driver_switch_command", *given, **more)
    assert command[0] == "apt-get"
    assert "--simulate" not in command
    return command[command.index("--") + 1 :]


def test_what_the_new_driver_has_not_is_removed_in_the_transaction_and_nothing_else() -> None:
    offered = (
        f" nvidia-open | 610.57.04-1ubuntu1 | {NVIDIA}\n nvidia-open | 595.99.02-1ubuntu1 | {NVIDIA}\n"
        f" libnvidia-compute-580 | 580.178.04-0ubuntu1 | {NVIDIA}\n"
    )
    assert _command(offered=offered) == [
        "nvidia-open=595.99.02-1ubuntu1",
        *(f"{name}-" for name in EVERY),
    ]


def test_a_wanted_package_that_nobody_offers_is_asked_for_by_its_branch() -> None:
    assert _command()[0] == "nvidia-open=595.*"


def test_what_both_sources_have_is_named_with_the_version_of_the_new_one() -> None:
    offered = (
        f" nvidia-driver-580-open | 580.178.04-0ubuntu1 | {NVIDIA}\n"
        f" nvidia-driver-580-open | 580.178.04-0ubuntu0~gpu22.04.1 | {PPA}\n"
        f" libnvidia-compute-580 | 580.178.04-0ubuntu1 | {NVIDIA}\n"
        f" libnvidia-compute-580 | 580.178.04-0ubuntu0~gpu22.04.1 | {PPA}\n"
    )
    given: dict[str, Any] = {
        "nvidia_driver_branch": "580",
        "nvidia_driver_source": "ppa",
        "nvidia_driver_packages": ["nvidia-driver-580-open"],
    }
    of_ppa = "580.178.04-0ubuntu0~gpu22.04.1"
    assert _command(offered=offered, **given) == [
        f"nvidia-driver-580-open={of_ppa}",
        f"libnvidia-compute-580:amd64={of_ppa}",
        f"libnvidia-compute-580:i386={of_ppa}",
        "nvidia-firmware-580-580.178.04-",
        "nvidia-open-580-",
        "nvidia-driver-pinning-580-",
    ]
    assert _rendered("__nvidia_driver_unmet", **given) == []
    assert _rendered("__nvidia_driver_is_switch", offered=offered, **given) is True


def test_debians_driver_takes_the_place_of_nvidias_of_the_same_names() -> None:
    installed = """\
nvidia-graphics-drivers|hi |libcuda1:amd64|595.71.05-1
nvidia-graphics-drivers|hi |nvidia-driver|595.71.05-1
nvidia-graphics-drivers|hi |nvidia-kernel-open-dkms|595.71.05-1
nvidia-open|hi |nvidia-open|595.71.05-1
"""
    offered = "".join(
        f" {name} | {version} | {index}\n"
        for version, index in (("595.71.05-1", NVIDIA), ("535.261.03-1", DEBIAN))
        for name in ("libcuda1", "nvidia-driver", "nvidia-kernel-dkms")
    )
    given = {
        "nvidia_driver_branch": "535",
        "nvidia_driver_source": "distribution",
        "nvidia_driver_flavour": "proprietary",
        "nvidia_driver_packages": ["nvidia-driver", "nvidia-kernel-dkms"],
        "ansible_facts": {"distribution": "Debian"},
    }
    assert _command(installed, offered, **given) == [
        "nvidia-driver=535.261.03-1",
        "nvidia-kernel-dkms=535.261.03-1",
        "libcuda1:amd64=535.261.03-1",
        "nvidia-kernel-open-dkms-",
        "nvidia-open-",
    ]


@pytest.mark.parametrize(
    ("flavour", "wanted", "gone"),
    [
        ("open", "nvidia-driver-open", ["nvidia-driver", "nvidia-dkms", "cuda-drivers"]),
        ("proprietary", "nvidia-driver", []),
    ],
)
def test_the_modules_of_the_other_flavour_make_way(
    flavour: str, wanted: str, gone: list[str]
) -> None:
    names = ("nvidia-driver", "nvidia-dkms", "cuda-drivers", "libnvidia-compute")
    installed = "".join(
        f"nvidia-graphics-drivers|hi |{name}|595.71.05-1ubuntu1\n" for name in names
    )
    offered = "".join(f" {name} | 595.71.05-1ubuntu1 | {NVIDIA}\n" for name in (*names, wanted))
    given = {"nvidia_driver_packages": [wanted], "nvidia_driver_flavour": flavour}
    asked = _command(installed, offered, **given)
    assert asked == [f"{wanted}=595.71.05-1ubuntu1", *(f"{name}-" for name in gone)]


@pytest.mark.parametrize(
    ("source", "index", "whose"),
    [
        ("ppa", ARCHIVE, []),
        ("ppa", NVIDIA, ["libnvidia-compute-580"]),
        (
            "ppa",
            "file:/var/cuda-repo-ubuntu2204-13-2-local  Packages",
            ["libnvidia-compute-580"],
        ),
        ("distribution", PPA, ["libnvidia-compute-580"]),
        ("nvidia", PPA, ["libnvidia-compute-580"]),
        ("nvidia", ARCHIVE, []),
    ],
)
def test_an_installed_package_of_another_source_is_told(
    source: str, index: str, whose: list[str]
) -> None:
    installed = "nvidia-graphics-drivers-580|hi |libnvidia-compute-580|580.178.04-0ubuntu1\n"
    offered = f" libnvidia-compute-580 | 580.178.04-0ubuntu1 | {index}\n"
    given = {"nvidia_driver_branch": "580", "nvidia_driver_source": source}
    assert _rendered("__nvidia_driver_foreign", installed, offered, **given) == whose


def test_nothing_makes_way_where_the_driver_is_there() -> None:
    more = "nvidia-open|hi |nvidia-open|595.71.05-1ubuntu1\n"
    assert _rendered("__nvidia_driver_is_switch", INSTALLED + more) is False


def test_a_first_driver_takes_no_place() -> None:
    assert _rendered("__nvidia_driver_is_switch", "") is False
