"""Values that an inventory sets for a role, against the argument specs that the roles have."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from dlconf import rolearguments
from dlconf.errors import UsageError
from tests.role_readme import ROLES


def options(role: str) -> dict[str, Any]:
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    specs: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return specs


@pytest.mark.parametrize(
    ("role", "given", "words"),
    [
        ("docker", {"docker_source": "snap"}, ["docker_source", "docker, distribution", "snap"]),
        ("jupyter", {"jupyter_port": "eighty"}, ["jupyter_port", "int"]),
        ("frameworks", {"frameworks_extras": {"opencv": True}}, ["frameworks_extras", "list"]),
        ("base", {"base_users": [{"name": "eve", "password": "x"}]}, ["base_users.password"]),
        (
            "docker",
            {"docker_source": "snap", "docker_daemon_options": 5},
            ["docker_source", "docker_daemon_options"],
        ),
    ],
)
def test_what_does_not_fit_is_named(role: str, given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        rolearguments.check(role, options(role), given)
    for word in [f"role {role}", *words]:
        assert word in caught.value.message
    assert f"roles/{role}/README.md" in caught.value.hint


@pytest.mark.parametrize(
    ("role", "given"),
    [
        ("docker", {}),
        ("docker", {"docker_source": "distribution", "docker_users": ["ada"]}),
        ("jupyter", {"jupyter_port": "8889"}),  # as INI inventories give numbers
        ("nvidia_services", {"nvidia_services_dcgm": "yes"}),
    ],
)
def test_what_fits_passes_and_nothing_more_is_required(role: str, given: dict[str, Any]) -> None:
    rolearguments.check(role, options(role), given)
