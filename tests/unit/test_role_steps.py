"""A role runs the steps that what differs on a host needs, and every step where nothing says what differs."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from dlconf import plan
from dlconf.facts import Facts
from tests.role_readme import ROLES, read
from tests.unit.test_contract import bare
from tests.unit.test_role_contract import DRIVER, UBUNTU, render, variables

ROLE = ROLES / "nvidia_driver"
INSTALLING = {"headers.yml", "packages.yml", "hold.yml", "dkms.yml", "loaded.yml"}
STEPS = {"repository.yml"} | INSTALLING
PENDING = {"kernel_module"}  # no drift: nothing but a restart brings it about
NEEDED = {
    "file": {"repository.yml"},
    "keyring": {"repository.yml"},
    "source": {"repository.yml"},
    "absent": {"repository.yml"},
    "package": INSTALLING,
    "dkms": INSTALLING,
    "origin": INSTALLING,
    "hold_source": {"hold.yml"},
    "unattended_upgrades": {"hold.yml"},
}


def inputs(facts: dict[str, Any]) -> dict[str, Any]:
    return DRIVER | {"ansible_facts": UBUNTU | facts, "ansible_check_mode": False}


def steps(facts: dict[str, Any]) -> set[str]:
    """Return the task files that the role includes on a host with these facts."""
    available = variables(ROLE) | inputs(facts)
    templar = Templar(DataLoader(), available)

    def holds(condition: str) -> bool:
        return bool(templar.template(trust_as_template("{{ " + condition + " }}")))

    included = set()
    for task in read(ROLE / "tasks" / "driver.yml"):
        conditions = task.get("when", [])
        conditions = [conditions] if isinstance(conditions, str) else conditions
        if "ansible.builtin.include_tasks" in task and all(map(holds, conditions)):
            included.add(task["ansible.builtin.include_tasks"])
    return included


def test_the_plan_tells_what_differs_by_role() -> None:
    contract = {"cuda": [{"kind": "file", "path": "/etc/profile.d/cuda.sh", "content": ""}]}
    made = plan.make(contract, cast(Facts, bare()))
    assert made.drift() == {"cuda": {"kinds": ["file"], "ids": ["/etc/profile.d/cuda.sh"]}}


@pytest.mark.parametrize("facts", [{}, {"dlconf_drift": {}}, {"dlconf_drift": {"cuda": {}}}])
def test_every_step_runs_where_nothing_says_what_differs(facts: dict[str, Any]) -> None:
    assert steps(facts) == STEPS
    contract = render(ROLE, inputs(facts), "__nvidia_driver_contract")
    paths = render(ROLE, inputs(facts), "__nvidia_driver_paths")
    assert paths == [resource for resource in contract if "path" in resource]


def test_each_resource_alone_gets_the_steps_it_needs() -> None:
    contract = render(ROLE, inputs({}), "__nvidia_driver_contract")
    assert {resource["kind"] for resource in contract} == NEEDED.keys() | PENDING
    for resource in contract:
        if resource["kind"] in PENDING:
            continue
        path = resource.get("path", "")
        drift = {"nvidia_driver": {"kinds": [resource["kind"]], "ids": [path or "a name"]}}
        assert steps({"dlconf_drift": drift}) == NEEDED[resource["kind"]]
        due = render(ROLE, inputs({"dlconf_drift": drift}), "__nvidia_driver_paths")
        assert due == ([resource] if path else [])
