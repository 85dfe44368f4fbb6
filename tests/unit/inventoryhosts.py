"""A host of an inventory as a run sees it, by Ansible itself in this process; what it says is a file of facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

from dlconf import ansiblesettings, content

FACTS = Path(__file__).parents[1] / "facts"

ansiblesettings.take_over()
ansiblesettings.find_collections()

from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.action import ActionBase  # noqa: E402
from ansible.template import Templar  # noqa: E402
from ansible.vars.hostvars import HostVars  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402

from dlconf.plugins.action.dlconf_state import ActionModule  # noqa: E402


class _Look(ActionModule):
    """The state task, of a host that says what is in a file."""

    facts: dict[str, Any]

    def _collected(self, *_: Any) -> dict[str, Any]:
        return {"dlconf_facts": self.facts}


def look(
    inventory: Path,
    facts: str = "rtx-3090-ubuntu-22.04",
    extra: dict[str, Any] | None = None,
    host: str = "gpu1",
) -> dict[str, Any]:
    """Return what the state task says of a host.

    Args:
        inventory: its file.
        facts: name of a file of recorded facts.
        extra: variables of the command line.
    """
    loader = DataLoader()
    known = InventoryManager(loader=loader, sources=[str(inventory)])
    variables = VariableManager(loader=loader, inventory=known)
    variables._extra_vars = extra or {}
    own = variables.get_vars(host=known.get_host(host))
    above = loader.load_from_file(
        str(content.playbook("vars") / "stack.yml"), trusted_as_template=True
    )
    task_vars = own | above | {"dlconf_contracts": True} | variables._extra_vars
    task_vars["hostvars"] = HostVars(known, variables, loader)
    task_vars["playbook_dir"] = str(content.root() / "playbooks")
    task_vars["inventory_dir"] = str(inventory if inventory.is_dir() else inventory.parent)
    task = mock.Mock(async_val=0, check_mode=False, delegate_to=None)
    templar = Templar(loader, variables=task_vars)
    asked = _Look(task, mock.Mock(), mock.Mock(check_mode=False), loader, templar, mock.Mock())
    asked.facts = json.loads((FACTS / f"{facts}.json").read_text())
    with mock.patch.object(ActionBase, "run", return_value={}):
        state: dict[str, Any] = asked.run(task_vars=task_vars)["dlconf"]
    return state
