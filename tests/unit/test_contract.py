"""Every kind of resource: in order, missing, and other than it should be."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from dlconf import contract, plan
from dlconf.errors import DlconfError
from dlconf.facts import Facts
from dlconf.plugins.modules import dlconf_collect as collect

CASES = yaml.safe_load((Path(__file__).parent / "contract_cases.yml").read_text())


def bare() -> dict[str, Any]:
    return {
        "schema": 1,
        "paths": {},
        "dpkg": {"packages": {}, "broken": []},
        "dkms": [],
        "kernels": [],
        "next_kernel": None,
        "apt": {"candidates": {}, "unattended_upgrades": None},
        "environments": {},
        "units": {},
        "users": {},
        "groups": {},
        "json": {},
        "lines": {},
        "nvidia": {"module_version": None, "library_version": None},
    }


def facts_of(case: dict[str, Any]) -> Facts:
    found = bare()
    for name, value in case.get("facts", {}).items():
        found[name] = {**found[name], **value} if isinstance(value, dict) else value
    for path, values in found["json"].items():
        found["json"][path] = values and collect.value_hashes(values)
    return cast(Facts, found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_difference(case: dict[str, Any]) -> None:
    found = contract.differences([case["resource"]], facts_of(case))
    assert [[d.id, d.action, d.expected, d.found] for d in found] == case["differences"]


def test_every_kind_has_a_case_that_agrees_and_one_that_differs() -> None:
    kinds = {
        kind: [case for case in CASES if case["resource"]["kind"] == kind]
        for kind in contract.KINDS
    }
    assert [
        kind for kind, cases in kinds.items() if not any(case["differences"] for case in cases)
    ] == []
    assert [
        kind for kind, cases in kinds.items() if all(case["differences"] for case in cases)
    ] == []


def test_file_content_is_compared_by_hash() -> None:
    facts = bare()
    digest = hashlib.sha256(b"one\n").hexdigest()
    facts["paths"]["/etc/x"] = {
        "type": "file",
        "mode": "0644",
        "owner": "root",
        "group": "root",
        "sha256": digest,
    }
    resource = {"kind": "file", "path": "/etc/x", "content": "one\n"}
    assert contract.differences([resource], cast(Facts, facts)) == []
    changed = contract.differences([resource | {"content": "two\n"}], cast(Facts, facts))
    assert changed[0].id == "/etc/x"


def test_a_contract_in_error_names_the_resource() -> None:
    with pytest.raises(DlconfError, match="unknown kind"):
        contract.differences([{"kind": "pacakge", "name": "x"}], cast(Facts, bare()))
    with pytest.raises(DlconfError, match="lacks 'name'"):
        contract.differences([{"kind": "package"}], cast(Facts, bare()))


def test_plan_keeps_the_order_of_roles_and_leaves_out_those_in_order() -> None:
    contracts: dict[str, list[dict[str, Any]]] = {
        "second": [{"kind": "package", "name": "b"}],
        "in_order": [],
        "first": [{"kind": "package", "name": "a"}],
    }
    assert list(plan.make(contracts, cast(Facts, bare())).roles) == ["second", "first"]


def test_a_module_that_is_not_loaded_is_pending_and_no_drift() -> None:
    contracts = {"driver": [{"kind": "kernel_module", "name": "nvidia", "version": "580.*"}]}
    made = plan.make(contracts, cast(Facts, bare()))
    assert made.roles == {}
    assert [difference.expected for difference in made.pending] == ["580.* loaded"]
    loaded = copy.deepcopy(bare())
    loaded["nvidia"]["module_version"] = "580.95.05"
    assert plan.make(contracts, cast(Facts, loaded)).pending == ()


def test_only_what_is_new_needs_room_on_the_disk() -> None:
    new: dict[str, list[dict[str, Any]]] = {
        "cuda": [{"kind": "package", "name": "cuda-toolkit-12-8"}],
        "frameworks": [
            {"kind": "python_env", "path": "/opt/dlconf/envs/a", "python": "3.11", "packages": {}},
            {"kind": "python_env", "path": "/opt/dlconf/envs/b", "python": "3.11", "packages": {}},
        ],
    }
    made = plan.make(new, cast(Facts, bare()))
    assert plan.disk_mib(made, has_gpu=True) == {"/usr": 8000, "/var": 8000, "/opt": 16000}
    assert plan.disk_mib(made, has_gpu=False)["/opt"] == 4000
    mended = {"cuda": [{"kind": "file", "path": "/etc/profile.d/cuda.sh", "content": ""}]}
    assert plan.disk_mib(plan.make(mended, cast(Facts, bare())), has_gpu=True) == {}
