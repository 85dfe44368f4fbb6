"""Ask a host questions of which none can hold the others: none waits for ever, none fills the memory.

A user of a host can put a FIFO, a device or a mount that never answers where root looks, and a sick driver can keep a
program for ever. So a child process answers, one question after the other. Where it is silent for long, another child
goes on behind that question; what is not answered in its time is named with the reason, and the child is killed but
never waited for: in an uninterruptible sleep it cannot end.

It runs on the hosts with Python's standard library only (3.8 to 3.14).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible.module_utils.dlconf_reading import limit_memory, reason

SILENCE_S = 1.0  # after this another child goes on with the next question
MOST_BYTES = 8 << 20  # of one answer
MOST_MEMORY_BYTES = 1 << 30  # beyond what the module has when it begins to ask

Problems = Dict[str, str]


class Question(NamedTuple):
    """One question: its name, what answers it (it may note what it could not read), and its time in seconds."""

    name: str
    ask: Callable[[Problems], Any]
    limit_s: float


class Answer(NamedTuple):
    """What came of a question: the answer, None where there is none; and what was not read, with the reasons."""

    value: Any
    problems: Problems


def answers(questions: List[Question], limit_s: float) -> List[Answer]:
    """Return the answer to each question, all of them within a time.

    Args:
        questions: in the order in which they are asked.
        limit_s: seconds for all of them together.
    """
    return _Asking(questions, limit_s).all()


class _Child:
    """A process that answers the questions from one on, in their order."""

    def __init__(self, questions: List[Question], first: int, limit_s: float) -> None:
        self.at, self.since, self.heard = first, time.monotonic(), bytearray()
        self.out, into = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _answer_from(questions, first, into, limit_s)
            finally:
                os._exit(0)
        os.close(into)

    def take(self) -> Optional[List[Tuple[int, Answer]]]:
        """Return the answers that have come; None where it has ended."""
        data = os.read(self.out, 1 << 16)
        if not data:
            return None
        self.heard += data
        if b"\n" not in data:
            return []
        *lines, self.heard = self.heard.split(b"\n")
        found = []
        for line in lines:
            number, value, problems = json.loads(line)
            found.append((number, Answer(value, problems)))
            self.at, self.since = number + 1, time.monotonic()
        return found

    def end(self) -> None:
        """Kill it and all that it started; wait for none of them."""
        for kill, pid in ((os.killpg, self.pid), (os.kill, self.pid)):
            with contextlib.suppress(OSError):
                kill(pid, signal.SIGKILL)
        os.close(self.out)
        with contextlib.suppress(OSError):
            os.waitpid(self.pid, os.WNOHANG)


class _Asking:
    """The children that answer one list of questions: one that goes on, and those that are waited for."""

    def __init__(self, questions: List[Question], limit_s: float) -> None:
        self._questions = questions
        self._limit_s = limit_s
        self._begun = time.monotonic()
        self._found: Dict[int, Answer] = {}
        self._next = 0  # the first question that no child has
        self._children: List[_Child] = []
        self._going: Optional[_Child] = None

    def all(self) -> List[Answer]:
        """Ask them all, and return when each is answered or given up."""
        while time.monotonic() - self._begun < self._limit_s:
            if self._going is None and self._next < len(self._questions):
                self._start()
            if not self._children:
                break
            ready = select.select([child.out for child in self._children], [], [], self._pause_s())[
                0
            ]
            for child in [child for child in self._children if child.out in ready]:
                self._hear(child)
            for child in list(self._children):
                self._judge(child)
        for child in self._children:
            child.end()
        late = "it did not answer within {:g} s, the time of all".format(self._limit_s)
        return [
            self._found.get(number) or Answer(None, {question.name: late})
            for number, question in enumerate(self._questions)
        ]

    def _start(self) -> None:
        self._going = _Child(self._questions, self._next, self._limit_s)
        self._next = len(self._questions)
        self._children.append(self._going)

    def _pause_s(self) -> float:
        """Return how long nothing need be done unless something comes."""
        now = time.monotonic()
        ends = [self._begun + self._limit_s]
        for child in self._children:
            ends.append(child.since + self._questions[child.at].limit_s)
            if child is self._going:
                ends.append(child.since + SILENCE_S)
        return max(0.0, min(ends) - now)

    def _hear(self, child: _Child) -> None:
        found = child.take()
        if found is None:
            self._give_up(child, "what asked for it ended without an answer")
            return
        for number, answer in found:
            self._found.setdefault(number, answer)
        if len(child.heard) > MOST_BYTES:
            self._give_up(child, "its answer has more than {} bytes".format(MOST_BYTES))
        elif child.at >= len(self._questions) or (found and child is not self._going):
            self._leave(child)  # its question is answered, and another has those behind it

    def _judge(self, child: _Child) -> None:
        silent_s = time.monotonic() - child.since
        limit_s = self._questions[child.at].limit_s
        if silent_s >= limit_s:
            self._give_up(child, "it did not answer within {:g} s".format(limit_s))
        elif child is self._going and silent_s >= SILENCE_S:
            self._going, self._next = None, child.at + 1

    def _give_up(self, child: _Child, why: str) -> None:
        name = self._questions[child.at].name
        self._found.setdefault(child.at, Answer(None, {name: why}))
        if child is self._going:
            self._next = child.at + 1
        self._leave(child)

    def _leave(self, child: _Child) -> None:
        child.end()
        self._children.remove(child)
        if child is self._going:
            self._going = None


def _answer_from(questions: List[Question], first: int, into: int, limit_s: float) -> None:
    """Be the child: answer the questions in order, each on a line of JSON."""
    os.setsid()  # so that all it starts is killed with it
    # What cannot be killed must not keep the connection open, nor its standard input.
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    out = os.dup2(into, 3, inheritable=False) if into != 3 else into
    os.closerange(4, 1024)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(limit_s) + 5)  # should the one who asks be gone
    limit_memory(_memory_bytes() + MOST_MEMORY_BYTES)
    for number in range(first, len(questions)):
        problems: Problems = {}
        value = None
        try:
            value = questions[number].ask(problems)
        except Exception as error:  # one question's trouble is its own
            problems[questions[number].name] = reason(error)
        # What is no UTF-8 in a name is shown as "?": Ansible takes no such text.
        text = json.dumps([number, value, problems], ensure_ascii=False)
        data = text.encode("utf-8", "replace") + b"\n"
        while data:
            data = data[os.write(out, data) :]


def _memory_bytes() -> int:
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[0]) * resource.getpagesize()
