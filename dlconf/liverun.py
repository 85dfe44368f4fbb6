"""A run of ansible-playbook while it goes on: its events are taken in, and what interrupts it is answered.

Ctrl-C, SIGTERM and SIGHUP. The first asks the callback `dlconf_stop` to end the run between two tasks, so that
no task, and so no apt or dpkg, is cut on any host; a long task is waited for. The same is done where events cannot be
taken in: an error of dlconf cuts no task either. The second interrupts
ansible-playbook itself: it kills its connections; a module on a remote host runs on to its end unseen, one on a
local connection dies. The third kills ansible-playbook. Whatever was cut is repaired by the next apply (preflight
runs `dpkg --configure -a`).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlconf import inventory
from dlconf.errors import DlconfError
from dlconf.interrupts import Interrupts
from dlconf.outcome import Event, Recorder, RunOutcome
from dlconf.runfolder import RunFolder, RunLog

GO_FILE = "go"
"""Name of the file without which the callback `dlconf_stop` ends the run before the next task."""
_MOST_LINES_SHOWN = 20
Play = Callable[[Callable[[dict[str, Any]], bool], Callable[[], bool]], int]


class LiveRun:
    """One run of ansible-playbook on this machine, as it goes on.

    Args:
        work: the folder for its files alone, with GO_FILE in it.
        log: takes the events.
        watch: called with each step.
        say: called with a line for the user when the run is interrupted.
    """

    def __init__(
        self,
        work: Path,
        log: RunLog,
        watch: Callable[[Event], None] | None,
        say: Callable[[str], None],
    ) -> None:
        self._work, self._log, self._watch = work, log, watch
        self._recorder = Recorder()
        self._interrupts = Interrupts(self._act, say)
        self._error: Exception | None = None

    def outcome(self, play: Play, folder: RunFolder) -> RunOutcome:
        """Let Ansible run and return what it came to; where its events do not tell all, the folder is told why.

        Args:
            play: runs ansible-playbook with a handler of events and with what says whether to kill it; returns its
                exit status.
            folder: the run's.

        Raises:
            OSError: it could not begin.
        """
        rc, lost = 0, ""
        with self._interrupts:
            try:
                rc = play(self._on_event, self._kill_wanted)
            except OSError as error:
                if not self._recorder.hosts:
                    raise
                lost = str(error)
        if self._error:
            raise self._error
        recorder, interrupted = self._recorder, self._interrupts.count > 0
        ended = recorder.ended or interrupted
        try:
            inventory.current_folder()
        except DlconfError as error:
            folder.report(error)
        if recorder.hosts and not ended:
            folder.report(self._why_it_ended(lost))
        return RunOutcome(
            recorder.hosts,
            folder.log,
            interrupted,
            rc,
            recorder.tail,
            ended,
            tuple(recorder.warnings),
        )

    def _act(self, count: int) -> None:
        if count == 1:
            self._stop()
        elif count == 2 and self._recorder.pid is not None:
            os.kill(self._recorder.pid, signal.SIGINT)

    def _stop(self) -> None:
        """Let the callback `dlconf_stop` end the run before the next task."""
        (self._work / GO_FILE).unlink(missing_ok=True)

    def _kill_wanted(self) -> bool:
        """Say yes after the third signal, or after the second where ansible-playbook has not begun."""
        self._interrupts.announce()
        count = self._interrupts.count
        return count >= 3 or (count == 2 and self._recorder.pid is None)

    def _on_event(self, event: dict[str, Any]) -> bool:
        try:
            step = self._recorder.feed(event)
            self._log.event(event)
            if step is not None and self._watch is not None:
                self._watch(step)
        except (
            Exception
        ) as error:  # raised at the end: from here it would cut the tasks that are running
            self._error = self._error or error
            self._stop()
        return False  # Runner need not keep it: the log has it

    def _why_it_ended(self, lost: str) -> DlconfError:
        """Return the error about a run that did not come to its summary."""
        said = [line for line in self._recorder.tail if line.strip()][-_MOST_LINES_SHOWN:]
        reasons = [lost] if lost else said or ["it said nothing"]
        if not self._work.exists():
            reasons = [f"its folder {self._work} is gone"]
        return DlconfError(
            "\n".join(["Ansible ended before its summary:", *reasons]),
            hint="what is known of the hosts is shown; run it again for the rest",
        )
