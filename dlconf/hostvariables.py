"""The variables of one host as Ansible has them, and what follows from them: watch, choice of stack, contracts.

Each answer is remembered with all that it depends on (dlconf/memo.py). For a host that was looked at before, neither
the roles' files nor the catalogue are read, and no template is rendered but those of its own inventory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from dlconf import (
    advice,
    ansiblesaid,
    content,
    dependents,
    memo,
    rolearguments,
    rolefiles,
    rolevars,
    variablenames,
    wishes,
    withheld,
    written,
)
from dlconf.errors import DlconfError, UsageError
from dlconf.facts import Facts
from dlconf.plugins.modules.dlconf_collect import WATCH_KINDS
from dlconf.rolevars import RoleVariables, contract_name, watch_name
from dlconf.stack import Machine

OF_STACK = "__dlconf_"
"""How the names of the parts of the stack begin in playbooks/vars/stack.yml."""
OF_WISHES = ("dlconf_extras", *wishes.VARIABLES, *advice.VARIABLES)

MEMO = memo.of_this_code()


class HostVariables:
    """One host's variables.

    Args:
        templar: Ansible's, of the task.
        task_vars: the task's variables; the play has those of playbooks/vars/stack.yml.
        roles: the host's, in the order in which they are applied.

    Raises:
        DlconfError: there is no such role.
        UsageError: a variable of the inventory cannot be rendered.
    """

    def __init__(self, templar: Any, task_vars: Mapping[str, Any], roles: list[str]) -> None:
        self._templar, self._task_vars, self._roles = templar, task_vars, roles
        # The plays' own variables map the stack to the roles' and would shadow some of these, hence the inventory's.
        self._given = task_vars["hostvars"].raw_get(task_vars["inventory_hostname"])
        self._folders = {
            role: rolefiles.folder(role, task_vars.get("playbook_dir", ".")) for role in roles
        }
        ours = all(
            folder.resolve().is_relative_to(content.root()) for folder in self._folders.values()
        )
        self._memo = MEMO if ours else memo.Forgetful()
        self._reads = self._memo.remember("reads", roles, lambda: rolefiles.reads(self._folders))
        self._secret = withheld.names(self._given, {*OF_WISHES, *self._reads["words"]})
        self.own = self._own()
        if self._secret or withheld.WITHHELD in self.shown:
            self._memo = memo.Forgetful()  # a secret would be in what is kept
        self._counting = self._all_that_count()

    @cached_property
    def shown(self) -> dict[str, Any]:
        """Return what inventory and command line set for the host and counts for its plan, without secrets."""
        return withheld.without(self.own, self._secret)

    def without_effect(self) -> list[str]:
        """Return in words what the inventory sets in vain: names that no role has, or that are decided.

        Raises:
            UsageError: a name begins with `dlconf_` and dlconf does not know it.
        """
        names = self._given.keys() - rolevars.read_by_templates(self._given)
        variablenames.refuse_unknown(names, self._where)
        roles = [path.name for path in sorted((content.root() / "roles").iterdir())]
        known = self._memo.remember("names", roles, lambda: _names(roles))
        decided = [
            name
            for name in known["decided"]
            if name in self._given and self._task_vars.get(name) != self._given[name]
        ]
        found = variablenames.without_effect(names, known["options"], decided, self._where)
        return list(found)

    def _where(self, name: str) -> str:
        place = place_of(name, self._given, self._task_vars)
        return f" ({place.text})" if place else ""

    def watch(self) -> dict[str, Any]:
        """Return the arguments of the module `dlconf_collect`: what any of the roles may own on this host."""

        def answer() -> dict[str, Any]:
            watch: dict[str, Any] = {kind: [] for kind in WATCH_KINDS}
            for role in self._roles:
                rendered = self.render(self._variables, watch_name(role)) or {}
                for kind, patterns in rendered.items():
                    watch[kind] = sorted({*watch[kind], *patterns})
            return watch

        watch: dict[str, Any] = self._memo.remember("watch", [self._roles, self._counting], answer)
        return watch

    def resolution(self, facts: Facts) -> Mapping[str, Any]:
        """Return the planned resolution where one is given, else resolve.

        Raises:
            DlconfError: the wishes, or the site's catalogue, cannot be used, or nothing fits.
        """
        planned = self.render(self._task_vars, "dlconf_planned") or {}
        host = self._task_vars["inventory_hostname"]
        if host in planned:
            return dict(planned[host])
        return self._resolved(
            facts, {name: self.own[name] for name in OF_WISHES if name in self.own}
        )

    def kept_resolution(self, facts: Facts) -> Mapping[str, Any] | None:
        """Return the stack that the host has recorded, with the wishes of its inventory; None where there is none.

        A record that fits no more is none: nothing that a change could break stands on it.
        """
        if not facts["record"]:
            return None
        names = [
            name for name in OF_WISHES if name in self.own and name not in dependents.OF_CHANGE
        ]
        try:
            return self._resolved(facts, {name: self.own[name] for name in names})
        except DlconfError:
            return None

    def _resolved(self, facts: Facts, own: Mapping[str, Any]) -> Mapping[str, Any]:
        machine = Machine.from_facts(facts)
        files = tuple(Path(name) for name in self.own.get("dlconf_catalogue", ()))
        texts = [[str(file), _content(file)] for file in files]

        def answer() -> Mapping[str, Any]:
            from dlconf import catalogue, resolve  # noqa: PLC0415 - 0.06 s, only where nothing is remembered

            found = resolve.resolve(
                machine, wishes.read(own, machine.record), catalogue.load(files)
            )
            return resolve.as_planned(found)

        resolution: Mapping[str, Any] = self._memo.remember(
            "resolution", [asdict(machine), own, texts], answer
        )
        return resolution

    def contracts(
        self, host_facts: Mapping[str, Any], of_host: Mapping[str, Any]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return what each role owns on the host.

        Args:
            host_facts: the facts that roles read of the host.
            of_host: `dlconf_resolution` and `dlconf_nvswitches`, as playbooks/vars/stack.yml has them.

        Raises:
            UsageError: what the inventory sets for a role is not what its argument specs ask for.
        """
        self._check_arguments(host_facts, of_host)
        live = [role for role in self._roles if role in self._reads["live"]]
        kept = [role for role in self._roles if role not in live]
        found = self._memo.remember(
            "contracts",
            [kept, self._counting, host_facts, of_host],
            lambda: self._contracts(kept, host_facts, of_host),
        )
        if live:
            found |= memo.Forgetful().remember(
                "", None, lambda: self._contracts(live, host_facts, of_host)
            )
        return {role: found[role] for role in self._roles}

    def render(self, variables: Mapping[str, Any], name: str) -> Any:
        """Return a variable's value, None where there is no such variable."""
        if name not in variables:
            return None
        templar = self._templar.copy_with_new_env(available_variables=variables)
        return templar.template(variables[name])

    @cached_property
    def _of_roles(self) -> RoleVariables:
        """The variables of the roles as their tasks would see them."""
        return RoleVariables.of(self._folders.values(), rolefiles.read)

    @cached_property
    def _variables(self) -> dict[str, Any]:
        return {**self._of_roles.defaults, **self._task_vars, **self._of_roles.internal}

    def _own(self) -> dict[str, Any]:
        """Return what inventory and command line set for the host and counts for its plan, rendered.

        The site's catalogue files are given by their full paths.
        """
        own = self._rendered(dict.fromkeys([*OF_WISHES, *self._reads["settings"]]))
        if own.get("dlconf_catalogue"):
            folder = self._task_vars.get("inventory_dir")
            own["dlconf_catalogue"] = list(wishes.site_catalogues(own, folder))
        return own

    def _all_that_count(self) -> dict[str, Any]:
        """Return every variable that the inventory sets and a watch or a contract could read, rendered."""
        others = self._given.keys() & set(self._reads["words"])
        try:
            return self.own | self._rendered(others - self.own.keys())
        except UsageError:  # it is not rendered where it does not count
            self._memo = memo.Forgetful()
            return self.own

    def _rendered(self, names: Iterable[str]) -> dict[str, Any]:
        """Return those of the names that inventory and command line set for the host, rendered."""
        return {name: self._value(name) for name in names if name in self._given}

    def _value(self, name: str) -> Any:
        value = self._given[name]
        try:
            if not self._templar.is_template(value):
                return self._templar.template(value)
            return self.render(self._variables | {name: value}, name)
        except AnsibleError as error:
            told = str(error).partition("\n")[0]
            raise UsageError(
                f"{name} cannot be read: {told}{self._where(name)}",
                hint=ansiblesaid.hint(told)
                or "set what it reads for this host too, or write a default there",
            ) from error

    def _with_facts(
        self, host_facts: Mapping[str, Any], of_host: Mapping[str, Any]
    ) -> dict[str, Any]:
        variables = self._variables | {
            "ansible_facts": {**self._variables.get("ansible_facts", {}), **host_facts},
            **of_host,
        }
        # Nearly every variable of the roles goes through these: rendered once each, not once a use.
        return variables | {
            name: self.render(variables, name) for name in variables if name.startswith(OF_STACK)
        }

    def _contracts(
        self, roles: list[str], host_facts: Mapping[str, Any], of_host: Mapping[str, Any]
    ) -> dict[str, Any]:
        variables = self._with_facts(host_facts, of_host)
        return {role: self.render(variables, contract_name(role)) for role in roles}

    def _check_arguments(self, host_facts: Mapping[str, Any], of_host: Mapping[str, Any]) -> None:
        """Hold what the inventory sets for the roles to their argument specs.

        Raises:
            UsageError: a value is of a wrong type or unknown.
        """
        given = {
            role: {name: self._given[name] for name in names if name in self._given}
            for role, names in self._reads["options"].items()
        }
        given = {role: values for role, values in given.items() if values}
        if self._templar.is_template(given):
            variables = self._with_facts(host_facts, of_host)
            for role, values in given.items():
                rendered = {
                    name: self.render(variables | {name: values[name]}, name) for name in values
                }
                rolearguments.check(
                    role, rolefiles.options(self._folders[role]), rendered, self._where
                )
            return

        plain = self._templar.template(given)

        def answer() -> bool:
            for role, values in plain.items():
                rolearguments.check(
                    role, rolefiles.options(self._folders[role]), values, self._where
                )
            return True

        self._memo.remember("arguments", plain, answer)


