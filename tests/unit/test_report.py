"""What the reports say, word for word, from recorded events."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dlconf import apply as steps_of
from dlconf.apply import Steps
from dlconf.hosts import Survey
from dlconf.outcome import Event, TaskFailure
from dlconf.report import detect, drift, hints, plan, problems, progress, resolve, summary, text
from dlconf.request import Request
from dlconf.runfolder import RunFolder
from tests.unit.fakerunner import FakeRunner

GOLDEN = Path(__file__).parent / "golden"
LOG = Path("/runs/1/ansible.log")


def steps(tmp_path: Path, *recordings: str, check: bool = False) -> Steps:
    return Steps(
        Request("hosts.ini", check=check), RunFolder(tmp_path), run=FakeRunner(*recordings)
    )


def apply_text(tmp_path: Path, before: str, site: str, *, check: bool = False) -> str:
    run = steps(tmp_path, before, site, check=check)
    found = steps_of.survey(run)
    return summary.text(found, steps_of.converge(run, found), LOG, check=check)


def survey(tmp_path: Path, recording: str) -> Survey:
    return steps_of.survey(steps(tmp_path, recording))


RENDERED: dict[str, Callable[[Path], str]] = {
    "plan": lambda path: plan.text(survey(path, "survey_mixed"), LOG),
    "plan_no_stack": lambda path: plan.text(survey(path, "survey_no_stack"), LOG),
    "drift": lambda path: drift.text(survey(path, "survey_mixed"), LOG),
    "detect": lambda path: detect.text(survey(path, "survey_mixed"), LOG),
    "nothing": lambda path: summary.nothing_text(survey(path, "survey_in_sync"), LOG),
    "verify": lambda path: summary.verify_text(*steps_of.verify(steps(path, "verify_failed")), LOG),
    "resolve": lambda path: resolve.text(
        survey(path, "survey_drift").hosts["gpu1"].resolution or {}
    ),
    "apply_done": lambda path: apply_text(path, "survey_mixed", "site_done"),
    "apply_failed": lambda path: apply_text(path, "survey_drift", "site_failed"),
    "apply_left": lambda path: apply_text(path, "survey_drift", "site_left"),
    "apply_check": lambda path: apply_text(path, "survey_drift", "site_left", check=True),
}


@pytest.mark.parametrize("name", RENDERED)
def test_words(name: str, tmp_path: Path) -> None:
    assert RENDERED[name](tmp_path) + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_colour_never_stands_alone(tmp_path: Path) -> None:
    found = survey(tmp_path, "survey_mixed")
    coloured = plan.text(found, LOG, text.Paint(True))
    assert "\x1b[32m+" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plan.text(found, LOG)


def test_text_from_a_host_cannot_steer_the_terminal() -> None:
    assert text.one_line("a\x1b[2Jb\r\nc") == "a\N{REPLACEMENT CHARACTER}[2Jb c"
    failure = TaskFailure("", "\x1b]0;x\x07", "bad\x1b[2J")
    assert "\x1b" not in "\n".join(problems.block("h\x1b", "failed", failure, "\x1b", text.PLAIN))


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Failed to connect to the host via ssh: Host key verification failed.", "ssh gpu1"),
        (
            "Failed to connect to the host via ssh: u@h: Permission denied (publickey,password).",
            "ssh-copy-id gpu1",
        ),
        ("Task failed: Missing sudo password", "--ask-become-pass"),
        ("Incorrect sudo password", "--ask-become-pass"),
        ("sudo: a password is required", "--ask-become-pass"),
        ("sudo: interactive authentication is required", "asks for a password"),
        ("MODULE FAILURE\nsudo: il est nécessaire de saisir un mot de passe", "--ask-become-pass"),
        ("MODULE FAILURE\nsudo: Ein Passwort ist notwendig", "--ask-become-pass"),
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812",
            "apt lock",
        ),
        ("The checksum for /x did not match aa; it was bb.", "nothing was installed"),
        ("the key has fingerprint AA, expected BB", "pinned"),
        ("[Errno 28] No space left on device", "free disk space on gpu1"),
        ("The module interpreter '/usr/bin/python3' was not found.", "apt-get install python3"),
        (
            "Module result deserialization failed: No start of json char found\n"
            "/bin/sh: 1: /opt/python: not found",
            "the Python /opt/python does not run on gpu1",
        ),
        ("something else", "/runs/1/ansible.log"),
    ],
)
def test_hints(message: str, hint: str) -> None:
    assert hint in hints.for_failure(
        "gpu1", TaskFailure("", "", message), unreachable=False, log=LOG
    )


def test_a_host_that_does_not_answer_gets_the_command_to_try() -> None:
    found = hints.for_failure(
        "gpu1", TaskFailure("", "", "Connection refused"), unreachable=True, log=LOG
    )
    assert found == "see whether this works: ssh gpu1 true"


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            'Task failed: Data could not be sent to remote host "gpu1.invalid". Make sure this '
            "host can be reached over ssh: ssh: Could not resolve hostname gpu1.invalid: "
            "Name or service not known",
            "ansible_host",
        ),
        (
            "Task failed: Failed to create temporary directory. In some cases, you may have been "
            "able to authenticate and did not have permissions on the target directory.",
            "remote_tmp",
        ),
    ],
)
def test_a_host_that_cannot_be_entered_gets_a_hint_of_its_own(message: str, hint: str) -> None:
    found = hints.for_failure("gpu1", TaskFailure("", "", message), unreachable=True, log=LOG)
    assert hint in found
    assert "gpu1" in found
    assert "download" not in found


def test_a_download_whose_server_has_no_address_is_not_the_host_itself() -> None:
    for message in ("curl: (6) Could not resolve host: a.example", "Name or service not known"):
        found = hints.for_failure("gpu1", TaskFailure("", "", message), unreachable=False, log=LOG)
        assert "the download's server" in found


def test_plain_progress_is_a_line_for_what_happened() -> None:
    stream = io.StringIO()
    with progress.choose(stream) as shown:
        for kind in ("start", "ok", "start", "changed", "failed"):
            shown.watch(
                Event(kind, "gpu1", "cuda", "Install", "no\nspace" if kind == "failed" else "")
            )
        shown.watch(Event("play", task="CUDA"))
    assert stream.getvalue().splitlines() == [
        "gpu1: cuda",
        "gpu1: cuda: Install: changed",
        "gpu1: cuda: Install: FAILED: no space",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_live_progress_is_a_table_of_hosts_and_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    now = iter([0.0, 2.0, 3.0, *[12.0] * 1000])
    stream = Terminal()
    live = progress.LiveProgress(stream, clock=lambda: next(now))
    assert isinstance(progress.choose(stream), progress.LiveProgress)
    live.watch(Event("start", "gpu1", "cuda", "Install [x] the toolkit"))
    live.watch(Event("start", "gpu2", "", "Look"))
    live.watch(Event("unreachable", "gpu2", "", "Look", "refused"))
    live._console.print(live.table())
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    shown = [" ".join(line.split()) for line in plain.splitlines()]
    assert "gpu2: Look: UNREACHABLE: refused" in shown
    assert "host cuda state task 12 s" in shown
    assert "gpu1 ... Install [x] the toolkit 10 s" in shown
    assert "gpu2 UNREACHABLE Look" in shown


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    from dlconf.cli import options  # noqa: PLC0415

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert options.paint().enabled
    monkeypatch.setenv("NO_COLOR", "1")
    assert not options.paint().enabled
