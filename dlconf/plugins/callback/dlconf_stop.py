"""Stop a run between two tasks, never inside one.

A SIGINT to ansible-playbook kills its workers with all that they started: on a host that is reached by a local
connection that is apt, in the middle of dpkg. So `dlconf` answers the first Ctrl-C by creating a file, and
this callback looks for it when a task is about to start. The linear strategy has then gathered the results of the
task before from every host, so nothing runs anywhere. KeyboardInterrupt passes Ansible's guard around callbacks
(it catches Exception only), and ends the run as a Ctrl-C would: workers cleaned up, exit status 99.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

STOP_FILE_VARIABLE = "DLCONF_STOP_FILE"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """End the run at the start of a task once the stop file is there."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dlconf_stop"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Look for the stop file before a task is given to the hosts."""
        self._stop_when_asked()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Look for the stop file before a handler is given to the hosts."""
        self._stop_when_asked()

    @staticmethod
    def _stop_when_asked() -> None:
        stop_file = os.environ.get(STOP_FILE_VARIABLE)
        if stop_file and Path(stop_file).exists():
            raise KeyboardInterrupt
