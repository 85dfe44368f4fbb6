"""The parts around a run: inventories, extra variables, the run folder, the content, the outcome of events."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlconf import content, extravars, hosts, inventory, runfolder
from dlconf.errors import DlconfError, UsageError
from dlconf.outcome import HostOutcome, Recorder, TaskFailure
from tests.unit.fakerunner import events


def outcome(recording: str) -> dict[str, HostOutcome]:
    recorder = Recorder()
    for event in events(recording):
        recorder.feed(event)
    return recorder.hosts


# Inventories


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.ini", "does not exist"),
        ("", "does not exist"),
        (" , ", "names no host"),
        ("empty.ini", "is empty"),
        ("comments.ini", "is empty"),
        ("empty_folder", "is empty"),
    ],
)
def test_a_useless_inventory_is_refused(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.ini").touch()
    (tmp_path / "comments.ini").write_text("# none yet\n---\n; nor here\n\n", encoding="utf-8")
    (tmp_path / "empty_folder").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        inventory.check(source)
    assert caught.value.hint


def test_any_kind_of_inventory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yml").write_text("all: {hosts: {gpu1: }}\n", encoding="utf-8")
    (tmp_path / "script").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "script").chmod(0o755)
    (tmp_path / "a,b").write_text("gpu1\n", encoding="utf-8")
    for name in ("hosts.yml", "script", ".", "a,b"):
        assert inventory.check(name) == str(tmp_path / name)
    assert inventory.check("gpu1,") == "gpu1,"


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("localhost,", True),
        ("127.0.0.1,", True),
        ("localhost,gpu1", False),
        ("gpu1,", False),
        ("localhost", False),
    ],
)
def test_what_is_this_machine(source: str, local: bool) -> None:
    assert inventory.is_local(source) is local


def test_a_traceback_of_ansible_is_said_by_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("gpu1\n", encoding="utf-8")
    reason = "ansible.errors.AnsibleOptionsError: Config 'DEFAULT_FORKS' has an invalid value"
    tail = [
        "[WARNING]: said before",
        "Traceback (most recent call last):",
        '  File "/x/manager.py", line 1, in get',
        "    raise ValueError",
        "ValueError: invalid",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        *(f'  File "/x/{number}.py", line 1, in get' for number in range(40)),
        reason,
    ]
    found = inventory.explain_no_host([str(tmp_path / "hosts")], None, tail, tmp_path / "log")
    assert found.message.splitlines()[1:] == ["said before", reason]
    cut = tail[-3:]
    found = inventory.explain_no_host([str(tmp_path / "hosts")], None, cut, tmp_path / "log")
    assert found.message.splitlines()[1:] == [reason]


@pytest.mark.parametrize(
    ("text", "limit", "error", "message"),
    [
        ("[lab]\n", None, UsageError, "has no host"),
        ("gpu1\n", "gpu2", UsageError, "--limit 'gpu2' matches no host"),
        ("gpu1\n", "gpu1,zz", UsageError, "--limit 'gpu1,zz': 'zz' matches no host"),
        ("gpu1\n", "all:!gpu1", UsageError, "--limit 'all:!gpu1' matches no host"),
        (
            "gpu1:\n  x: [\n",
            None,
            DlconfError,
            "hosts:\nwhat it said",
        ),
        ("gpu1\n", None, DlconfError, "hosts:\nwhat it said"),
        ("gpu1\n", "gpu1", DlconfError, "Ansible ended before it reached a host of"),
    ],
)
def test_why_no_host_was_reached(
    text: str,
    limit: str | None,
    error: type[DlconfError],
    message: str,
    *,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "hosts").write_text(text, encoding="utf-8")
    found = inventory.explain_no_host(
        [str(tmp_path / "hosts")], limit, ["", "what it said"], tmp_path / "log"
    )
    assert type(found) is error
    assert message in found.message
    assert found.hint
    assert capfd.readouterr() == ("", "")


def test_a_current_directory_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))
    folder.rmdir()
    with pytest.raises(UsageError, match=str(folder)) as caught:
        inventory.check("localhost,")
    assert caught.value.hint
    os.chdir(tmp_path)


# Extra variables


def test_extra_variables_are_tagged_and_private(tmp_path: Path) -> None:
    extravars.write(tmp_path / "vars.yml", {"plain": "{{ 1+1 }}", "list": [True, None, "12.10"]})
    text = (tmp_path / "vars.yml").read_text(encoding="utf-8")
    assert text == '--- !unsafe\n{"plain": "{{ 1+1 }}", "list": [true, null, "12.10"]}\n'
    assert (tmp_path / "vars.yml").stat().st_mode & 0o077 == 0


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a variable name"):
        extravars.render({"a: !unsafe 1\nb": 2})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(json_values)
@example("12.10")
@example("")
@example({"a\x85\u2028": ["{{ 1 }}", "\x7f\ufeff"]})
def test_what_is_written_is_what_ansible_reads(value: Any) -> None:
    from ansible.parsing.utils.yaml import from_yaml  # noqa: PLC0415

    assert from_yaml(extravars.render({"value": value})) == {"value": value}


def test_a_byte_that_was_no_text_does_not_stop_a_run() -> None:
    assert (
        extravars.render({"a": "x\udc80"}) == '--- !unsafe\n{"a": "x\N{REPLACEMENT CHARACTER}"}\n'
    )


# The run folder


def test_the_newest_runs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    runs = tmp_path / "dlconf" / "runs"
    old = [
        runs / f"20250101T0000{second:02d}Z-apply-00000{digit}"
        for second in range(60)
        for digit in (0, 1)
    ]
    for folder in [*old, runs / "notes"]:
        folder.mkdir(parents=True)
    new = runfolder.RunFolder.create("drift")
    left = sorted(runs.iterdir())
    assert len(left) == runfolder.KEPT_RUNS + 1
    assert new.path in left
    assert runs / "notes" in left
    assert old[0] not in left
    assert old[-1] in left


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "dlconf" / "runs"


def names(runs: Path) -> set[str]:
    return {path.name for path in runs.iterdir()}


def test_a_clock_that_was_set_back_takes_no_new_run(runs: Path) -> None:
    for second in range(runfolder.KEPT_RUNS):
        (runs / f"20990101T0000{second // 10:02d}Z-apply-00000{second % 10}").mkdir(parents=True)
    made = [runfolder.RunFolder.create("plan") for _ in range(3)]
    for folder in made:
        folder.close()
    last = runfolder.RunFolder.create("drift")
    assert {folder.path.name for folder in [*made, last]} <= names(runs)
    assert len(names(runs)) == runfolder.KEPT_RUNS


def test_a_run_that_goes_on_keeps_its_folder(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runfolder, "KEPT_RUNS", 2)
    hold = "import sys; from dlconf.runfolder import RunFolder; print(RunFolder.create('apply').path, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{hold}; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        long_run = Path(process.stdout.readline().strip())
        old = long_run.rename(runs / "20000101T000000Z-apply-000000")
        ended = [runfolder.RunFolder.create("plan") for _ in range(3)]
        for folder in ended:
            folder.close()
        runfolder.RunFolder.create("plan").close()
        assert old.exists()
        assert not all(folder.path.exists() for folder in ended)
        process.kill()
    runfolder.RunFolder.create("plan")
    assert not old.exists()


def test_the_runs_have_a_bound_on_their_size(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runfolder, "KEPT_MIB", 1)
    for day in range(1, 5):
        folder = runs / f"202501{day:02d}T000000Z-apply-000000"
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_bytes(b"x" * 400 * 1024)
    new = runfolder.RunFolder.create("plan")
    kept = {"20250103T000000Z-apply-000000", "20250104T000000Z-apply-000000", new.path.name}
    assert names(runs) == kept


def test_a_log_that_finds_no_room_stops_nothing_and_is_told_once(runs: Path) -> None:
    folder = runfolder.RunFolder.create("plan")
    folder.events.symlink_to("/dev/full")
    with runfolder.RunLog(folder) as log:
        for _ in range(3):
            log.event({"event": "runner_on_ok", "stdout": "ok: [gpu1]"})
    assert folder.trouble is not None
    assert str(folder.path) in folder.trouble.message
    assert "No space left on device" in folder.trouble.message
    assert folder.log.read_text(encoding="utf-8") == "ok: [gpu1]\n" * 3


def test_a_log_that_was_removed_is_told(runs: Path) -> None:
    folder = runfolder.RunFolder.create("plan")
    with runfolder.RunLog(folder) as log:
        shutil.rmtree(folder.path)
        log.line("x")
    assert folder.trouble is not None
    assert f"{folder.path}: No such file" in folder.trouble.message
    with runfolder.RunLog(folder) as log:  # the next playbook of the same run
        log.line("x")


def test_a_state_folder_that_cannot_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(DlconfError, match="cannot keep the log"):
        runfolder.RunFolder.create("plan")


# The content


def test_the_content_is_found_and_holds_what_the_commands_name() -> None:
    for name in ("state.yml", "site.yml", "verify.yml"):
        assert content.playbook(name).is_file()


# Outcomes


def test_what_an_inner_role_does_counts_for_the_role_that_called_it() -> None:
    failure = outcome("site_failed")["gpu1"].failure
    assert failure == TaskFailure(
        "cuda",
        "Fetch the file",
        "https://example.com/cuda-repo.deb: expected checksum sha256:aa, found sha256:bb; deleted",
    )


def test_a_failure_of_which_no_word_arrived_is_one_all_the_same() -> None:
    recorder = Recorder()
    assert not recorder.ended
    recorder.feed({"event": "runner_on_ok", "event_data": {"host": "gpu1", "task": "x"}})
    stats = {"failures": {"gpu1": 1}, "dark": {"gpu2": 1}, "ok": {"gpu1": 1}}
    recorder.feed({"event": "playbook_on_stats", "event_data": stats})
    assert recorder.ended
    assert recorder.hosts["gpu1"].failure is not None
    assert recorder.hosts["gpu2"].unreachable is not None


def test_states_and_checks_are_kept() -> None:
    found = outcome("site_done")["gpu1"]
    assert len(found.states) == 2
    assert [check["status"] for check in found.checks] == ["pending", "ok"]
    assert found.roles == ["nvidia_driver", "cuda", "verify"]


@pytest.mark.parametrize(
    ("recording", "host", "status", "code"),
    [
        ("survey_mixed", "gpu1", "drift", 0),
        ("survey_mixed", "gpu2", "in_sync", 0),
        ("survey_mixed", "gpu3", "unreachable", 1),
        ("survey_no_stack", "gpu5", "no_stack", 3),
        ("survey_sudo", "gpu1", "failed", 1),
    ],
)
def test_the_status_of_a_host(recording: str, host: str, status: str, code: int) -> None:
    found = hosts.from_outcome(host, outcome(recording)[host])
    assert (found.status, found.exit_code) == (status, code)
    assert (found.failure is None) is (code == 0)


def test_a_connection_that_fails_inside_the_state_task_is_a_host_that_does_not_answer() -> None:
    error = {"kind": "AnsibleConnectionFailure", "exit_code": 1, "message": "refused", "hint": ""}
    found = hosts.from_outcome("gpu1", HostOutcome(states=[{"error": error}]))
    assert (found.status, found.exit_code) == ("unreachable", 1)


def test_hosts_that_fail_in_different_ways_make_it_1() -> None:
    def state(code: int) -> hosts.HostState:
        return hosts.HostState(str(code), "failed", exit_code=code)

    codes = [[0], [3, 0], [3, 3], [3, 1], [2, 3], []]
    surveys = [
        hosts.Survey({str(index): state(code) for index, code in enumerate(row)}) for row in codes
    ]
    assert [survey.exit_code for survey in surveys] == [0, 3, 3, 1, 1, 0]


def test_files_with_a_comma_between_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.ini", "b.ini"):
        (tmp_path / name).write_text("gpu1\n")
    with pytest.raises(UsageError, match=r"a\.ini, b\.ini are files here") as caught:
        inventory.check("a.ini,b.ini")
    assert "folder" in caught.value.hint
    assert inventory.check("gpu1,gpu2") == "gpu1,gpu2"
