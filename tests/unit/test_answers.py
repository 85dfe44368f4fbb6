"""Questions to a host: each gets its answer or its reason, whatever the others do."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlconf.plugins.module_utils.dlconf_answers import Question, answers
from dlconf.plugins.module_utils.dlconf_reading import as_user, output_of


def answer(one: Callable[[], Any], problems: dict[str, str]) -> Any:
    return one()


def ask(*asked: Callable[[], Any], limit_s: float = 10, each_s: float = 5) -> list[Any]:
    questions = [
        Question(str(number), functools.partial(answer, one), each_s)
        for number, one in enumerate(asked)
    ]
    return [found.value or found.problems for found in answers(questions, limit_s)]


def slow() -> str:
    time.sleep(1.3)
    return "slow"


def fail() -> None:
    raise ValueError("odd")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_each_question_has_its_own_fate() -> None:
    assert ask(lambda: "a", fail, lambda: "b", die, lambda: "c") == [
        "a",
        {"1": "ValueError: odd"},
        "b",
        {"3": "what asked for it ended without an answer"},
        "c",
    ]


def test_those_behind_a_silent_one_are_answered_meanwhile() -> None:
    begun_s = time.monotonic()
    late = "it did not answer within 2 s"
    hung = [lambda: time.sleep(60)] * 3
    assert ask(*hung, slow, lambda: "b", each_s=2) == [
        {"0": late},
        {"1": late},
        {"2": late},
        "slow",
        "b",
    ]
    assert time.monotonic() - begun_s < 7  # one after the other they would be silent for 6 s alone


def test_the_time_of_all_ends_all() -> None:
    begun_s = time.monotonic()
    hung = [lambda: time.sleep(60)] * 5
    late = "it did not answer within 2 s, the time of all"
    assert ask(lambda: "a", *hung, limit_s=2) == ["a", *({str(n): late} for n in range(1, 6))]
    assert time.monotonic() - begun_s < 4


def test_an_answer_that_would_fill_the_memory_is_none() -> None:
    found = ask(lambda: "x" * (9 << 20), lambda: bytearray(3 << 30) and "", lambda: "b")
    assert "bytes" in found[0]["0"]
    assert "MemoryError" in found[1]["1"]
    assert found[2] == "b"


def test_what_a_program_prints_has_an_end() -> None:
    found = ask(lambda: output_of(["yes"]), lambda: output_of(["echo", "b"]))
    assert found == [{"0": "it printed more than 8388608 bytes"}, "b\n"]


def test_nothing_that_was_started_stays(tmp_path: Path) -> None:
    """Neither a program, nor its children; and none of them holds what the caller waits for the end of."""
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\nsleep 4711 &\nsleep 4711\n")
    script.chmod(0o755)
    code = (
        "from dlconf.plugins.module_utils import dlconf_answers as c, dlconf_reading\n"
        f"ask = lambda problems: dlconf_reading.output_of([{str(script)!r}])\n"
        "print(c.answers([c.Question('program', ask, 1.0)], 5)[0].problems)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "{'program': 'it did not answer within 1 s'}\n"
    left = subprocess.run(["pgrep", "-f", "sleep 4711"], capture_output=True, check=False)
    assert left.stdout == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's rights")
def test_a_user_s_rights_are_given_back() -> None:
    groups = os.getgroups()
    with as_user(65534):
        assert (os.geteuid(), os.getegid()) == (65534, 65534)
        assert 0 not in os.getgroups()
        with pytest.raises(PermissionError):
            Path("/etc/shadow").read_bytes()
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)
