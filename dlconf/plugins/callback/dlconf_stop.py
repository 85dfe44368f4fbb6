"""Stop a run between two tasks, never inside one.

A SIGINT to ansible-playbook kills its workers with all that they started: on a host that is reached by a local
connection that is apt, in the middle of dpkg. So `dlconf` answers the first Ctrl-C by removing a file, and
this callback looks for it when a task is about to start. The linear strategy has then gathered the results of the
task before from every host, so nothing runs anywhere. KeyboardInterrupt passes Ansible's guard around callbacks
(it catches Exception only), and ends the run as a Ctrl-C would: workers cleaned up, exit status 99.

A file is removed, not made: that works on a full disk, and a run whose folder is gone, of which nobody could read any
result, ends too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

GO_FILE_VARIABLE = "DLCONF_GO_FILE"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """End the run at the start of a task once the file that lets it go on is gone."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dlconf_stop"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Look for the file before a task is given to the hosts."""
        self._stop_when_asked()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Look for the file before a handler is given to the hosts."""
        self._stop_when_asked()

    @staticmethod
    def _stop_when_asked() -> None:
        go_file = os.environ.get(GO_FILE_VARIABLE)
        if go_file and not Path(go_file).exists():
            raise KeyboardInterrupt
