"""Keep secrets out of what a run prints and out of its events, before either leaves the process of Ansible.

What the vault hides is known only where Ansible runs, here or on a worker, so it is taken out there: of each text that
Ansible displays, and of the results that ansible-runner makes its events of. What a host's state says of facts and
resolution stays as it is: no secret goes into it (docs/architecture.md), and the next step reads it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from dlconf.withheld import Redactor, secret_texts

OF_RUNNER = "ansible.plugins.callback.awx_display"
"""The module of ansible-runner that makes events; Ansible loads it under this name."""
NO_SECRETS = ("facts", "resolution")
NOT_OF_THE_INVENTORY = frozenset({"groups", "hostvars", "omit", "playbook_dir"})


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Redact what Ansible displays and the events of ansible-runner."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dlconf_redact"

    def __init__(self) -> None:
        super().__init__()
        self._redactor = Redactor()
        self._seen: dict[int, Any] = {}
        self._plays = 0
        _wrap(Display, "display", self._displayed)
        if events := sys.modules.get(OF_RUNNER):
            _wrap(events.event_context, "get_begin_dict", self._event)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Learn the secrets of all hosts, before the first task."""
        self._plays += 1
        if self._plays > 1:  # the first play of every playbook of dlconf is for all hosts
            return
        try:
            self._learn(play.get_variable_manager())
        except Exception as error:
            self._display.display(_cause(error))
            # Of another error in a callback Ansible would only warn, and go on.
            raise AssertionError("the variables of the inventory cannot be read") from error

    def _learn(self, variables: Any) -> None:
        for host in variables._inventory.get_hosts("all"):
            given = variables.get_vars(host=host, include_hostvars=False)
            new = {
                name: value
                for name, value in given.items()
                if name not in NOT_OF_THE_INVENTORY and id(value) not in self._seen
            }
            # Hosts of a group share its values; they are kept, so that no other takes the place of one.
            self._seen.update((id(value), value) for value in new.values())
            self._redactor.learn(secret_texts(new))

    def _displayed(self, display: Callable[..., Any], *given: Any, **options: Any) -> Any:
        words = [self._redactor.text(word) if isinstance(word, str) else word for word in given]
        if isinstance(options.get("msg"), str):
            options["msg"] = self._redactor.text(options["msg"])
        return display(*words, **options)

    def _event(self, begin: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        event = begin()
        data = event.get("event_data") or {}
        for part in ("res", "task_args", "task", "name", "play"):
            if part in data:
                data = data | {part: self._result(data[part])}
        return event | {"event_data": data}

    def _result(self, result: Any) -> Any:
        state = result.get("dlconf") if isinstance(result, dict) else None
        redacted = self._redactor.data(result)
        if isinstance(state, dict):
            redacted["dlconf"] |= {part: state.get(part) for part in NO_SECRETS}
        return redacted


def _cause(error: BaseException) -> str:
    """Return what is wrong, and the file and line of it; not what stands there, which may be a secret."""
    text, place = str(error), ""
    cause: BaseException | None = error
    while cause is not None and not place:
        origin = getattr(cause, "_formatted_source_context", None) or ""
        place = origin.partition("\n")[0].removeprefix("Origin: ")
        cause = cause.__cause__ or cause.__context__
    return f"{text} ({place})" if place else text


def _wrap(owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Put `change` before a function: it is called with the function and what that was to be called with."""
    function = getattr(owner, name)
    setattr(owner, name, lambda *given, **options: change(function, *given, **options))
