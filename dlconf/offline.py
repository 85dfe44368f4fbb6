"""Plans from stored facts: the same as the task `dlconf_state` makes on a host, with no host and no playbook.

Rendering the contracts costs a fifth of a second a host. So machines of one kind are resolved once, a contract is
rendered once for the same inputs, and hosts in the same state are compared with it once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlconf import ansiblesettings, catalogue, content, dependents, hosts, plan, stored, wishes
from dlconf.contract import Resource
from dlconf.errors import DlconfError, UsageError
from dlconf.facts import nvswitches
from dlconf.hosts import HostState, Survey
from dlconf.memo import digest_of_json
from dlconf.resolve import as_planned, resolve
from dlconf.rolevars import (
    Inputs,
    RoleVariables,
    ansible_names,
    contract_name,
    inputs,
)
from dlconf.stack import Machine
from dlconf.stored import StoredHost
from dlconf.withheld import WITHHELD

OWN_FACTS = frozenset({"hostname", "memory_mib", "free_mib", "temperatures", "data_disk"})
"""Facts that no contract and no choice reads: hosts that differ in these only have one and the same plan."""

Render = Callable[[Mapping[str, Any], str], Any]


class Planner:
    """Makes plans of stored hosts, and remembers what hosts of one kind have in common.

    Args:
        extra: extra variables, which count above those that are stored (Request.extra_vars).
    """

    def __init__(self, extra: Mapping[str, Any] | None = None) -> None:
        roles = (*content.ALWAYS_ROLES, *content.ROLES)
        self._extra = dict(extra or {})
        self.render, self.read = _ansible()
        of_roles = RoleVariables.of((content.root() / "roles" / role for role in roles), self.read)
        self._defaults = of_roles.defaults
        self._above = {
            **self.read(content.playbook("vars") / "stack.yml"),
            **self._extra,
            **of_roles.internal,
        }
        known = {**self._defaults, **self._above}
        self._inputs = {role: inputs(known, contract_name(role)) for role in roles}
        self._resolutions: dict[Hashable, Mapping[str, Any] | DlconfError] = {}
        self._contracts: dict[Hashable, list[Resource]] = {}
        self._states: dict[str, HostState] = {}

    def survey(self, files: Iterable[Path]) -> Survey:
        """Return how the hosts in files stand.

        Raises:
            UsageError: two files hold the same host.
        """
        states: dict[str, HostState] = {}
        for path in files:
            state = self.of_file(path)
            if state.name in states:
                raise UsageError(
                    f"{path} holds {state.name}, and so does another file of that folder",
                    hint="keep the newer of the two",
                )
            states[state.name] = state
        return Survey(states)

    def of_file(self, path: Path) -> HostState:
        """Return the state of the host in a file; what cannot be read or resolved is a state too."""
        try:
            host = stored.read(path)
        except DlconfError as error:
            return hosts.of_error(path.stem, error)
        try:
            return self.state(host)
        except Exception as error:  # whatever a file holds, the other hosts have their plans
            cause = f"{path}: cannot be planned: {type(error).__name__}: {error}"
            return hosts.of_error(host.name, DlconfError(cause, hint=stored.AGAIN))

    def state(self, host: StoredHost) -> HostState:
        """Return how a stored host stands; its facts are left out, so that many hosts fit in memory."""
        facts = {name: value for name, value in host.facts.items() if name not in OWN_FACTS}
        same = digest_of_json(facts, host.variables)
        if same not in self._states:
            self._states[same] = self._planned(host)
        return replace(self._states[same], name=host.name)

    def _planned(self, host: StoredHost) -> HostState:
        variables = {**host.variables, **self._extra}
        machine = Machine.from_facts(host.facts)
        kind = (machine.gpus, digest_of_json({**vars(machine), "gpus": None}, variables))
        if kind not in self._resolutions:
            self._resolutions[kind] = self._resolved(machine, host.variables, self._extra)
        resolution = self._resolutions[kind]
        if isinstance(resolution, DlconfError):
            return hosts.of_error(host.name, resolution)
        names = ansible_names(host.facts)
        variables["dlconf_nvswitches"] = nvswitches(host.facts["pci"])
        roles = _roles(host.variables, self._extra)
        contracts = {role: self._contract(role, variables, resolution, names) for role in roles}
        try:
            dependents.check_there(self._extra.get("dlconf_roles"), resolution)
            self._check_dependents(host, machine, roles, resolution, variables)
        except DlconfError as error:
            return hosts.of_error(host.name, error)
        return hosts.of_plan(host.name, resolution, plan.make(contracts, host.facts))

    def _check_dependents(
        self,
        host: StoredHost,
        machine: Machine,
        roles: list[str],
        resolution: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> None:
        """Refuse, as a live plan does, a change of some roles that would leave others on the old stack.

        Raises:
            UsageError: it would.
        """
        names = ansible_names(host.facts)
        of_host = content.roles_of_host(None, host.variables.get("dlconf_extras"))
        others = dependents.beside(roles, of_host, self._extra)
        kept = {
            name: value for name, value in self._extra.items() if name not in dependents.OF_CHANGE
        }
        before = (
            self._resolved(machine, host.variables, kept) if others and machine.record else None
        )
        if before is None or isinstance(before, DlconfError):
            return
        old, new = (
            {role: self._contract(role, variables, stack, names) for role in others}
            for stack in (before, resolution)
        )
        dependents.check(old, new, self._extra["dlconf_roles"], others)

    def _resolved(
        self, machine: Machine, given: Mapping[str, Any], extra: Mapping[str, Any]
    ) -> Mapping[str, Any] | DlconfError:
        """Resolve; what is wrong with the wishes, the roles or the machine is an answer too."""
        variables = {**given, **extra}
        try:
            _check_complete(given)
            _roles(given, extra)
            files = [Path(name) for name in variables.get("dlconf_catalogue") or ()]
            wished = wishes.read(variables, machine.record)
            return as_planned(resolve(machine, wished, catalogue.load(files)))
        except DlconfError as error:
            return error

    def _contract(
        self,
        role: str,
        variables: Mapping[str, Any],
        resolution: Mapping[str, Any],
        names: Mapping[str, Any],
    ) -> list[Resource]:
        """Render a role's contract, once for the same inputs."""
        key = (role, digest_of_json(_values(self._inputs[role], variables, resolution, names)))
        if key not in self._contracts:
            rendered = self.render(
                self.available(variables, resolution, names), contract_name(role)
            )
            self._contracts[key] = json.loads(json.dumps(rendered))
        return self._contracts[key]

    def available(
        self,
        variables: Mapping[str, Any],
        resolution: Mapping[str, Any],
        names: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the variables that the roles of a host see; `render` renders one of them.

        Args:
            variables: the host's own.
            resolution: its stack, as planned.
            names: its facts, as roles read them (dlconf.rolevars.ansible_names).
        """
        return {
            **self._defaults,
            **variables,
            **self._above,
            "dlconf_nvswitches": variables["dlconf_nvswitches"],
            "dlconf_resolution": resolution,
            "ansible_facts": names,
        }


def _check_complete(variables: Mapping[str, Any]) -> None:
    """Refuse a host of which a variable was not stored.

    Raises:
        UsageError: naming the variables.
    """
    if withheld := variables.get(WITHHELD):
        raise UsageError(
            f"the host was stored without {', '.join(withheld)}: a secret stands in it",
            hint="plan this host live: dlconf plan INVENTORY --limit HOST",
        )


def _roles(variables: Mapping[str, Any], extra: Mapping[str, Any]) -> list[str]:
    """Return the roles of a host.

    Raises:
        UsageError: a role is asked for that was not looked at when the host was stored.
    """
    extras = variables.get("dlconf_extras")
    stored_roles = content.roles_of_host(None, extras)
    along = bool(extra.get("dlconf_with_dependents"))
    asked = content.roles_of_host(extra.get("dlconf_roles"), extras, with_dependents=along)
    for role in asked:
        if role not in stored_roles:
            raise UsageError(
                f"the host was stored without the role {role}",
                hint=f"name it in dlconf_extras: [{role}] and store the host again",
            )
    return asked


def _values(
    read: Inputs,
    variables: Mapping[str, Any],
    resolution: Mapping[str, Any],
    names: Mapping[str, Any],
) -> list[Any]:
    """Return the values of a contract's inputs."""
    roots: Mapping[str, Mapping[str, Any]] = {
        "dlconf_resolution": resolution,
        "__dlconf_stack": resolution["stack"],
        "__dlconf_install": resolution["install"],
        "ansible_facts": names,
    }
    parts = [
        roots[root] if part is None else roots[root].get(part)
        for root, part in sorted(read.parts, key=str)
    ]
    return [parts, {name: variables[name] for name in variables if name in read.names}]


def _ansible() -> tuple[Render, Callable[[Path], dict[str, Any]]]:
    """Return what renders a variable, and what reads a file of variables: Ansible's own, told of our content."""
    ansiblesettings.take_over()
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 - 0.5 s, only to plan
    from ansible.template import Templar  # noqa: PLC0415

    loader = DataLoader()

    def render(available: Mapping[str, Any], name: str) -> Any:
        return Templar(loader, variables=dict(available)).template(available[name])

    def read(path: Path) -> dict[str, Any]:
        if not path.exists():
            return {}
        return loader.load_from_file(str(path), trusted_as_template=True) or {}

    return render, read
