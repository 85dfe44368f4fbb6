"""One task that says how a host stands: collect its facts, choose its stack, render the contracts, make the plan.

Ansible imports this module once, in its main process, and the workers inherit it by fork: whatever is needed for every
host is read at import.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from dlconf import advice, content, facts, plan
from dlconf.errors import DlconfError
from dlconf.hostvariables import HostVariables
from dlconf.rolevars import ansible_names

SCHEMA = 1


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core carries no types
    """`dlconf_state`: report a host's facts, resolution and plan, and group it by the roles that drifted.

    Beside those of the roles it reads the variables `dlconf_roles`, `dlconf_extras`, `dlconf_all`, `dlconf_planned`,
    `dlconf_contracts` and the wishes. The result's `dlconf` holds schema, facts, variables, resolution, plan and error,
    and with `dlconf_contracts` the rendered contract of each role too; see docs/architecture.md.
    """

    _requires_connection = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the state of the host; the task fails where it has none."""
        super().run(tmp, task_vars)
        state: dict[str, Any] = {
            "schema": SCHEMA,
            "facts": None,
            "variables": None,
            "resolution": None,
            "plan": None,
            "error": None,
        }
        try:
            return self._survey(state, task_vars or {})
        except AnsibleConnectionFailure:
            raise  # Ansible counts the host as unreachable, a refused login too
        except (DlconfError, AnsibleError) as error:
            state["error"] = {
                "kind": type(error).__name__,
                "exit_code": getattr(error, "exit_code", 1),
                "message": getattr(error, "message", str(error)),
                "hint": getattr(error, "hint", ""),
            }
            return {
                "failed": True,
                "changed": False,
                "msg": state["error"]["message"],
                "dlconf": state,
            }

    def _survey(self, state: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        def asked(name: str) -> Any:
            return self._templar.template(task_vars.get(name))

        roles = content.roles_of_host(asked("dlconf_roles"), asked("dlconf_extras"))
        variables = HostVariables(self._templar, task_vars, roles)
        collected = self._execute_module(
            module_name="dlconf_collect",
            module_args={
                **variables.watch(),
                "data_path": advice.data_path(asked("dlconf_data_path")),
            },
            task_vars=task_vars,
        )
        if "dlconf_facts" not in collected:
            return {**collected, "failed": True, "dlconf": state}
        state["facts"] = facts.read(collected["dlconf_facts"])
        advice.silenced(variables.own)
        state["variables"] = variables.shown
        state["resolution"] = variables.resolution(state["facts"])
        host_facts = ansible_names(state["facts"]) | {"dlconf_resolution": state["resolution"]}
        contracts = variables.contracts(host_facts)
        host_plan = plan.make(contracts, state["facts"])
        state["plan"] = host_plan.as_json()
        if asked("dlconf_contracts"):
            state["contracts"] = contracts
        everything = bool(asked("dlconf_all"))
        drifted = roles if everything else list(host_plan.roles)
        host_facts["dlconf_disk_mib"] = plan.disk_mib(
            host_plan, has_gpu=bool(state["resolution"]["gpus"])
        )
        host_facts["dlconf_drift"] = {} if everything else host_plan.drift()
        packages = everything or plan.touches_packages(host_plan)
        host_facts["dlconf_touches_packages"] = packages
        result = {"changed": False, "dlconf": state, "ansible_facts": host_facts}
        return result | groups(drifted, pending=bool(host_plan.pending), proof=packages)


def groups(drifted: list[str], *, pending: bool, proof: bool) -> dict[str, Any]:
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
        "add_group": "dlconf_of_" + "_and_".join(needs),
        "parent_groups": [f"dlconf_{name}" for name in parents],
    }
