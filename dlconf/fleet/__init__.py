"""A run in slices through workers: other machines that run Ansible for part of the hosts, reached by SSH.

Each slice is a remote job of ansible-runner (`link.py`). What comes from all of them is taken in here, by one thread,
so that log, progress and outcome are those of one run. A worker that is lost gives its hosts to the others; a host
that one worker does not reach is given to another before it counts as unreachable.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from dlconf import inventory, workfolder
from dlconf.errors import DlconfError
from dlconf.fleet import payload, travel
from dlconf.fleet.deal import deal, join
from dlconf.fleet.link import Ended, Link, Step
from dlconf.fleet.remote import KEEPALIVE_S, SILENCE_S
from dlconf.interrupts import Interrupts
from dlconf.outcome import HostOutcome, RunOutcome, TaskFailure
from dlconf.runfolder import RunFolder, RunLog
from dlconf.runner import Run, Watcher

_TICK_S = 0.3
_MOST_NAMES = 5
_MOST_WAITING = 1000  # events that wait for their turn; more make the workers wait


def run_on_workers(
    run: Run,
    folder: RunFolder,
    *,
    watch: Watcher | None = None,
    say: Callable[[str], None] | None = None,
) -> RunOutcome:
    """Run a playbook through workers; takes and returns what `runner.run_playbook` does.

    Raises:
        DlconfError: no worker could do anything.
    """
    hosts = run.hosts
    if hosts is None:
        hosts = inventory.matching(run.sources, run.limit, strict=run.strict_limit)
    tell = say or (lambda line: None)
    interrupts = Interrupts(lambda count: None, tell)
    try:
        with workfolder.made() as work, RunLog(folder) as log, interrupts:
            fleet = _Fleet(run, work, log, interrupts=interrupts, watch=watch, say=tell)
            log.line(f"# {run.playbook} on {run.inventory} through {', '.join(run.workers)}")
            fleet.say_what_stays()
            return fleet.do(list(hosts), folder.log)
    except OSError as error:
        raise DlconfError(
            f"cannot run through workers: {error}",
            hint="make room there, or set TMPDIR to another folder",
        ) from error


class _Fleet:
    """The workers of one run, what each does, and what has come of it."""

    def __init__(
        self,
        run: Run,
        work: Path,
        log: RunLog,
        *,
        interrupts: Interrupts,
        watch: Watcher | None,
        say: Callable[[str], None],
    ) -> None:
        self._run = run
        self._work = work
        self._log = log
        self._interrupts = interrupts
        self._watch = watch
        self._say = say
        self._inbox: queue.Queue[Step | Ended] = queue.Queue(_MOST_WAITING)
        self._links: dict[str, Link] = {}
        self._lost: dict[str, str] = {}
        self._waiting: list[str] = []
        self._tried: dict[str, set[str]] = {}
        self._outcomes: dict[str, HostOutcome] = {}
        self._slices = 0
        self._tail: list[str] = []
        self._warnings: dict[str, None] = {}

    def say_what_stays(self) -> None:
        """Say which files of the inventory's folder the workers do not get."""
        for reason, names in payload.left_out(self._run.inventory).items():
            said = f"not sent to workers ({reason})"
            self._log.line(f"# {said}: {', '.join(names)}")
            if reason not in travel.UNREMARKABLE:
                shown = names[:_MOST_NAMES] + ["..."] * (len(names) > _MOST_NAMES)
                self._say(f"{said}: {', '.join(shown)}")

    def do(self, hosts: list[str], log_path: Path) -> RunOutcome:
        """Do the hosts and return what it came to."""
        self._waiting = list(hosts)
        orders = beats = 0
        begun_s = time.monotonic()
        try:
            while self._start_slices() or self._links:
                self._interrupts.announce()
                while orders < self._interrupts.count:
                    orders += 1
                    self._pass_on(orders)
                if time.monotonic() - begun_s > beats * KEEPALIVE_S:
                    beats += 1
                    self._beat()
                self._take()
        finally:
            for link in self._links.values():
                link.cut()
        self._give_up()
        ordered = {host: self._outcomes[host] for host in hosts if host in self._outcomes}
        self._tell(ordered)
        rc = int(bool(self._lost) or any(outcome.failure for outcome in ordered.values()))
        return RunOutcome(
            ordered,
            log_path,
            self._interrupts.count > 0,
            rc,
            self._tail,
            warnings=tuple(self._warnings),
        )

    def _start_slices(self) -> bool:
        """Give hosts to the workers that have nothing to do; say whether any got some."""
        if self._interrupts.count:
            return False
        idle = [name for name in self._able() if name not in self._links]
        dealt = deal(self._waiting, idle, self._tried, self._run.served_by)
        for worker, own in dealt.items():
            self._slices += 1
            self._log.line(f"# {worker}: {' '.join(own)}")
            folder = self._work / str(self._slices)
            self._links[worker] = Link(worker, own, self._run, folder, self._inbox)
        given = {host for own in dealt.values() for host in own}
        self._waiting = [host for host in self._waiting if host not in given]
        return bool(dealt)

    def _able(self) -> list[str]:
        return [worker for worker in self._run.workers if worker not in self._lost]

    def _pass_on(self, count: int) -> None:
        """Pass a signal of the user on to every worker, as `Interrupts` counts them."""
        for link in self._links.values():
            if count > 3:
                link.cut()  # nothing came of the order to kill
                continue
            pid = link.recorder.pid
            end = f"interrupt {pid}" if count == 2 and pid else "kill"
            link.order("stop" if count == 1 else end)

    def _beat(self) -> None:
        for link in self._links.values():
            link.order("alive")
            if link.silent_s > SILENCE_S:
                link.cut()

    def _take(self) -> None:
        """Take in what a slice sends next, if anything comes soon."""
        try:
            item = self._inbox.get(timeout=_TICK_S)
        except queue.Empty:
            return
        if isinstance(item, Ended):
            self._end(item.link, item.reason)
        else:
            self._step(item)

    def _step(self, item: Step) -> None:
        link = item.link
        try:
            step = link.recorder.feed(item.event)
            self._log.event({**item.event, "worker": link.worker})
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ):
            link.refuse("it sent an event that is none of ansible-runner's")
            step = None
        if step is None:
            return
        if step.kind == "unreachable" and self._others(step.host, link.worker):
            self._note(f"{step.host}: not reached from {link.worker}; another worker will try")
        elif self._watch:
            self._watch(step)

    def _others(self, host: str, worker: str) -> list[str]:
        """Return the workers that may still try a host that a worker did not reach."""
        been = {worker, *self._tried.get(host, ())}
        return [name for name in self._able() if name not in been]

    def _end(self, link: Link, reason: str) -> None:
        """Take in the end of a slice: its outcomes, and the hosts that others must do."""
        del self._links[link.worker]
        self._tail += link.recorder.tail
        # Without the place: that is below a folder of the worker's, another on each.
        self._warnings |= {text.partition(" (/")[0]: None for text in link.recorder.warnings}
        for host, outcome in link.recorder.hosts.items():
            outcome.worker = link.worker
            if outcome.unreachable:
                self._tried.setdefault(host, set()).add(link.worker)
                outcome.unreachable = self._unreached(host, outcome.unreachable, link.worker)
            self._outcomes[host] = join(self._outcomes.get(host), outcome)
        if link.finished and not reason:
            self._waiting += [
                host
                for host, outcome in link.recorder.hosts.items()
                if outcome.unreachable and self._others(host, link.worker)
            ]
        elif not self._interrupts.count:
            self._lost[link.worker] = reason
            self._waiting += link.hosts
            self._note(f"worker {link.worker} is lost: {reason}")

    def _unreached(self, host: str, failure: TaskFailure, worker: str) -> TaskFailure:
        """Return the failure with its worker named, behind those of the workers before."""
        message = f"from {worker}: {failure.message}"
        before = self._outcomes.get(host)
        if before and before.unreachable:
            message = f"{before.unreachable.message}\n{message}"
        return TaskFailure(failure.role, failure.task, message)

    def _give_up(self) -> None:
        """Count the hosts that nobody is left for as unreachable.

        Raises:
            DlconfError: nothing at all was done.
        """
        if self._interrupts.count or not self._waiting:
            return
        reasons = [f"{worker}: {reason}" for worker, reason in self._lost.items()]
        if not self._outcomes:
            raise DlconfError(
                "\n".join(["no worker is left:", *reasons]),
                hint="run without --workers, or try: ssh -o BatchMode=yes WORKER true",
            )
        for host in self._waiting:
            outcome = self._outcomes.setdefault(host, HostOutcome())
            told = [outcome.unreachable.message] if outcome.unreachable else []
            message = "\n".join([*told, "no worker is left:", *reasons])
            outcome.unreachable = TaskFailure("", "", message)

    def _tell(self, outcomes: dict[str, HostOutcome]) -> None:
        served = Counter(outcome.worker for outcome in outcomes.values() if not outcome.unreachable)
        if served:
            parts = [f"{worker} {number}" for worker, number in served.items()]
            self._note(f"hosts by worker: {', '.join(parts)}")

    def _note(self, text: str) -> None:
        self._log.line(f"# {text}")
        self._say(text)
