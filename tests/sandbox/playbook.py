"""Plays a role's tasks on a host of the sandbox, as far as apt is concerned.

The tasks are the roles' own, read from their files; so are conditions, loops and variables, which Ansible renders.
Ansible's engine itself takes minutes for what must take a second here. What a task's module does is in modules.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ansible.template import trust_as_template

from dlconf import content
from dlconf.offline import Planner

BUILTIN = "ansible.builtin."
OURS = "dlconf_"
PASSED_OVER = ("debug", "systemd_service", "systemd", "setup", "template", "service")
"""Modules whose work apt does not depend on: their tasks are not even asked whether they run."""


class Stop(Exception):
    """A task failed; the message says what and why."""


class Modules(Protocol):
    """What does a module's work on the host."""

    def run(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do it and return the module's result."""


class Variables:
    """The variables that a role's tasks see, and Ansible's rendering of them."""

    def __init__(self, planner: Planner, values: Mapping[str, Any]) -> None:
        self._planner = planner
        self.values = dict(values)

    def render(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return a value with its templates rendered."""
        return self._planner.render({**self.values, **(extra or {}), "__it": value}, "__it")

    def holds(self, conditions: Any, extra: Mapping[str, Any] | None = None) -> bool:
        """Whether all conditions, as a task writes them, are true."""
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            text = condition if isinstance(condition, str) else str(condition)
            question = trust_as_template("{{ true if (" + text + ") else false }}")
            if not self.render(question, extra):
                return False
        return True

    def read(self, path: Path) -> Any:
        """Return what a file of a role holds."""
        return self._planner.read(path)


class Play:
    """Plays roles on one host.

    Args:
        variables: those of the host and of all roles.
        modules: what does the tasks' work.
    """

    def __init__(self, variables: Variables, modules: Modules) -> None:
        self._variables, self._modules = variables, modules
        self._notified: dict[str, None] = {}

    def role(
        self, name: str, tasks_from: str = "main", given: Mapping[str, Any] | None = None
    ) -> None:
        """Play a role.

        Args:
            given: variables of the task that includes it.

        Raises:
            Stop: a task failed.
        """
        values, folder = self._variables.values, content.root() / "roles" / name
        before = dict(values)
        for part in ("defaults", "vars"):
            more = self._variables.read(folder / part / "main.yml") or {}
            values.update({key: value for key, value in more.items() if key not in before})
        values.update(given or {}, role_path=str(folder))
        outer, self._notified = self._notified, {}
        self._file(name, tasks_from)
        self._handle(name)
        self._notified = outer
        values["role_path"] = before.get("role_path", "")

    def _file(self, role: str, name: str) -> None:
        path = content.root() / "roles" / role / "tasks" / name
        path = path if path.suffix == ".yml" else path.with_suffix(".yml")
        self._tasks(role, self._variables.read(path) or [])

    def _tasks(
        self, role: str, tasks: Iterable[Mapping[str, Any]], extra: Mapping[str, Any] | None = None
    ) -> None:
        for task in tasks:
            inherited = {**(extra or {}), **task.get("vars", {})}
            if "block" in task:
                if self._holds(task, inherited):
                    self._block(role, task, inherited)
            else:
                self._task(role, task, inherited)

    def _block(self, role: str, task: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        try:
            self._tasks(role, task["block"], extra)
        except Stop:
            if "rescue" not in task:
                raise
            self._tasks(role, task["rescue"], extra)
        finally:
            self._tasks(role, task.get("always", ()), extra)

    def _holds(self, task: Mapping[str, Any], extra: Mapping[str, Any]) -> bool:
        return self._variables.holds(task.get("when", True), extra)

    def _task(self, role: str, task: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        module = next(key for key in task if key.startswith((BUILTIN, OURS)))
        if module.removeprefix(BUILTIN) in PASSED_OVER and "register" not in task:
            return
        single = "loop" not in task
        variable = task.get("loop_control", {}).get("loop_var", "item")
        items = [None] if single else list(self._variables.render(task["loop"], extra))
        results = []
        for item in items:
            more = dict(extra) if single else {**extra, variable: item}
            if not self._holds(task, more):
                results.append({"changed": False, "skipped": True, "item": item})
                continue
            result = {"changed": False, "failed": False, **self._do(role, module, task, more)}
            results.append(result | ({} if single else {"item": item}))
            self._judge(task, results[-1], more)
        changed = any(result["changed"] for result in results)
        failed = any(result.get("failed") for result in results)
        whole = results[0] if single else {"results": results, "changed": changed, "failed": failed}
        if "register" in task:
            self._variables.values[task["register"]] = whole
        if changed and "notify" in task:
            named = task["notify"]
            self._notified |= dict.fromkeys([named] if isinstance(named, str) else named)

    def _judge(
        self, task: Mapping[str, Any], result: dict[str, Any], extra: Mapping[str, Any]
    ) -> None:
        """Let the task's own words decide on failure and change, and stop after a failure."""
        own = {task["register"]: result} if "register" in task else {}
        if "failed_when" in task:
            result["failed"] = self._variables.holds(task["failed_when"], {**extra, **own})
        if "changed_when" in task:
            result["changed"] = self._variables.holds(task["changed_when"], {**extra, **own})
        if result["failed"]:
            if "register" in task:
                self._variables.values[task["register"]] = result
            raise Stop(f"{task.get('name')}: {result.get('msg') or result.get('stderr') or result}")

    def _do(
        self, role: str, module: str, task: Mapping[str, Any], extra: Mapping[str, Any]
    ) -> dict[str, Any]:
        short, arguments = module.removeprefix(BUILTIN), task[module]
        if short in ("import_tasks", "include_tasks"):
            name = arguments if isinstance(arguments, str) else arguments["file"]
            with_vars = self._variables.values
            kept = {key: with_vars[key] for key in extra if key in with_vars}
            with_vars.update(extra)
            self._file(role, self._variables.render(name))
            with_vars.update(kept)
            return {}
        if short in ("import_role", "include_role"):
            given = {
                key: self._variables.render(value, extra)
                for key, value in task.get("vars", {}).items()
            }
            name = self._variables.render(arguments["name"], extra)
            return self._include(name, arguments.get("tasks_from", "main"), given)
        if short == "meta":
            if arguments == "flush_handlers":
                self._handle(role)
            return {}
        if short == "assert":
            return self._assert(arguments, extra)
        if short == "set_fact":
            self._variables.values.update(self._variables.render(arguments, extra))
            return {}
        return self._modules.run(short, self._variables.render(arguments, extra))

    def _include(self, name: str, tasks_from: str, given: Mapping[str, Any]) -> dict[str, Any]:
        result = self._modules.run("include_role", {"name": name, **given})
        if result:
            return result
        self.role(name, tasks_from, given)
        return {}

    def _assert(self, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        if self._variables.holds(arguments["that"], extra):
            return {}
        return {
            "failed": True,
            "msg": self._variables.render(arguments.get("fail_msg", "assert"), extra),
        }

    def _handle(self, role: str) -> None:
        """Run the handlers that were notified, in the order in which the role has them."""
        path = content.root() / "roles" / role / "handlers" / "main.yml"
        if not self._notified or not path.exists():
            return
        handlers: Sequence[Mapping[str, Any]] = self._variables.read(path) or []
        wanted, self._notified = self._notified, {}
        for handler in handlers:
            if handler["name"] in wanted:
                self._tasks(role, [handler])
