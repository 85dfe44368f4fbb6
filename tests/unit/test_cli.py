"""The commands on recorded runs: what is printed where, exit codes, JSON, and what would be run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from dlconf import apply as steps_of
from dlconf.cli import hostrun, main
from dlconf.cli.group import VERBS, Main
from dlconf.request import Request
from dlconf.runfolder import RunFolder, state_home
from dlconf.variablenames import KNOWN
from tests.unit.fakerunner import FakeRunner

Invoke = Callable[..., tuple[Result, FakeRunner]]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Call dlconf with recordings in the place of Ansible; the inventory file is hosts.ini."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.ini").write_text("gpu1\n", encoding="utf-8")

    def call(
        *arguments: str, recordings: tuple[str, ...] = (), stdin: str = ""
    ) -> tuple[Result, FakeRunner]:
        fake = FakeRunner(*recordings)
        monkeypatch.setattr(hostrun, "Steps", partial(steps_of.Steps, run=fake))
        return CliRunner().invoke(main, list(arguments), input=stdin), fake

    return call


def only_json(result: Result) -> dict[str, Any]:
    """Return the one object of standard output, which holds nothing else."""
    assert result.stdout.count("\n") == 1
    loaded: dict[str, Any] = json.loads(result.stdout)
    assert loaded["schema"] == 1
    return loaded


@pytest.mark.parametrize(
    ("arguments", "recordings", "code"),
    [
        (["apply", "hosts.ini", "--yes"], ("survey_drift", "site_done"), 0),
        (["apply", "hosts.ini", "--yes"], ("survey_drift", "site_failed"), 1),
        (["apply", "hosts.ini", "--yes"], ("survey_drift", "site_left"), 1),
        (["apply", "hosts.ini", "--yes"], ("survey_mixed", "site_done"), 1),
        (["apply", "hosts.ini", "--yes"], ("survey_drift", "no_hosts"), 1),
        (["apply", "hosts.ini", "--check"], ("survey_drift", "site_left"), 0),
        (["apply", "hosts.ini"], ("survey_in_sync",), 0),
        (["apply", "hosts.ini"], ("survey_drift",), 2),
        (["apply", "hosts.ini"], ("survey_no_stack",), 3),
        (["apply", "hosts.ini"], ("survey_sudo",), 1),
        (["apply", "hosts.ini", "--yes"], ("survey_drift", "interrupted"), 130),
        (["apply", "hosts.ini", "--yes"], ("survey_drift", "interrupted site_done"), 130),
        (["plan", "hosts.ini"], ("survey_drift",), 0),
        (["plan", "hosts.ini"], ("survey_mixed",), 1),
        (["plan", "hosts.ini"], ("survey_no_stack",), 3),
        (["plan", "hosts.ini"], ("interrupted",), 130),
        (["drift", "hosts.ini"], ("survey_drift",), 4),
        (["drift", "hosts.ini"], ("survey_in_sync",), 0),
        (["drift", "hosts.ini"], ("survey_mixed",), 1),
        (["detect", "hosts.ini"], ("survey_drift",), 0),
        (["detect", "hosts.ini"], ("survey_no_stack",), 0),
        (["detect", "hosts.ini"], ("survey_mixed",), 1),
        (["verify", "hosts.ini"], ("verify_failed",), 1),
    ],
)
def test_exit_codes(
    invoke: Invoke, arguments: list[str], recordings: tuple[str, ...], code: int
) -> None:
    result, fake = invoke(*arguments, recordings=recordings)
    assert result.exit_code == code, result.output
    assert fake.recordings == []


@pytest.mark.parametrize(
    ("arguments", "recordings"),
    [
        (["apply", "--yes"], ("survey_drift", "site_done")),
        (["apply", "--yes"], ("survey_mixed", "site_failed")),
        (["apply"], ("survey_in_sync",)),
        (["apply", "--check"], ("survey_drift", "site_left")),
        (["plan"], ("survey_mixed",)),
        (["drift"], ("survey_drift",)),
        (["detect"], ("survey_no_stack",)),
        (["verify"], ("verify_failed",)),
    ],
)
def test_json_is_one_object_and_the_log_is_named(
    invoke: Invoke, arguments: list[str], recordings: tuple[str, ...]
) -> None:
    verb, *flags = arguments
    result, _ = invoke(verb, "hosts.ini", "--json", *flags, recordings=recordings)
    found = only_json(result)
    assert found["command"] == verb
    assert Path(found["log"]).exists()
    assert set(found["hosts"]) >= {"cpu1"}


def test_an_interrupted_apply_shows_what_was_done_and_what_goes_on(invoke: Invoke) -> None:
    recordings = ("survey_drift", "interrupted site_done")
    result, _ = invoke("apply", "hosts.ini", "--yes", recordings=recordings)
    assert "gpu1: interrupted\n  nvidia_driver: 1 task changed" in result.stdout
    assert "1 host interrupted" in result.stdout
    assert result.stderr.endswith(
        "error: interrupted\n\nhint: the next apply goes on from where this one stopped\n"
    )
    result, _ = invoke("apply", "hosts.ini", "--yes", "--json", recordings=recordings)
    found = only_json(result)
    assert found["exit_code"] == result.exit_code == 130
    assert found["hosts"]["gpu1"]["result"]["status"] == "interrupted"


def test_json_of_apply_counts_changed_tasks(invoke: Invoke) -> None:
    result, _ = invoke(
        "apply", "hosts.ini", "--yes", "--json", recordings=("survey_drift", "site_done")
    )
    found = only_json(result)
    assert found["summary"] == {"changed_tasks": 4, "hosts": {"done": 1, "in_sync": 1}}
    assert found["hosts"]["gpu1"]["result"]["roles"] == ["nvidia_driver", "cuda", "verify"]
    assert found["hosts"]["gpu1"]["result"]["left"] == []


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_is_a_message_and_a_hint(invoke: Invoke, as_json: bool) -> None:
    result, _ = invoke("plan", "nowhere.ini", *["--json"] * as_json)
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "error: inventory 'nowhere.ini' does not exist\n\nhint: give a file"
    )
    assert (only_json(result)["error"]["exit_code"] == 2) if as_json else (result.stdout == "")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["apply", "hosts.ini", "--role", "cudda"], "there is no role 'cudda'", "cuda"),
        (["apply", "hosts.ini", "--set", "cudda=1"], "there is no component 'cudda'", "cuda"),
        (
            ["apply", "hosts.ini", "--set", "pytorhc=1"],
            "there is no component 'pytorhc'",
            "pytorch",
        ),
        (
            ["apply", "hosts.ini", "--set", "cuda"],
            "--set 'cuda' is not COMPONENT=VERSION",
            "--set cuda=12.8",
        ),
        (
            ["apply", "hosts.ini", "--set", "cuda=1", "--set", "cuda=2"],
            "--set names cuda twice",
            "one version",
        ),
        (
            ["apply", "hosts.ini", "--with-dependents"],
            "--with-dependents takes along what goes with a role, and no role is named",
            "--role cuda",
        ),
        (["plan", ","], "inventory ',' names no host", "gpu1,"),
        (
            ["resolve", "--gpu", "GTX 1080 Ty", "--os", "ubuntu-22.04"],
            "no GPU is called 'GTX 1080 Ty'",
            "1080 Ti",
        ),
        (
            ["resolve", "--os", "ubuntu-22.04", "--pin", "cda=1"],
            "there is no component 'cda'",
            "cuda",
        ),
    ],
)
def test_wrong_usage_names_the_nearest(
    invoke: Invoke, arguments: list[str], message: str, hint: str
) -> None:
    result, fake = invoke(*arguments)
    assert result.exit_code == 2
    assert f"error: {message}\n" in result.stderr
    assert hint in result.stderr.partition("hint: ")[2]
    assert fake.runs == []


def test_an_unknown_command_names_the_nearest(invoke: Invoke) -> None:
    result, _ = invoke("aply", "hosts.ini")
    assert result.exit_code == 2
    assert "nearest names: apply" in result.stderr


def test_a_bug_is_a_short_line_and_a_saved_traceback(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("what happened")

    monkeypatch.setattr(steps_of, "survey", broken)
    result, _ = invoke("plan", "hosts.ini")
    assert result.exit_code == 1
    assert (
        result.stderr.splitlines()[-3:][0] == "error: unexpected ZeroDivisionError: what happened"
    )
    saved = Path(result.stderr.partition("the traceback is in ")[2].partition(",")[0])
    assert "broken" in saved.read_text(encoding="utf-8")
    assert saved.stat().st_mode & 0o077 == 0
    saved.unlink()
    assert isinstance(invoke("--debug", "plan", "hosts.ini")[0].exception, ZeroDivisionError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_anywhere_is_130(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(steps_of, "survey", interrupted)
    result, _ = invoke("plan", "hosts.ini")
    assert result.exit_code == 130
    assert "error: interrupted" in result.stderr


def test_apply_gives_exactly_the_plan_that_was_shown(invoke: Invoke) -> None:
    _, fake = invoke(
        "apply",
        "hosts.ini",
        "--yes",
        "--set",
        "cuda=12.9",
        "--role",
        "cuda",
        "--reboot",
        recordings=("survey_mixed", "site_done"),
    )
    survey, site = fake.runs
    chosen = {"dlconf_roles": ["cuda"], "dlconf_set": {"cuda": "12.9"}}
    assert (survey.playbook, survey.strict_limit) == ("state.yml", True)
    assert survey.extra_vars == steps_of.OF_A_RUN | chosen
    assert site.playbook == "site.yml"
    assert site.hosts == ["gpu1", "gpu2"]  # gpu2 waits for the reboot that --reboot allows
    assert site.extra_vars["dlconf_planned"]["gpu1"]["stack"]["cuda"] == {"version": "12.9.1"}
    assert site.extra_vars["dlconf_reboot"] is True
    assert site.extra_vars.items() >= chosen.items()


def test_a_run_of_one_role_ends_with_what_is_in_order_and_what_waits(invoke: Invoke) -> None:
    words = ("apply", "hosts.ini", "--yes", "--role", "cuda")
    result, _ = invoke(*words, recordings=("survey_mixed", "site_left"))
    in_order, waits = result.stdout.splitlines()[-2:]
    assert in_order == "In order: cuda on 2 hosts"
    assert waits == (
        "Waits: a restart of gpu2 (--reboot); cuda on 2 hosts, as told above; "
        "other roles were not looked at (apply without --role)"
    )


def test_what_goes_with_a_role_is_asked_of_the_hosts(invoke: Invoke) -> None:
    words = ("apply", "hosts.ini", "--yes", "--role", "cuda", "--with-dependents")
    result, fake = invoke(*words, recordings=("survey_drift", "site_done"))
    assert fake.runs[0].extra_vars["dlconf_with_dependents"] is True
    assert "In order: cuda and what goes with it on 2 hosts" in result.stdout


def test_a_run_of_every_role_has_no_word_on_other_roles(invoke: Invoke) -> None:
    result, _ = invoke("apply", "hosts.ini", "--yes", recordings=("survey_drift", "site_done"))
    assert "other roles" not in result.stdout


def test_without_reboot_a_host_that_only_waits_for_one_is_left_alone(invoke: Invoke) -> None:
    _, fake = invoke("apply", "hosts.ini", "--yes", recordings=("survey_mixed", "site_done"))
    assert fake.runs[1].hosts == ["gpu1"]


def test_check_is_given_to_ansible_and_needs_no_confirmation(invoke: Invoke) -> None:
    result, fake = invoke(
        "apply", "hosts.ini", "--check", "--diff", recordings=("survey_drift", "site_left")
    )
    assert (fake.runs[1].check, fake.runs[1].diff) == (True, True)
    assert "gpu1: would change" in result.stdout


@pytest.mark.parametrize(("answer", "code", "runs"), [("y\n", 0, 2), ("n\n", 1, 1)])
def test_a_person_confirms_the_plan(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, runs: int
) -> None:
    monkeypatch.setattr("dlconf.cli.apply._somebody_is_there", lambda: True)
    result, fake = invoke(
        "apply", "hosts.ini", recordings=("survey_drift", "site_done"), stdin=answer
    )
    assert (result.exit_code, len(fake.runs)) == (code, runs)
    assert "Apply this plan to 1 host?" in result.stderr


def test_passwords_are_asked_once_and_go_to_every_run(invoke: Invoke) -> None:
    result, fake = invoke(
        "apply",
        "hosts.ini",
        "--yes",
        "-K",
        "--ask-vault-pass",
        recordings=("survey_drift", "site_done"),
        stdin="hunter2\ncorrect horse\n",
    )
    assert result.exit_code == 0, result.output
    assert {(run.passwords.become, run.passwords.vault) for run in fake.runs} == {
        ("hunter2", "correct horse")
    }
    assert "hunter2" not in result.output
    assert "hunter2" not in repr(fake.runs)


def test_a_limit_that_matches_nothing_names_the_nearest(invoke: Invoke) -> None:
    result, _ = invoke("plan", "hosts.ini", "--limit", "gpu2", recordings=("no_hosts",))
    assert result.exit_code == 2
    assert "--limit 'gpu2' matches no host of" in result.stderr
    assert "hint: nearest names: gpu1" in result.stderr


def test_progress_and_the_path_of_the_log_are_on_standard_error(invoke: Invoke) -> None:
    result, _ = invoke("apply", "hosts.ini", "--yes", recordings=("survey_drift", "site_done"))
    lines = result.stderr.splitlines()
    assert "gpu1: cuda" in lines
    assert "gpu1: cuda: Install the toolkit: changed" in lines
    assert lines[-1].startswith("log: ")
    log = Path(lines[-1].removeprefix("log: "))
    assert log.is_relative_to(state_home())
    assert "TASK [cuda : Install the toolkit]" in log.read_text(encoding="utf-8")


def test_help_lists_each_command_with_the_first_line_of_its_help(invoke: Invoke) -> None:
    assert isinstance(main, Main)
    for verb, first_line in VERBS.items():
        command = main.get_command(click.Context(main), verb)
        assert command is not None
        assert (command.help or "").splitlines()[0] == first_line
        assert " ".join(first_line.split()[:4]) in invoke("--help")[0].stdout


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("verb", "recording", "code"), [("detect", "survey_drift", 1), ("drift", "survey_drift", 4)]
)
def test_a_log_that_finds_no_room_takes_no_result_with_it(
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    *,
    verb: str,
    recording: str,
    code: int,
    as_json: bool,
) -> None:
    made = RunFolder.create

    def full(verb: str) -> RunFolder:
        folder = made(verb)
        folder.events.symlink_to("/dev/full")
        return folder

    monkeypatch.setattr(RunFolder, "create", full)
    flags = ["--json"] * as_json
    result, _ = invoke(verb, "hosts.ini", *flags, recordings=(recording,))
    assert result.exit_code == code
    assert "gpu" in result.stdout
    if as_json:
        only_json(result)
    told = [line for line in result.stderr.splitlines() if "No space left on device" in line]
    assert len(told) == 1
    assert told[0].startswith(f"error: the log of this run is not complete: {state_home()}")


@pytest.mark.parametrize("folder", ["/proc/x", "/dev/null", "hosts.ini/x"])
def test_a_folder_that_no_host_can_be_stored_in_is_refused_before_the_look(
    invoke: Invoke, folder: str
) -> None:
    result, fake = invoke("detect", "hosts.ini", "--save", folder)
    assert result.exit_code == 2
    assert f"cannot store hosts in {folder}" in result.stderr
    assert fake.runs == []


def test_a_folder_that_was_removed_is_named(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    result, _ = invoke("plan", "localhost,")
    assert result.exit_code == 2
    assert f"the current directory {gone} is gone" in result.stderr
    monkeypatch.chdir(tmp_path)


def test_every_variable_of_a_run_is_known() -> None:
    asked = Request(
        "hosts.ini", None, ("cuda",), pins={"cuda": "12.8"}, want=("jax",), unwant=("keras",)
    )
    asked = replace(asked, upgrade=True, ignore_gpus=("0000:01:00.0",), with_dependents=True)
    assert {*asked.extra_vars(), *steps_of.OF_A_RUN} <= KNOWN
    assert all(asked.extra_vars().values())
