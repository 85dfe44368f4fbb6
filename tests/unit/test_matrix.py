"""The mutation matrix is made from the contracts: every kind has its breaks, and rounds keep them apart."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dlconf.content import EXTRA_ROLES
from dlconf.contract import KINDS, PENDING_KINDS
from dlconf.facts import Facts
from tests.matrix.breaks import name_of
from tests.matrix.conftest import EXTRAS_LEFT_OUT, HOST_VARIABLES, ON_ONE_HOST, extras
from tests.matrix.mutators import MUTATORS, NAMED_ONLY
from tests.matrix.neighbours import NEIGHBOURS
from tests.matrix.rounds import Host, Left, mutations, rounds, spread, taken_along

FACTS: dict[str, Any] = {
    "paths": {"/from/cuda/k.gpg": {"type": "file", "sha256": "1"}},
    "dpkg": {
        "packages": {
            "cuda": {"version": "13", "source": "cuda", "hold": False},
            "driver": {"version": "580.1", "source": "nvidia-580", "hold": True},
            "library": {"version": "580.1", "source": "nvidia-580", "hold": True},
        },
        "broken": [],
    },
    "kernels": ["6.1"],
    "dkms": [{"module": "nvidia", "version": "580.1", "kernel": "6.1", "state": "installed"}],
    "units": {"hub": {"load": "loaded", "enabled": "enabled", "active": "active"}},
    "users": {"hub": {"uid": 9, "home": "/", "shell": "/bin/sh", "groups": ["hub", "video"]}},
}
CONTRACTS: dict[str, list[dict[str, Any]]] = {
    "first": [
        {"kind": "dpkg", "name": "database"},
        {"kind": "sources", "name": "package sources"},
        {"kind": "source", "path": "/etc/apt/sources.list.d/s.sources", "content": "x\n"},
        {"kind": "directory", "path": "/opt/a"},
        {"kind": "file", "path": "/opt/a/f", "content": "x\n", "owner": "hub"},
        {"kind": "keyring", "path": "/opt/k.gpg", "fingerprint": "A"},
        {"kind": "link", "path": "/opt/ab", "target": "a"},
        {"kind": "absent", "path": "/opt/z"},
        {"kind": "copies", "source": "/from/cuda/*.gpg", "folder": "/to", "mode": "0644"},
        {"kind": "package", "name": "cuda", "version": "13"},
        {"kind": "hold", "name": "cuda"},
        {"kind": "hold_source", "source": "nvidia-*"},
        {"kind": "unattended_upgrades", "source": "nvidia-*"},
        {"kind": "origin", "source": "nvidia-*", "origins": ["NVIDIA"]},
        {"kind": "dkms", "module": "nvidia"},
        {"kind": "lines", "path": "~hub/.ssh/authorized_keys", "lines": ["key"]},
        {"kind": "package_like", "name": "library", "like": "driver"},
        {"kind": "kernel_module", "name": "nvidia", "version": "580.1"},
    ],
    "second": [
        {"kind": "python_env", "path": "/opt/a/e", "python": "3.11", "packages": {"torch": "2"}},
        {"kind": "conda_package", "path": "/opt/a/e", "name": "conda", "min_version": "1"},
        {"kind": "service", "name": "hub"},
        {"kind": "user", "name": "hub", "groups": ["video"], "shell": "/bin/sh"},
        {"kind": "group", "name": "video"},
        {"kind": "json", "path": "/opt/a/j", "values": {"one": 1, "two": 2}},
    ],
}


@pytest.fixture
def host() -> Host:
    return Host("one", CONTRACTS, cast(Facts, FACTS))


def test_every_kind_can_be_broken_and_has_neighbours() -> None:
    assert set(MUTATORS) == KINDS.keys() - PENDING_KINDS - NAMED_ONLY.keys()
    assert set(NEIGHBOURS) == set(KINDS)
    assert {resource["kind"] for contract in CONTRACTS.values() for resource in contract} == set(
        KINDS
    )


def test_every_extra_role_is_on_the_hosts_or_left_out_with_a_reason() -> None:
    assert set(EXTRAS_LEFT_OUT) <= set(EXTRA_ROLES)
    assert all(EXTRAS_LEFT_OUT.values())
    on_hosts = {role for host in HOST_VARIABLES for role in extras(host)}
    assert on_hosts | EXTRAS_LEFT_OUT.keys() == set(EXTRA_ROLES)
    assert "jupyter" not in extras("rtx3090")
    assert ON_ONE_HOST.keys() <= on_hosts


def test_every_resource_but_the_pending_ones_is_broken(host: Host) -> None:
    broken = {(mutation.role, mutation.kind, mutation.resource) for mutation in mutations(host)}
    owned = {(role, resource["kind"], name_of(resource)) for role, resource in host.resources()}
    named = {(one.role, one.kind, one.resource) for one in mutations(host, NAMED_ONLY)}
    assert named == {("first", "origin", "nvidia-*")}
    assert owned - broken - named == {("first", "kernel_module", "nvidia")}
    for mutation in mutations(host):
        assert mutation.cause.commands
        ids = {(mutation.role, mutation.kind, name) for name in mutation.cause.ids}
        assert ids
        assert ids <= mutation.expected


def test_what_goes_takes_along_what_lies_below_and_what_it_owned(host: Host) -> None:
    expected = {(m.resource, m.cause.name): m.expected for m in mutations(host)}
    assert expected["/opt/a", "moved away"] == {
        ("first", "directory", "/opt/a"),
        ("first", "file", "/opt/a/f"),
        ("second", "python_env", "/opt/a/e"),
        ("second", "conda_package", "/opt/a/e: conda"),
        ("second", "json", "/opt/a/j: one"),
        ("second", "json", "/opt/a/j: two"),
    }
    assert expected["hub", "deleted"] == {
        ("second", "user", "hub"),
        ("first", "file", "/opt/a/f"),
        ("first", "lines", "~hub/.ssh/authorized_keys"),
    }
    assert expected["video", "deleted"] == {
        ("second", "group", "video"),
        ("second", "user", "hub"),
    }


def test_what_two_hosts_have_alike_is_broken_on_one_of_them(host: Host) -> None:
    other = Host("two", CONTRACTS, host.facts)
    chosen = spread([host, other])
    assert sorted(m.same for m in chosen) == sorted(m.same for m in mutations(host))
    places = {(m.role, m.host) for m in chosen}
    assert {role for role, _host in places} == set(CONTRACTS)
    assert len(places) == len(CONTRACTS)  # each role on one host
    assert {host for _role, host in places} == {"one", "two"}


@pytest.mark.parametrize("number", [1, 40])
def test_rounds_hold_everything_once_and_nothing_that_meets(host: Host, number: int) -> None:
    chosen = spread([host])
    made = rounds(chosen, number)
    assert sorted(map(str, chosen)) == sorted(str(m) for mutations in made for m in mutations)
    for mutations_of_round in made:
        named = [found for m in mutations_of_round for found in m.expected]
        assert len(named) == len(set(named))
        kinds = {m.kind for m in mutations_of_round if m.role == "first"}
        assert "package" not in kinds or not kinds & {"dkms", "copies"}  # it takes both along


def test_what_two_roles_own_alike_is_broken_once(host: Host) -> None:
    keyring = {"kind": "keyring", "path": "/opt/k.gpg", "fingerprint": "A"}
    both = Host("two", {"first": [keyring], "second": [keyring]}, host.facts)
    chosen = spread([both])
    assert {m.cause.name for m in chosen} == {m.cause.name for m in mutations(both)}
    assert len(chosen) * 2 == len(list(mutations(both)))
    assert all({role for role, _kind, _id in m.expected} == {"first", "second"} for m in chosen)


def test_only_what_takes_others_away_keeps_them_out_of_its_round(host: Host) -> None:
    """A folder of another owner hides nothing of what lies in it, and the same mode of two files fits one round."""
    contracts = {
        "first": [
            {"kind": "directory", "path": "/opt/a"},
            {"kind": "file", "path": "/opt/a/f", "content": "x\n"},
            {"kind": "file", "path": "/etc/systemd/system/hub", "content": "x\n"},
            {"kind": "service", "name": "hub"},
        ]
    }
    of_round = {
        (m.resource, m.cause.name): at
        for at, taken in enumerate(rounds(spread([Host("one", contracts, host.facts)]), 1))
        for m in taken
    }
    moved = of_round["/opt/a", "moved away"]
    assert [
        key for key, at in of_round.items() if key[0].startswith("/opt/a/") and at == moved
    ] == []
    assert max(of_round.values()) + 1 == 7 + 3  # breaks of the unit's file, and of the unit
    unit = {at for key, at in of_round.items() if key[0] == "/etc/systemd/system/hub"}
    assert unit.isdisjoint({at for key, at in of_round.items() if key[0] == "hub"})


def test_with_rounds_enough_a_role_has_one_broken_resource_at_a_time(host: Host) -> None:
    for mutations_of_round in rounds(spread([host]), 60):
        roles = [m.role for m in mutations_of_round]
        assert len(roles) == len(set(roles))


def test_what_apt_took_along_is_asked_of_dpkg(host: Host) -> None:
    installed = {"driver": ("hi", "nvidia-580"), "library": ("ii", "nvidia-580")}
    built = "nvidia/580.1, 6.1, x86_64: installed\n"
    lost = {
        ("first", "package", "cuda"),
        ("first", "hold", "cuda"),
        ("first", "hold_source", "library"),
    }
    assert taken_along(host, Left(installed, built)) == lost
    assert taken_along(host, Left(installed)) == lost | {("first", "dkms", "nvidia for 6.1")}
    gone = Left(installed, built, frozenset({"/opt/ab", "/opt/z"}), frozenset({"hub"}))
    assert taken_along(host, gone) == lost | {
        ("first", "link", "/opt/ab"),
        ("second", "service", "hub"),
    }
