"""Plans from stored facts: the same as the task `dlconf_state` makes on a host, with no host and no playbook.

Rendering the contracts costs a fifth of a second a host. Hosts of one kind are therefore resolved once, and a contract
is rendered once for the same inputs; only the comparison with its facts is each host's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlconf import catalogue, content, hosts, plan, stored, wishes
from dlconf.contract import Resource
from dlconf.errors import DlconfError, UsageError
from dlconf.hosts import HostState, Survey
from dlconf.resolve import as_planned, resolve
from dlconf.rolevars import Inputs, RoleVariables, ansible_names, contract_name, inputs
from dlconf.stack import Machine
from dlconf.stored import StoredHost

Render = Callable[[Mapping[str, Any], str], Any]


class Planner:
    """Makes plans of stored hosts, and remembers what hosts of one kind have in common.

    Args:
        roles: roles to look at; none for all.
        extra: extra variables, which count above those that are stored.
    """

    def __init__(self, roles: Sequence[str] = (), extra: Mapping[str, Any] | None = None) -> None:
        chosen = (*content.ALWAYS_ROLES, *(roles or content.ROLES))
        order = (*content.ALWAYS_ROLES, *content.ROLES)
        self._roles = tuple(role for role in order if role in chosen)
        self._extra = dict(extra or {})
        self._render, read = _ansible()
        of_roles = RoleVariables.of((content.root() / "roles" / role for role in order), read)
        self._defaults = of_roles.defaults
        self._above = {
            **read(content.playbook("vars") / "stack.yml"),
            **self._extra,
            **of_roles.internal,
        }
        known = {**self._defaults, **self._above}
        self._inputs = {role: inputs(known, contract_name(role)) for role in self._roles}
        self._resolutions: dict[Hashable, Mapping[str, Any] | DlconfError] = {}
        self._contracts: dict[Hashable, Mapping[str, list[Resource]]] = {}
        self._rendered: dict[Hashable, list[Resource]] = {}

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
        return self.state(host)

    def state(self, host: StoredHost) -> HostState:
        """Return how a stored host stands; its facts are left out, so that many hosts fit in memory."""
        variables = {**host.variables, **self._extra}
        machine, given = Machine.from_facts(host.facts), _text(variables)
        kind = (machine.gpus, _text({**vars(machine), "gpus": None}), given)
        if kind not in self._resolutions:
            self._resolutions[kind] = _resolved(machine, variables)
        resolution = self._resolutions[kind]
        if isinstance(resolution, DlconfError):
            return hosts.of_error(host.name, resolution)
        names = ansible_names(host.facts)
        whole = (kind, *names.values())
        if whole not in self._contracts:
            self._contracts[whole] = {
                role: self._contract(role, variables, resolution, names) for role in self._roles
            }
        return hosts.of_plan(host.name, resolution, plan.make(self._contracts[whole], host.facts))

    def _contract(
        self,
        role: str,
        variables: Mapping[str, Any],
        resolution: Mapping[str, Any],
        names: Mapping[str, Any],
    ) -> list[Resource]:
        """Render a role's contract, once for the same inputs."""
        key = (role, _text(_values(self._inputs[role], variables, resolution, names)))
        if key not in self._rendered:
            available = {
                **self._defaults,
                **variables,
                **self._above,
                "dlconf_resolution": resolution,
                "ansible_facts": {**names, "dlconf_resolution": resolution},
            }
            rendered = self._render(available, contract_name(role))
            self._rendered[key] = json.loads(json.dumps(rendered))
        return self._rendered[key]


def _resolved(machine: Machine, variables: Mapping[str, Any]) -> Mapping[str, Any] | DlconfError:
    """Resolve; what is wrong with the wishes or the machine is an answer too."""
    try:
        files = [Path(name) for name in variables.get("dlconf_catalogue") or ()]
        return as_planned(resolve(machine, wishes.read(variables), catalogue.load(files)))
    except DlconfError as error:
        return error


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


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _ansible() -> tuple[Render, Callable[[Path], dict[str, Any]]]:
    """Return what renders a variable, and what reads a file of variables: Ansible's own, told of our content."""
    for name, value in content.ansible_environment(os.environ).items():
        os.environ.setdefault(name, value)
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
