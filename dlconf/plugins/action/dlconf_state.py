"""One task that says how a host stands: collect its facts, choose its stack, render the contracts, make the plan.

Ansible imports this module once, in its main process, and the workers inherit it by fork: the resolver is imported
here, the catalogue and the roles' variables are read here, so that no worker pays for them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase

from dlconf import advice, catalogue, content, facts, plan, rolearguments, wishes
from dlconf.errors import DlconfError
from dlconf.plugins.modules.dlconf_collect import WATCH_KINDS
from dlconf.resolve import as_planned, resolve
from dlconf.rolevars import (
    RoleVariables,
    ansible_names,
    contract_name,
    watch_name,
    without_credentials,
)
from dlconf.stack import Machine

SCHEMA = 1
OF_STACK = "__dlconf_"
"""How the names of the parts of the stack begin in playbooks/vars/stack.yml."""


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
        roles = content.roles_of_host(
            self._render(task_vars, "dlconf_roles"), self._render(task_vars, "dlconf_extras")
        )
        of_roles = self._of_roles(roles, task_vars.get("playbook_dir", "."))
        variables = {
            "dlconf_all": False,
            "dlconf_contracts": False,
            **of_roles.defaults,
            **task_vars,
            **of_roles.internal,
        }
        data_path = advice.data_path(self._render(variables, "dlconf_data_path"))
        collected = self._execute_module(
            module_name="dlconf_collect",
            module_args={**self._watch(variables, roles), "data_path": data_path},
            task_vars=task_vars,
        )
        if "dlconf_facts" not in collected:
            return {**collected, "failed": True, "dlconf": state}
        state["facts"] = facts.read(collected["dlconf_facts"])
        # The plays' own variables map the stack to the roles' and would shadow some of these, hence the inventory's.
        given = task_vars["hostvars"].raw_get(task_vars["inventory_hostname"])
        own = self._own(given, variables, of_roles.settings(roles), task_vars)
        advice.silenced(own)
        state["variables"] = without_credentials(own)
        state["resolution"] = self._resolution(state["facts"], variables, own, task_vars)
        host_facts = ansible_names(state["facts"]) | {"dlconf_resolution": state["resolution"]}
        variables |= {
            "dlconf_resolution": state["resolution"],
            "ansible_facts": {**variables.get("ansible_facts", {}), **host_facts},
        }
        # Nearly every variable of the roles goes through these: rendered once each, not once a use.
        variables |= {
            name: self._render(variables, name) for name in variables if name.startswith(OF_STACK)
        }
        self._check_arguments(given, variables, roles, task_vars.get("playbook_dir", "."))
        contracts = {role: self._render(variables, contract_name(role)) for role in roles}
        host_plan = plan.make(contracts, state["facts"])
        state["plan"] = host_plan.as_json()
        if self._render(variables, "dlconf_contracts"):
            state["contracts"] = contracts
        drifted = roles if self._render(variables, "dlconf_all") else list(host_plan.roles)
        host_facts["dlconf_disk_mib"] = plan.disk_mib(
            host_plan, has_gpu=bool(state["resolution"]["gpus"])
        )
        host_facts["dlconf_drift"] = {} if drifted is roles else host_plan.drift()
        result = {"changed": False, "dlconf": state, "ansible_facts": host_facts}
        return result | groups(drifted, bool(host_plan.pending))

    def _check_arguments(
        self,
        given: Mapping[str, Any],
        variables: dict[str, Any],
        roles: list[str],
        playbook_dir: str,
    ) -> None:
        """Hold what the inventory sets for the roles to their argument specs.

        Raises:
            UsageError: a value is of a wrong type or unknown.
        """
        for role in roles:
            if not any(name.startswith(f"{role}_") for name in given):
                continue
            specs = read_file(role_folder(role, playbook_dir) / "meta" / "argument_specs.yml")
            options = specs["argument_specs"]["main"].get("options", {})
            shown = [name for name, option in options.items() if not option.get("no_log", False)]
            rolearguments.check(role, options, self._rendered(given, variables, shown))

    def _of_roles(self, roles: list[str], playbook_dir: str) -> RoleVariables:
        """Return the variables of roles as their tasks would see them."""
        return RoleVariables.of((role_folder(role, playbook_dir) for role in roles), read_file)

    def _render(self, variables: dict[str, Any], name: str) -> Any:
        templar = self._templar.copy_with_new_env(available_variables=variables)
        return templar.template(variables.get(name))

    def _rendered(
        self, given: Mapping[str, Any], variables: dict[str, Any], names: Iterable[str]
    ) -> dict[str, Any]:
        """Return those of the names that inventory and command line set for the host, rendered."""
        return {
            name: self._render(variables | {name: given[name]}, name)
            for name in names
            if name in given
        }

    def _watch(self, variables: dict[str, Any], roles: list[str]) -> dict[str, Any]:
        """Return the module's arguments: what any of the roles may own on this host."""
        watch: dict[str, Any] = {kind: [] for kind in WATCH_KINDS}
        for role in roles:
            for kind, patterns in (self._render(variables, watch_name(role)) or {}).items():
                watch[kind] = sorted({*watch[kind], *patterns})
        return watch

    def _resolution(
        self,
        host_facts: facts.Facts,
        variables: dict[str, Any],
        own: dict[str, Any],
        task_vars: dict[str, Any],
    ) -> Mapping[str, Any]:
        """Return the planned resolution where one is given, else resolve anew."""
        planned = self._render(variables, "dlconf_planned") or {}
        host = task_vars["inventory_hostname"]
        if host in planned:
            return dict(planned[host])
        site_files = tuple(Path(name) for name in own.get("dlconf_catalogue", ()))
        return as_planned(
            resolve(Machine.from_facts(host_facts), wishes.read(own), catalogue.load(site_files))
        )

    def _own(
        self,
        given: Mapping[str, Any],
        variables: dict[str, Any],
        settings: frozenset[str],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        """Return what inventory and command line set for the host and counts for its plan, rendered.

        The site's catalogue files are given by their full paths.
        """
        names = ["dlconf_extras", *wishes.VARIABLES, *advice.VARIABLES, *sorted(settings)]
        own = self._rendered(given, variables, dict.fromkeys(names))
        if own.get("dlconf_catalogue"):
            own["dlconf_catalogue"] = list(
                wishes.site_catalogues(own, task_vars.get("inventory_dir"))
            )
        return own


def role_folder(role: str, playbook_dir: str) -> Path:
    """Return a role's folder, looked up as Ansible does it.

    Raises:
        DlconfError: there is no such role.
    """
    for base in (Path(playbook_dir) / "roles", *map(Path, constants.DEFAULT_ROLES_PATH)):
        if (base / role).is_dir():
            return base / role
    raise DlconfError(f"there is no role {role}", hint="look at roles_path in ansible.cfg")


@functools.cache
def read_file(path: Path) -> dict[str, Any]:
    """Return what a role's YAML file holds, templates as written; empty where there is no such file."""
    if not path.exists():
        return {}
    loader = DataLoader()
    return loader.load_from_file(str(path), unsafe=True, trusted_as_template=True) or {}


def read_before_the_first_fork() -> None:
    """Read the catalogue, and variables and argument specs of the roles that most hosts have."""
    roles = [role for role in content.ROLES if role not in content.EXTRA_ROLES]
    with suppress(DlconfError):  # the task meets it again, and says so
        bundled = catalogue.load()
        for section in bundled.sections():
            bundled.rows(section)
        folders = [role_folder(role, ".") for role in (*content.ALWAYS_ROLES, *roles)]
        RoleVariables.of(folders, read_file)
        for folder in folders:
            read_file(folder / "meta" / "argument_specs.yml")


def groups(drifted: list[str], pending: bool) -> dict[str, Any]:
    """Return the part of a task's result that puts the host into the group of each role it needs.

    The strategy adds a host to one group a result, with that group's parents: so the set of needs is the group.
    A host in `dlconf_pending` waits for a reboot.
    """
    needs = [f"drift_{role}" for role in drifted] + (["pending"] if pending else [])
    if not needs:
        return {}
    parents = (["drift"] if drifted else []) + needs
    return {
        "add_group": "dlconf_of_" + "_and_".join(needs),
        "parent_groups": [f"dlconf_{name}" for name in parents],
    }


read_before_the_first_fork()
