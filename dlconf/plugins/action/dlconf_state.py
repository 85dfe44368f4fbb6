"""One task that says how a host stands: collect its facts, choose its stack, render the contracts, make the plan.

Ansible imports this module once, in its main process, and the workers inherit it by fork: whatever is needed for every
host is read at import.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from dlconf import (
    advice,
    ansiblesaid,
    content,
    dependents,
    facts,
    groups,
    plan,
    sshhost,
    surveylimit,
)
from dlconf.errors import DlconfError
from dlconf.hostvariables import HostVariables, located
from dlconf.rolevars import ansible_names
from dlconf.written import WrongValue

SCHEMA = 1
BEGUN_S = time.time()
_NO_PROMPT = re.compile(r"Timeout \((\d+)s\) waiting for privilege escalation prompt")
"""What Ansible's connection plugins say where neither sudo's prompt nor its success comes in their own time."""
_SSH_SAYS = re.compile(
    r"^(Task failed: )?(Data could not be sent to remote host \".*?\"\. Make sure this host can be reached over ssh: "
    r"|Failed to connect to the host via ssh: )"
)
"""What Ansible says before the words of ssh itself."""
MOST_TEXT = 4000  # characters of what a host says when it fails


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core carries no types
    """`dlconf_state`: report a host's facts, resolution and plan, and group it by the roles that drifted.

    Beside those of the roles it reads the variables `dlconf_roles`, `dlconf_with_dependents`, `dlconf_extras`,
    `dlconf_all`, `dlconf_planned`, `dlconf_contracts`, `dlconf_survey_limit_s` and the wishes. A host that does not
    answer in time is unreachable.
    The result's `dlconf` holds schema, facts, variables, resolution, plan and error, and with `dlconf_contracts` the
    rendered contract of each role too; `for_roles` holds what the roles are told. See docs/architecture.md.
    """

    _requires_connection = True
    _silent = False

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
        except AnsibleConnectionFailure as lost:  # a refused login too
            told = _SSH_SAYS.sub("", str(lost))
            return {"unreachable": True, "msg": told, "dlconf": state | {"login": self._login()}}
        except (DlconfError, AnsibleError) as raised:
            error = located(raised, task_vars or {}) if isinstance(raised, WrongValue) else raised
            state["error"] = {
                "kind": type(error).__name__,
                "exit_code": getattr(error, "exit_code", 1),
                "message": getattr(error, "message", str(error)),
                "hint": getattr(error, "hint", "") or ansiblesaid.hint(str(error)),
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

        groups.refuse_reserved(task_vars)
        extras = asked("dlconf_extras")
        roles = content.roles_of_host(
            asked("dlconf_roles"), extras, with_dependents=bool(asked("dlconf_with_dependents"))
        )
        of_run = {name: asked(name) for name in dependents.VARIABLES}
        others = dependents.beside(roles, content.roles_of_host(None, extras), of_run)
        variables = HostVariables(self._templar, task_vars, [*roles, *others])
        without_effect = variables.without_effect()
        collected = self._collected(
            {
                **variables.watch(),
                "data_path": advice.data_path(asked("dlconf_data_path")),
            },
            surveylimit.of_variable(asked(surveylimit.VARIABLE)),
            task_vars,
        )
        if collected.get("unreachable") or "dlconf_facts" not in collected:
            return {**_failure(collected), "dlconf": state}
        state["facts"] = facts.read(collected["dlconf_facts"])
        advice.silenced(variables.own)
        state["variables"] = variables.shown
        resolution = variables.resolution(state["facts"])
        dependents.check_there(of_run["dlconf_roles"], resolution)
        host_facts = ansible_names(state["facts"])
        switches = facts.nvswitches(state["facts"]["pci"])
        of_host = {"dlconf_resolution": resolution, "dlconf_nvswitches": switches}
        contracts = variables.contracts(host_facts, of_host)
        if others and (kept := variables.kept_resolution(state["facts"])):
            before = variables.contracts(host_facts, of_host | {"dlconf_resolution": kept})
            dependents.check(before, contracts, of_run["dlconf_roles"], others)
        contracts = {role: contracts[role] for role in roles}
        notes = dict.fromkeys([*without_effect, *resolution["notes"]])  # a planned one has them
        state["resolution"] = {**resolution, "notes": list(notes)}
        host_plan = plan.make(contracts, state["facts"])
        state["plan"] = host_plan.as_json()
        if asked("dlconf_contracts"):
            state["contracts"] = contracts
        everything = bool(asked("dlconf_all"))
        drifted = roles if everything else list(host_plan.roles)
        packages = everything or plan.touches_packages(host_plan)
        for_roles = {
            "drift": {} if everything else host_plan.drift(),
            "touches_packages": packages,
            "nvswitches": switches,
            "disk_mib": plan.disk_mib(host_plan, has_gpu=bool(state["resolution"]["gpus"])),
        }
        result = {"changed": False, "dlconf": state, "for_roles": for_roles}
        result["ansible_facts"] = host_facts  # a user's fact cache keeps these: nothing of dlconf's
        return result | groups.needed(drifted, pending=bool(host_plan.pending), proof=packages)

    def _collected(
        self, watch: dict[str, Any], limit_s: float, task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what the module says; where it says nothing in time the host is unreachable."""
        try:
            with surveylimit.limited(limit_s):
                said: dict[str, Any] = self._execute_module(
                    module_name="dlconf_collect",
                    module_args=watch | {"limit_s": limit_s * surveylimit.OF_MODULE},
                    task_vars=task_vars,
                )
                return said
        except surveylimit.NoAnswer:
            told = f"it did not answer within {limit_s:g} s"
        except AnsibleConnectionFailure as error:
            if not (found := _NO_PROMPT.search(str(error))):
                raise
            told = f"its login shell or sudo did not answer within {found[1]} s"
        self._silent = True
        surveylimit.end_shared_connection(self._connection, BEGUN_S)
        return {"unreachable": True, "msg": told}

    def _login(self) -> str:
        """Return the command that logs in to the host as the inventory says; "" where that is not by SSH."""
        if self._connection.transport != "ssh":
            return ""
        option = self._connection.get_option
        return sshhost.login(
            option("host") or self._task.delegate_to or self._play_context.remote_addr,
            user=option("remote_user"),
            port=option("port"),
            key=option("private_key_file"),
            arguments=(option("ssh_common_args"), option("ssh_extra_args")),
        )

    def cleanup(self, force: bool = False) -> None:
        """Remove temporary files from the host, but not from one that does not answer."""
        if not self._silent:
            super().cleanup(force)


def _failure(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a module's failed result what tells of it, the ends of long texts: a host may say anything."""
    told = {name: said[name] for name in ("msg", "module_stdout", "module_stderr") if name in said}
    kind = "unreachable" if said.get("unreachable") is True else "failed"
    return {kind: True} | {name: str(text)[-MOST_TEXT:] for name, text in told.items()}
