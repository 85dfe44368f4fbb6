"""Which roles a host has, from what its inventory and the command line name."""

from __future__ import annotations

import pytest
import yaml

from dlconf import content
from dlconf.errors import UsageError

ROLES = content.ROLES


@pytest.fixture(autouse=True)
def with_extra_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "ROLES", ("nvidia_driver", "cuda", "jupyter", "docker"))
    monkeypatch.setattr(content, "EXTRA_ROLES", frozenset({"jupyter", "docker"}))


@pytest.mark.parametrize(
    ("chosen", "extras", "expected"),
    [
        (None, None, ["nvidia_driver", "cuda"]),
        ([], ["docker"], ["nvidia_driver", "cuda", "docker"]),
        (None, ["docker", "jupyter"], ["nvidia_driver", "cuda", "jupyter", "docker"]),
        (["cuda"], ["docker"], ["cuda"]),
        (["docker"], None, ["docker"]),
    ],
)
def test_roles_of_a_host(chosen: object, extras: object, expected: list[str]) -> None:
    assert content.roles_of_host(chosen, extras) == ["preflight", "record", *expected]


@pytest.mark.parametrize(
    ("chosen", "extras", "expected"),
    [
        (["nvidia_driver"], None, ["nvidia_driver", "cuda"]),
        (["cuda"], None, ["cuda"]),
        (["docker"], None, ["docker"]),
        ([], ["docker"], ["nvidia_driver", "cuda", "docker"]),
    ],
)
def test_roles_with_what_goes_with_them(
    chosen: object, extras: object, expected: list[str]
) -> None:
    found = content.roles_of_host(chosen, extras, with_dependents=True)
    assert found == ["preflight", "record", *expected]


def test_dependents_come_after_the_roles_that_they_follow() -> None:
    for role, others in content.DEPENDENTS.items():
        assert all(ROLES.index(other) > ROLES.index(role) for other in others)


@pytest.mark.parametrize(
    ("extras", "words"),
    [("docker", "a list"), (["dokcer"], "'dokcer'"), (["cuda"], "'cuda'"), ([1], "a list")],
)
def test_extras_that_make_no_sense(extras: object, words: str) -> None:
    with pytest.raises(UsageError) as error:
        content.roles_of_host(None, extras)
    assert words in error.value.message


def test_an_unknown_extra_gets_the_nearest_names() -> None:
    with pytest.raises(UsageError) as error:
        content.roles_of_host(None, ["dokcer"])
    assert error.value.hint == "nearest names: docker"


def test_every_role_has_its_play_in_the_order_of_the_list() -> None:
    plays = yaml.safe_load((content.root() / "playbooks" / "site.yml").read_text())
    played = [
        (play["hosts"], task["ansible.builtin.include_role"]["name"])
        for play in plays
        for task in play.get("tasks", ())
        if task.get("ansible.builtin.include_role", {}).keys() == {"name"}  # the role itself
    ]
    assert played == [
        ("dlconf_drift", "preflight"),
        *((f"dlconf_drift_{role}", role) for role in ("record", *ROLES)),
        ("dlconf_proof{{ ':dlconf_pending' if dlconf_reboot | default(false) else '' }}", "verify"),
    ]
