"""The sandbox's own parts: what a case counts as wrong, how tasks are played, what covers all pairs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.lab.mirror.answers import NARROW, WIDE
from tests.lab.mirror.debs import Deb
from tests.sandbox.case import Case, judge
from tests.sandbox.cover import cover, pairs_of
from tests.sandbox.playbook import Play, Stop, Variables
from tests.sandbox.repositories import repositories
from tests.sandbox.root import Change, answer
from tests.sandbox.stacks import Stack, planner
from tests.sandbox.states import Host
from tests.sandbox.systems import SYSTEMS, WORLD

SOURCE = {"Source": "nvidia-graphics-drivers-580"}
GOOD = {
    "nvidia-driver-580": Deb("nvidia-driver-580", "580.178.04-1", fields=SOURCE),
    "libcudnn9-cuda-12": Deb("libcudnn9-cuda-12", "9.28.0.42-1"),
    "cuda-nvcc-12-9": Deb("cuda-nvcc-12-9", "12.9.86-1"),
    "dkms": Deb("dkms", "3.0.11"),
}
STACK = Stack(
    {
        "stack": {"driver": {"branch": "580"}},
        "install": {
            "cudnn": {"version": "9.28.0.42-1"},
            "cuda": {"release": "12.9", "version": "12.9.1-*"},
        },
    },
    {"driver": [{"kind": "package", "name": "nvidia-driver-580", "version": "580.*"}]},
    {},
)


def _problems(
    after: Mapping[str, Deb], removed: tuple[str, ...] = (), origin: str = "Ubuntu"
) -> list[str]:
    host = Host(None, SYSTEMS["ubuntu-22.04"], None, WIDE, {}, "580")  # type: ignore[arg-type]
    host.before.update({"bash": Deb("bash", "5")})
    changes = [Change(deb.name, "", deb.version, origin) for deb in after.values()]
    changes += [Change(name, "1", "", "") for name in removed]
    return list(judge(STACK, host, after, changes))


def test_exactly_the_stack_is_no_problem() -> None:
    assert _problems(GOOD) == []


@pytest.mark.parametrize(
    ("name", "deb", "problem"),
    [
        ("nvidia-driver-580", Deb("nvidia-driver-580", "595.1-1", fields=SOURCE), "not 580.*"),
        ("x", Deb("libnvidia-gl-595", "595.1-1", fields=SOURCE), "another driver branch"),
        ("x", Deb("libnvidia-gl-580", "580.9-1", fields=SOURCE), "the driver has 2 versions"),
        ("x", Deb("nvidia-driver-pinning-610", "610.1-1"), "another driver branch"),
        ("x", Deb("libcudnn9-static-cuda-12", "9.29.0.50-1"), "not 9.28.0.42-1"),
        ("x", Deb("cuda-crt-12-9", "12.9.90-1"), "not 12.9.86-1 as in CUDA 12.9.1-*"),
        ("x", Deb("libcublas-13-2", "13.2.1-1"), "another CUDA than 12.9"),
    ],
)
def test_what_is_not_of_the_stack_is_a_problem(name: str, deb: Deb, problem: str) -> None:
    after = {**GOOD, (deb.name if name == "x" else name): deb}
    assert any(problem in found for found in _problems(after)), _problems(after)


def test_what_is_missing_or_removed_or_unasked_is_a_problem() -> None:
    without = {name: deb for name, deb in GOOD.items() if name != "nvidia-driver-580"}
    assert _problems(without) == ["nvidia-driver-580 is not installed"]
    assert _problems(GOOD, removed=("bash",)) == ["bash was removed"]
    assert "dkms - -> 3.0.11 comes from NVIDIA CUDA:x" in _problems(GOOD, origin="NVIDIA CUDA:x")
    settings = {"nvidia-settings": Deb("nvidia-settings", "580.9-1")}
    assert "nvidia-settings - -> 580.9-1 comes from NVIDIA CUDA:x" in _problems(
        {**GOOD, **settings}, origin="NVIDIA CUDA:x"
    )


def test_what_apt_says_is_read() -> None:
    said = (
        "Inst a (1.2-1 NVIDIA CUDA:host [amd64])\nInst b [1:1] (2 Ubuntu:22.04/jammy [amd64]) []\n"
        "Conf a (1.2-1 NVIDIA CUDA:host [amd64])\nRemv c [3]\n"
    )
    complaint, changes = answer(subprocess.CompletedProcess([], 0, said, ""))
    assert (complaint, [str(change) for change in changes]) == (
        "",
        ["a - -> 1.2-1", "b 1:1 -> 2", "c 3 -> -"],
    )
    assert changes[0].origin == "NVIDIA CUDA:host"
    assert answer(subprocess.CompletedProcess([], 100, "", "E: no"))[0] == "E: no"


class _Noted:
    """Modules that note what they are asked, and fail where they are told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def run(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((module, arguments))
        return {"failed": arguments.get("fails", False), "stdout": "out", "changed": True}


def _played(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, tasks: str) -> _Noted:
    folder = tmp_path / "roles" / "r" / "tasks"
    folder.mkdir(parents=True)
    (folder / "main.yml").write_text(tasks)
    (tmp_path / "ansible.cfg").write_text("")
    monkeypatch.setattr("tests.sandbox.playbook.content.root", lambda: tmp_path)
    noted = _Noted()
    Play(Variables(planner(), {"given": ["a", "b"]}), noted).role("r")
    return noted


def test_tasks_are_played_as_they_are_written(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = _played(
        tmp_path,
        monkeypatch,
        """
- ansible.builtin.command: {argv: ["{{ item }}"]}
  loop: "{{ given }}"
  when: item != 'a'
  register: seen
- ansible.builtin.command: {argv: ["{{ seen.results | map(attribute='stdout', default='none') | join }}"]}
- block:
    - ansible.builtin.command: {argv: [x], fails: true}
    - ansible.builtin.command: {argv: [never]}
  rescue:
    - ansible.builtin.command: {argv: [rescued]}
  always:
    - ansible.builtin.command: {argv: [always]}
""",
    )
    assert [call[1]["argv"][0] for call in noted.calls] == [
        "b",
        "noneout",
        "x",
        "rescued",
        "always",
    ]


def test_a_task_that_fails_stops_the_role(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task = "- name: Do it\n  ansible.builtin.command: {fails: true}\n"
    with pytest.raises(Stop, match="Do it"):
        _played(tmp_path, monkeypatch, task)


def test_a_role_that_cannot_fetch_its_key_stops_the_one_that_includes_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = "- ansible.builtin.include_role: {name: apt_key}\n  vars: {fails: true}\n"
    with pytest.raises(Stop):
        _played(tmp_path, monkeypatch, task)


def test_the_cover_is_small_and_whole() -> None:
    system = SYSTEMS["debian-12"]
    cases = [Case(system, card, None, state) for card in "abc" for state in "xyz"]
    chosen = cover(cases)
    assert {pair for case in chosen for pair in pairs_of(case)} == {
        pair for case in cases for pair in pairs_of(case)
    }
    assert len(cover([cases[0], cases[0]])) == 1


@pytest.mark.parametrize("answers", [NARROW, WIDE], ids=lambda answers: answers.name)
def test_the_day_after_has_all_of_today_and_more(answers: Any) -> None:
    today, after = (
        {
            (repository.address, repository.suite, deb.name, deb.version)
            for repository in repositories(answers, day_after=day)
            for debs in repository.components.values()
            for deb in debs
        }
        for day in (False, True)
    )
    assert today < after
    for part in (WORLD["day_after"]["cudnn"], WORLD["day_after"]["dkms"], "security1"):
        assert any(part in row[3] for row in after - today)
