"""A stand-in for `runner.run_playbook` that plays back recorded events."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlconf.outcome import Recorder, RunOutcome
from dlconf.runfolder import RunFolder, RunLog
from dlconf.runner import Run, Watcher

EVENTS = Path(__file__).parent.parent / "events"


def events(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


class FakeRunner:
    """Plays back one recording for each run, in order, and remembers the runs.

    A recording named `interrupted` stands for a run that the user stopped before it reached a host, one named
    `interrupted NAME` for the first half of that recording.
    """

    def __init__(self, *recordings: str) -> None:
        self.recordings = list(recordings)
        self.runs: list[Run] = []

    def __call__(
        self,
        run: Run,
        folder: RunFolder,
        *,
        watch: Watcher | None = None,
        say: Callable[[str], None] | None = None,
    ) -> RunOutcome:
        self.runs.append(run)
        name = self.recordings.pop(0)
        is_interrupted = name.startswith("interrupted")
        whole = events(kept) if (kept := name.removeprefix("interrupted").strip()) else []
        played = whole[: len(whole) // 2] if is_interrupted else whole
        recorder = Recorder()
        with RunLog(folder) as log:
            log.line(f"# {run.playbook}")
            for event in played:
                log.event(event)
                step = recorder.feed(event)
                if step and watch:
                    watch(step)
        return RunOutcome(recorder.hosts, folder.log, is_interrupted, 0, recorder.tail)
