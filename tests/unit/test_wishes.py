"""From inventory variables to wishes."""

from __future__ import annotations

from typing import Any

import pytest

from dlconf import wishes
from dlconf.errors import UsageError


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
