"""Runs the selected scenarios side by side, and beside the other tests; a scenario's test waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".lab-molecule"
# As it is before any test: a scenario may start while a test has put a false ssh on the PATH.
ENVIRONMENT = dict(os.environ)
WORKERS = 3  # on two cores: a scenario waits for its machines more than it computes
LIMIT_S = 1800


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended; `code` is None where it was not begun, since the time for that was over."""

    name: str
    code: int | None
    seconds: float
    log: Path


class Scenarios:
    """Scenarios under way.

    Args:
        names: which to run, in this order, WORKERS at a time.
        begin_within_s: what has not begun by then is left out; None for no limit.
    """

    def __init__(self, names: Sequence[str], begin_within_s: float | None = None) -> None:
        self._last_s = None if begin_within_s is None else time.monotonic() + begin_within_s
        self._pool = ThreadPoolExecutor(WORKERS)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._futures = {name: self._pool.submit(self._run, name) for name in names}

    def wait(self, name: str) -> Outcome:
        """Return how a scenario ended, once it has."""
        return self._futures[name].result()

    def finished(self) -> list[Outcome]:
        """Return the scenarios that have ended."""
        done: list[Future[Outcome]] = [f for f in self._futures.values() if f.done()]
        return [future.result() for future in done if not future.cancelled()]

    def stop(self) -> None:
        """End what still runs and take its machines down; nothing where all have ended."""
        for future in self._futures.values():
            future.cancel()
        left = dict(self._running)
        for process in left.values():
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(process.pid, signal.SIGTERM)
        self._pool.shutdown()
        for name in left:
            subprocess.run(
                ["molecule", "destroy", "-s", name], cwd=ROOT, env=environment_of(name), check=False
            )

    def _run(self, name: str) -> Outcome:
        log = STATE / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        if self._last_s is not None and started > self._last_s:
            return Outcome(name, None, 0, log)
        with log.open("wb") as stream:
            process = subprocess.Popen(
                ["molecule", "test", "--scenario-name", name],
                cwd=ROOT,
                env=environment_of(name),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[name] = process
            try:
                code = process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                return Outcome(name, -1, time.monotonic() - started, log)  # `stop` ends it
            del self._running[name]
        return Outcome(name, code, time.monotonic() - started, log)


def environment_of(name: str) -> dict[str, str]:
    """The scenario's environment; Molecule's own folder is shared by all checkouts of one name unless it is named."""
    return ENVIRONMENT | {
        "PATH": f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(STATE / "tmp" / name),
        "NO_COLOR": "1",
        "COLUMNS": "160",
    }


STARTED = pytest.StashKey[Scenarios]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what needs no lab first, and last the tests that wait for a scenario: the others run meanwhile."""
    items.sort(key=lambda item: (_scenario(item) is not None, "lab" in item.keywords))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start all scenarios that were selected."""
    names = [name for item in session.items if (name := _scenario(item)) is not None]
    if names and not session.config.option.collectonly:
        minutes = session.config.getoption("begin_scenarios_within")
        session.config.stash[STARTED] = Scenarios(names, None if minutes is None else minutes * 60)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing running where the tests ended early."""
    if started := session.config.stash.get(STARTED, None):
        started.stop()


def _scenario(item: pytest.Item) -> str | None:
    """The scenario that a test waits for, if it does."""
    return item.callspec.params.get("scenario") if hasattr(item, "callspec") else None


@pytest.fixture(scope="session")
def scenarios(pytestconfig: pytest.Config) -> Scenarios:
    """All scenarios that were selected, under way."""
    return pytestconfig.stash[STARTED]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each scenario took."""
    started = terminalreporter.config.stash.get(STARTED, None)
    if started is None:
        return
    terminalreporter.section("scenarios")
    for outcome in sorted(started.finished(), key=lambda outcome: outcome.name):
        left_out = "not begun: make molecule runs it"
        word = {0: "ok", None: left_out}.get(outcome.code, f"failed: {outcome.log}")
        terminalreporter.write_line(f"{outcome.name:20}{outcome.seconds:6.0f} s  {word}")
