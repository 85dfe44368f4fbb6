"""What a plan says of the roles' work: whether packages change, and so whether the GPUs have to prove it."""

from __future__ import annotations

import pytest

from dlconf.contract import KINDS, Difference
from dlconf.plan import SETTING_KINDS, Plan, touches_packages


def planned(kind: str, name: str) -> Plan:
    return Plan({"role": (Difference(kind, name, "change", "a", "b"),)})


@pytest.mark.parametrize("kind", sorted(SETTING_KINDS))
def test_a_setting_alone_touches_no_package(kind: str) -> None:
    assert not touches_packages(planned(kind, "/etc/modprobe.d/dlconf-nouveau.conf"))


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - SETTING_KINDS))
def test_every_other_kind_does(kind: str) -> None:
    assert touches_packages(planned(kind, "name"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/apt/sources.list.d/dlconf-nvidia.sources",
        "/etc/apt/preferences.d/dlconf-cuda",
        "/usr/share/keyrings/cuda-archive-keyring.gpg",
    ],
)
def test_what_apt_goes_by_is_no_mere_setting(path: str) -> None:
    assert touches_packages(planned("file", path))


def test_one_of_many_is_enough_and_none_is_none() -> None:
    setting, package = planned("file", "/etc/a"), planned("package", "cuda-toolkit-12-4")
    assert touches_packages(Plan({"one": setting.roles["role"], "two": package.roles["role"]}))
    assert not touches_packages(Plan({}))


def test_the_kinds_of_settings_are_kinds() -> None:
    assert KINDS.keys() >= SETTING_KINDS