def _names(roles: list[str]) -> dict[str, list[str]]:
    """Return the names of all roles' options, and of those that the choice of versions decides."""
    known = [name for role in roles for name in rolefiles.options(content.root() / "roles" / role)]
    stack = rolefiles.read(content.playbook("vars") / "stack.yml")
    decided = [name for name in stack if name in known and name not in OF_WISHES]
    return {"options": known, "decided": decided}


def place_of(
    name: str, given: Mapping[str, Any], task_vars: Mapping[str, Any]
) -> written.Place | None:
    """Return where an inventory sets a variable, None where no file does.

    Args:
        name: of the variable.
        given: the host's variables as written, with Ansible's tags: the name has one of its own.
        task_vars: those of a task on the host.
    """
    from ansible._internal._datatag._tags import Origin  # noqa: PLC0415 - only where there is something to tell

    key = next((key for key in given if key == name), None)
    origin = Origin.get_tag(key) or Origin.get_tag(given.get(name))
    if origin is None or origin.path is None:
        return None
    folder = task_vars.get("inventory_dir") or ""
    return written.Place(origin.path, origin.line_num or 0, str(folder))


def located(error: written.WrongValue, task_vars: Mapping[str, Any]) -> UsageError:
    """Return an error about a variable's value with the place that sets it, and the line that would be right there."""
    given = task_vars["hostvars"].raw_get(task_vars["inventory_hostname"])
    return error.at(place_of(error.variable, given, task_vars))


def _content(file: Path) -> str:
    with suppress(OSError):  # the catalogue says what is wrong with it
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return ""


if MEMO.is_empty:
    rolefiles.read_before_the_first_fork()
