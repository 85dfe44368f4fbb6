"""One slice of a run on one worker, over one SSH connection: `transmit | ssh WORKER worker`, read by stream.py."""

from __future__ import annotations

import contextlib
import io
import json
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dlconf.errors import DlconfError
from dlconf.fleet import payload, start, stream
from dlconf.outcome import Recorder
from dlconf.runner import Run

_MOST_STRAY_LINES = 100
_MOST_ERROR_LINES = 5
_MOST_ERROR_BYTES = 2**16
_TAIL_LIMIT_S = 1
_END_LIMIT_S = 20


@dataclass(frozen=True)
class Step:
    """An event of ansible-runner from a slice."""

    link: Link
    event: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """The end of a slice; `reason` says why the worker is lost, or is empty."""

    link: Link
    reason: str


class Link:
    """A slice that a worker does, in a thread of its own.

    Args:
        worker: as ssh knows it.
        hosts: the slice.
        run: what to run.
        work: a folder for this slice; it does not exist yet.
        inbox: where steps and the end go.
    """

    def __init__(
        self,
        worker: str,
        hosts: Sequence[str],
        run: Run,
        work: Path,
        inbox: queue.Queue[Step | Ended],
    ) -> None:
        self.worker = worker
        self.hosts = list(hosts)
        self.recorder = Recorder()
        self.finished = False
        self._run = run
        self._work = work
        self._inbox = inbox
        self._heard_s = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._takes_orders = self._over = False
        self._explanation = self._refused = ""
        self._listener: threading.Thread | None = None
        self._printed = b""
        self._replace = (b"", b"")
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def silent_s(self) -> float:
        """Return for how long nothing has come from the worker."""
        return time.monotonic() - self._heard_s

    def order(self, words: str) -> None:
        """Send an order (see `remote.py`); before the worker takes orders, one to end ends the connection."""
        process = self._process
        if self._takes_orders and process and process.stdin:
            with contextlib.suppress(OSError, ValueError):  # it has just ended
                process.stdin.write(f"{words}\n".encode())
                process.stdin.flush()
        elif words != "alive":
            self.cut()

    def cut(self) -> None:
        """End the connection, or let none begin; the worker then stops by itself."""
        self._over = True
        if self._process:
            self._process.kill()

    def _serve(self) -> None:
        reason = ""
        try:
            reason = self._converse()
        except DlconfError as error:
            reason, self.finished = error.message, False
        except OSError as error:
            reason = f"{error}{self._said()}"
        except Exception as error:  # whatever it is, the other workers go on
            reason = f"{type(error).__name__}: {error}"
        finally:
            self._leave()
            self._inbox.put(Ended(self, self._refused or reason))

    def _leave(self) -> None:
        """End the connection once the worker has cleaned up, or has had the time for it."""
        if self._process is None:
            return
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if self._process.stdin:
                self._process.stdin.close()
            # The artifacts, which nobody wants: a worker that still writes does not clean up.
            rest = _parts(self._process.stdout)
            threading.Thread(target=deque, args=(rest, 0), daemon=True).start()
            self._process.wait(_END_LIMIT_S)
        self.cut()

    def _converse(self) -> str:
        """Do the slice; return why it did not come to its end, if it did not."""
        from ansible_runner import interface  # noqa: PLC0415 - 0.1 s, only to run

        self._work.mkdir(mode=0o700)
        job = self._work / "job"
        job.mkdir(mode=0o700)
        payload.build(job, self._run, self.hosts)
        program = start.program()
        self._process = subprocess.Popen(
            start.command(self.worker, len(program)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C of the terminal is for dlconf alone
        )
        self._listener = threading.Thread(target=self._keep_tail, daemon=True)
        self._listener.start()
        if self._over:
            return "it was ended before it began"
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("both are pipes")
        with contextlib.suppress(BrokenPipeError):  # what ssh printed says more
            stdin.write(program)
            stdin.flush()
        hello = self._greet(stdout)
        if lack := start.missing(self.worker, hello["versions"]):
            return lack
        self._replace = (
            f"{hello['folder']}/inventory".encode(),
            json.dumps(str(payload.inventory_folder(self._run.inventory)))[1:-1].encode(),
        )
        arguments = payload.arguments(job, self._run, self.hosts, hello["cores"], hello["folder"])
        interface.run(streamer="transmit", _output=stdin, **arguments)
        self._takes_orders = True
        for message in stream.messages(_Heard(stdout, self), self.hosts, self._local):
            self._take(message)
        return "" if self.finished else self._why()

    def _greet(self, stdout: IO[bytes]) -> dict[str, Any]:
        """Return what the worker says first; lines that its shell prints before are passed over.

        Raises:
            DlconfError: it says nothing.
        """
        for line in (stream.line_of(stdout) for _ in range(_MOST_STRAY_LINES)):
            self.heard()
            if line.startswith(b'{"dlconf_worker"'):
                hello: dict[str, Any] = json.loads(line)
                return hello
            if not line:
                break
        raise DlconfError(f"no worker answered{self._said()}")

    def heard(self) -> None:
        """Note that something came from the worker."""
        self._heard_s = time.monotonic()

    def _local(self, line: bytes) -> bytes:
        """Return a line of the worker with the inventory's folder as it is called here."""
        return line.replace(*self._replace)

    def refuse(self, reason: str) -> None:
        """End the connection, because of what came from the worker."""
        self._refused, self.finished = reason, False
        self.cut()

    def _take(self, message: Mapping[str, Any]) -> None:
        if "status" in message:
            self._explanation = str(message.get("job_explanation") or self._explanation)
            return
        self.finished |= message.get("event") == "playbook_on_stats"
        self._inbox.put(Step(self, message))

    def _why(self) -> str:
        """Return why the run had no end: what Ansible printed last, else what ssh or ansible-runner said."""
        tail = [line for line in self.recorder.tail if line.strip()][-_MOST_ERROR_LINES:]
        if tail:
            return "\n".join(["Ansible ended before its summary:", *tail])
        said = self._said()
        broken = self._process is None or self._process.returncode != 0
        return ("the connection ended" if broken else self._explanation) + said

    def _keep_tail(self) -> None:
        """Keep the end of what ssh prints to standard error; all of it could fill a disk."""
        for part in _parts(self._process.stderr if self._process else None):
            self._printed = (self._printed + part)[-_MOST_ERROR_BYTES:]

    def _said(self) -> str:
        """Return how ssh ended and what it printed last."""
        if self._process is None:
            return ""
        self._leave()
        code = f" (ssh ended with {self._process.wait()})"
        if self._listener:
            self._listener.join(_TAIL_LIMIT_S)  # a connection that is shared keeps its end open
        lines = self._printed.decode(errors="replace").strip().splitlines()[-_MOST_ERROR_LINES:]
        return code + (": " + "\n".join(lines) if lines else "")


def _parts(pipe: IO[bytes] | None) -> Iterator[bytes]:
    """Return what comes from a pipe, until its end."""
    if isinstance(pipe, io.BufferedReader):
        with contextlib.suppress(OSError, ValueError):  # it has just been closed
            yield from iter(lambda: pipe.read1(2**16), b"")


class _Heard:
    """The worker's stream, which notes that something came."""

    def __init__(self, pipe: IO[bytes], link: Link) -> None:
        self._pipe = pipe
        self._link = link

    def readline(self, size: int = -1, /) -> bytes:
        line = self._pipe.readline(size)
        self._link.heard()
        return line
