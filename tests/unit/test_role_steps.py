"""A role runs the steps that what differs on a host needs, and every step where nothing says what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
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
    "absent": {"repository.yml"},
    "keyring": {"repository.yml"},
    "source": {"repository.yml"},
    "package": INSTALLING,
    "dkms": INSTALLING,
    "origin": INSTALLING,
    "hold_source": {"hold.yml"},
    "unattended_upgrades": {"hold.yml"},
}


def inputs(found: dict[str, Any]) -> dict[str, Any]:
    """Return the role's variables on a host of which the state task found this."""
    return DRIVER | found | {"ansible_facts": UBUNTU, "ansible_check_mode": False}


def of_drift(drift: dict[str, Any]) -> dict[str, Any]:
    return {"dlconf_host": {"for_roles": {"drift": drift}}}


def steps(found: dict[str, Any]) -> set[str]:
    """Return the task files that the role includes on such a host."""
    available = variables(ROLE) | inputs(found)
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


@pytest.mark.parametrize(
    "found",
    [
        {},  # no state task ran; what a fact cache kept of an older dlconf counts for nothing
        {"dlconf_host": {"failed": True}},
        of_drift({}),
        of_drift({"cuda": {}}),
    ],
)
def test_every_step_runs_where_nothing_says_what_differs(found: dict[str, Any]) -> None:
    assert steps(found) == STEPS
    contract = render(ROLE, inputs(found), "__nvidia_driver_contract")
    paths = render(ROLE, inputs(found), "__nvidia_driver_paths")
    assert paths == [resource for resource in contract if "path" in resource]


def test_each_resource_alone_gets_the_steps_it_needs() -> None:
    contract = render(ROLE, inputs({}), "__nvidia_driver_contract")
    assert {resource["kind"] for resource in contract} == NEEDED.keys() | PENDING
    for resource in contract:
        if resource["kind"] in PENDING:
            continue
        path = resource.get("path", "")
        drift = {"nvidia_driver": {"kinds": [resource["kind"]], "ids": [path or "a name"]}}
        assert steps(of_drift(drift)) == NEEDED[resource["kind"]]
        due = render(ROLE, inputs(of_drift(drift)), "__nvidia_driver_paths")
        assert due == ([resource] if path else [])


def dependencies(role: Path) -> set[str]:
    return set(read(role / "meta" / "main.yml").get("dependencies", []))


def included_with(tasks: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each role that tasks include, with the variables that it is given."""
    for task in tasks:
        yield from included_with(task.get("block", []))
        if role := task.get("ansible.builtin.include_role"):
            yield role["name"], str(task.get("vars", ""))


def given_to(role: Path) -> set[str]:
    """Return the roles that are included with this role's contract, or a part of it, as a variable."""
    tasks = [task for path in (role / "tasks").glob("*.yml") for task in read(path)]
    return {
        name for name, given in included_with(tasks) if re.search(r"_(contract|paths) ?[|}]", given)
    }


@pytest.mark.parametrize(
    "role", sorted(path.parent for path in ROLES.glob("*/meta")), ids=lambda role: role.name
)
def test_an_included_role_sees_the_variables_behind_what_it_is_given(role: Path) -> None:
    """Ansible gives an included role its caller's variables, but not those of its caller's dependencies."""
    for included in given_to(role):
        assert dependencies(role) <= dependencies(ROLES / included), included


def test_contracts_are_given_to_roles() -> None:
    assert {role.name for role in ROLES.iterdir() if "vendor_repository" in given_to(role)} >= {
        *("cuda", "cudnn", "nvidia_driver"),
    }
