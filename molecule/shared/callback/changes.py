"""Writes down which tasks changed something, run by run: `runs.json` in the folder of the scenario's lab.

Tests compare runs by it: what check mode announced with what then changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible import context
from ansible.playbook.handler import Handler
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: changes
type: notification
short_description: writes down which tasks changed something
description: Appends each run of a playbook to runs.json in the folder that the variable LAB_STATE names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core carries no types
    """Collects what changed in one run of a playbook, each item of a loop by itself.

    Handlers are left out: in check mode most of them do not run, and each follows from a task that is here.
    """

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "changes"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._changed: list[dict[str, str]] = []
        self._playbook = ""

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Note which playbook this is."""
        self._playbook = Path(playbook._file_name).stem  # it has no public name for it

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a task; one with a loop was noted item by item."""
        if not result.task.loop:
            self._note(result, "")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Note one item of a loop."""
        self._note(result, str(result.result.get("_ansible_item_label", "")))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Append the run, unless its lab has just been taken down."""
        del stats
        folder = Path(os.environ["LAB_STATE"])
        if not folder.is_dir():
            return
        path = folder / "runs.json"
        runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        run = {
            "playbook": self._playbook,
            "check": context.CLIARGS["check"],
            "changed": self._changed,
        }
        path.write_text(json.dumps([*runs, run], indent=1) + "\n", encoding="utf-8")

    def _note(self, result: Any, item: str) -> None:
        if result.result.get("changed") and not isinstance(result.task, Handler):
            task = {"host": result.host.get_name(), "task": result.task.get_name(), "item": item}
            self._changed.append(task)
