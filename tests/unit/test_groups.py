"""Names and variables of a run's own are not the inventory's to give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlconf import ansiblesettings, apply, content, groups
from dlconf.errors import UsageError

BIN = Path(sys.executable).parent
INVENTORY = """\
[all]
waits
dlconf_drift_cuda
other
plain dlconf_all=true dlconf_reboot=true dlconf_contracts=true dlconf_planned={"plain":{"stack":{}}}
[dlconf_pending]
waits
[dlconf_hosts]
plain
[all:vars]
ansible_connection=local
"""
TWO_LOOKS = """\
- hosts: all
  gather_facts: false
  become: false
  vars_files: [{playbooks}/vars/stack.yml]
  tasks:
    - name: Look
      dlconf_state:
    - name: Look again
      dlconf_state:
"""


def variables(*named: str, host: str = "gpu1") -> dict[str, object]:
    return {"inventory_hostname": host, "group_names": list(named)}


@pytest.mark.parametrize(
    "group", ["dlconf_drift", "dlconf_pending", "dlconf_proof", "dlconf_drift_x", "dlconf_of_x"]
)
def test_a_group_of_the_inventory_by_a_name_of_a_run_is_refused(group: str) -> None:
    with pytest.raises(UsageError, match=f"host gpu1 in group {group}") as caught:
        groups.refuse_reserved(variables("lab", group))
    assert "call it something else" in caught.value.hint
    with pytest.raises(UsageError, match=f"host {group} has a name"):
        groups.refuse_reserved(variables("lab", host=group))


def test_other_names_and_the_run_s_own_groups_are_not() -> None:
    groups.refuse_reserved(variables("lab", "dlconf_hosts", "dlconf_drifting", "dlconf_proofs"))
    made = groups.needed(["cuda"], pending=True, proof=False)
    groups.refuse_reserved(variables(made["add_group"], *made["parent_groups"]))
    assert set(made["parent_groups"]) == {"dlconf_drift", "dlconf_drift_cuda", "dlconf_pending"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "hosts.ini").write_text(INVENTORY, encoding="utf-8")
    homes = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("STATE", "CACHE")}
    return os.environ | homes


def test_a_run_refuses_such_hosts_alone_and_passes_over_such_variables(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [str(BIN / "dlconf"), "plan", "hosts.ini", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    hosts = json.loads(done.stdout)["hosts"]
    statuses = {name: host["status"] for name, host in hosts.items()}
    assert statuses == {
        "waits": "refused",
        "dlconf_drift_cuda": "refused",
        "plain": "drift",
        "other": "drift",
    }
    assert "in group dlconf_pending" in json.dumps(hosts["waits"])
    assert hosts["plain"]["resolution"]["stack"][
        "python"
    ]  # resolved, and not as the inventory planned
    assert apply.OF_A_RUN.keys() == {
        "dlconf_all",
        "dlconf_contracts",
        "dlconf_planned",
        "dlconf_reboot",
    }


def test_a_second_look_takes_the_groups_of_the_first_for_ours(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    text = TWO_LOOKS.format(playbooks=content.root() / "playbooks")
    (tmp_path / "two.yml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", "hosts.ini", "--limit", "other,waits", "two.yml"],
        cwd=tmp_path,
        env=environment | ansiblesettings.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "other                      : ok=2 " in done.stdout, done.stdout
    assert "waits                      : ok=0 " in done.stdout
