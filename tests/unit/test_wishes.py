"""From inventory variables to wishes."""

from __future__ import annotations

from typing import Any

import pytest

from dlconf import wishes
from dlconf.errors import UsageError
from dlconf.resolve.pins import parse_pin
from dlconf.written import version_in


def test_nothing_set_means_nothing_wished() -> None:
    assert wishes.read({}) == wishes.Wishes()


def test_the_command_line_counts_over_pins_and_pins_over_role_variables() -> None:
    read = wishes.read(
        {
            "cuda_version": "11.8",
            "nvidia_driver_branch": "570",
            "dlconf_pins": {"cuda": "12.4"},
            "dlconf_set": {"cuda": "12.8"},
        }
    )
    assert read.pins == {"cuda": "12.8", "driver": "570"}


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"dlconf_frameworks": "pytorch"}, "dlconf_frameworks"),
        ({"dlconf_frameworks": [1]}, r"dlconf_frameworks\[0\]"),
        ({"dlconf_pins": {"cuda": 12.4}}, "dlconf_pins.cuda"),
        ({"dlconf_pins": ["cuda"]}, "dlconf_pins"),
        ({"cuda_version": 12.4}, "cuda_version"),
        ({"cuda_source": "internet"}, "cuda_source"),
        ({"dlconf_upgrade": "yes"}, "dlconf_upgrade"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(variables: dict[str, Any], name: str) -> None:
    with pytest.raises(UsageError, match=name):
        wishes.read(variables)


def test_site_catalogues_are_read_beside_the_inventory() -> None:
    assert wishes.site_catalogues({"dlconf_catalogue": "mine.yml"}, "/inv") == ("/inv/mine.yml",)
    assert wishes.site_catalogues({"dlconf_catalogue": ["/etc/a.yml", "b.yml"]}, "/inv") == (
        "/etc/a.yml",
        "/inv/b.yml",
    )
    assert wishes.site_catalogues({}, None) == ()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("cuda-toolkit=12.2.0-1", "12.2.0"),
        ("cuda-toolkit-13-0", "13.0"),
        ("13-0", "13.0"),
        ("cuda-12-4", "12.4"),
        ("cu128", "12.8"),
        ("v12.4", "12.4"),
        ("=12.4", "12.4"),
        ("cuda=12.4.1=0", "12.4.1"),
        ("12.4+", ">=12.4"),
        (">=12.4 <13", ">=12.4,<13"),
        ("nvidia-driver-580", "580"),
        ("nvidia-driver-580-server-open", "580"),
        ("580.65.06-0ubuntu1", "580.65.06"),
        ("580-open", "580"),
        ("9.10.2.21-1", "9.10.2.21"),
        ("latest", None),
        ("newest", None),
    ],
)
def test_a_version_as_other_tools_write_it_is_understood(text: str, meant: str | None) -> None:
    assert not wishes.is_version(text)
    assert version_in(text) == meant
    if meant:
        assert wishes.is_version(meant)
        parse_pin("cuda", meant)


@pytest.mark.parametrize(
    "text",
    [
        "12",
        "12.8",
        "12.8.1",
        "12.*",
        "==12.8",
        ">=12.4,<13",
        "~=12.4",
        "2.8.0+cu128",
        "none",
        "2.8.0rc1",
    ],
)
def test_what_a_pin_takes_is_a_version(text: str) -> None:
    if text != "12.*":
        parse_pin("cuda", text)
    assert wishes.is_version(text) == (text != "12.*")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pytorch=2.10.0", "pytorch==2.10.0"),
        ("torch 2.8", "torch==2.8.*"),
        ("tensorflow[and-cuda]", "tensorflow"),
        ("jax[cuda12]==0.10.2", "jax==0.10.2"),
        ("pytorch@2.8.0", "pytorch==2.8.0"),
        ("pytorch: 2.8.0", "pytorch==2.8.0"),
        ("==2.8", None),
    ],
)
def test_a_framework_as_other_tools_write_it_is_understood(text: str, meant: str | None) -> None:
    assert wishes.right_framework(text) == meant
    if meant:
        assert wishes.WISH.fullmatch(meant)
