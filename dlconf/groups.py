"""The groups by which a run tells what its hosts need: the plays of playbooks/site.yml are aimed at them.

A name that a play is aimed at must not be the user's too: a host in a group `dlconf_pending` of theirs would be
restarted without need, since a pattern takes hosts and groups of any origin.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from dlconf.errors import UsageError

_RESERVED = re.compile("dlconf_(drift|pending|proof|of|drift_.*|of_.*)")
_OF_THIS_RUN = f"dlconf_of_{secrets.token_hex(4)}_"
"""Made once a run: the main process of Ansible imports this, and its workers are forks. So no inventory has it."""


def refuse_reserved(task_vars: Mapping[str, Any]) -> None:
    """Refuse a host that the inventory itself calls, or groups, as only a run does.

    Args:
        task_vars: those of a task on the host.

    Raises:
        UsageError: it does.
    """
    host = str(task_vars["inventory_hostname"])
    named = [str(name) for name in task_vars.get("group_names", ())]
    if _RESERVED.fullmatch(host):
        raise UsageError(f"host {host} has a name that dlconf gives to groups", hint=_HINT)
    if any(name.startswith(_OF_THIS_RUN) for name in named):
        return  # looked at before in this run, and what it needed is told by groups of ours
    for name in named:
        if _RESERVED.fullmatch(name):
            raise UsageError(
                f"the inventory has host {host} in group {name}, and dlconf groups hosts by that name itself",
                hint=_HINT,
            )


_HINT = (
    "call it something else: dlconf_drift, dlconf_pending, dlconf_proof "
    "and what begins with dlconf_drift_ or dlconf_of_ are names of a run's own"
)


def needed(drifted: list[str], *, pending: bool, proof: bool) -> dict[str, Any]:
    """Return the part of a task's result that puts the host into the group of each role it needs.

    The strategy adds a host to one group a result, with that group's parents: so the set of needs is the group.
    A host in `dlconf_pending` waits for a reboot; one in `dlconf_proof` is to be verified once the roles have run.
    """
    needs = [f"drift_{role}" for role in drifted]
    needs += [name for name, needed in (("pending", pending), ("proof", proof)) if needed]
    if not needs:
        return {}
    parents = (["drift"] if drifted else []) + needs
    return {
        "add_group": _OF_THIS_RUN + "_and_".join(needs),
        "parent_groups": [f"dlconf_{name}" for name in parents],
    }
