"""Runs through workers: the parts that need none."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlconf import inventory
from dlconf.cli import hostoptions
from dlconf.errors import DlconfError, UsageError
from dlconf.fleet import payload, start
from dlconf.fleet.deal import deal, join
from dlconf.outcome import HostOutcome, TaskFailure, TaskResult
from dlconf.runner import Passwords, Run

names = st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=12)
CHANGE = TaskResult("cuda", "Install")


@given(hosts=names, workers=names, data=st.data())
def test_hosts_are_dealt_once_evenly_and_to_no_worker_that_failed(
    hosts: list[str], workers: list[str], data: st.DataObject
) -> None:
    some = st.sets(st.sampled_from(workers)) if workers else st.just(set[str]())
    tried = {host: data.draw(some) for host in hosts}
    dealt = deal(hosts, workers, tried, {})
    given_out = [host for own in dealt.values() for host in own]
    assert sorted(given_out) == sorted(host for host in hosts if set(workers) - tried[host])
    assert not any(worker in tried[host] for worker, own in dealt.items() for host in own)
    sizes = [len(own) for own in deal(hosts, workers, {}, {}).values()]
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert all(own == sorted(own, key=hosts.index) for own in dealt.values())


def test_a_host_goes_to_the_worker_that_reached_it_before() -> None:
    before = {"a": "ctl2", "b": "ctl2", "c": "gone"}
    assert deal("abc", ["ctl1", "ctl2"], {"b": {"ctl2"}}, before) == {
        "ctl1": ["b", "c"],
        "ctl2": ["a"],
    }


def test_two_runs_on_a_host_are_one_outcome() -> None:
    lost = HostOutcome(2, [CHANGE], unreachable=TaskFailure("", "", "gone"), roles=["base", "cuda"])
    lost.states = [{"plan": 1}]
    other = TaskResult("cudnn", "Install")
    done = HostOutcome(3, [other], roles=["cuda", "cudnn"], worker="ctl2")
    both = join(lost, done)
    assert (both.ok, both.changed, both.worker) == (5, [CHANGE, other], "ctl2")
    assert (both.failure, both.roles) == (None, ["base", "cuda", "cudnn"])
    assert both.states == [{"plan": 1}]
    assert join(lost, HostOutcome(states=[{"plan": 2}])).states == [{"plan": 2}]
    assert join(None, done) is done


def test_a_worker_that_lacks_something_is_told_how_to_get_it() -> None:
    here = {"ansible-core": version("ansible-core"), "ansible-runner": version("ansible-runner")}
    assert start.missing("ctl1", here) == ""
    lack = start.missing("ctl1", {**here, "ansible-runner": None})
    assert lack.startswith(
        "ansible-runner is not there; install it with: ssh ctl1 'python3 -m venv"
    )
    assert '"ansible-runner<3,>=2.4.3"' in lack
    assert "ansible-core 2.16.3, needed is <2.20,>=2.19" in start.missing(
        "ctl1", {**here, "ansible-core": "2.16.3"}
    )


def test_a_worker_name_is_never_an_option_of_ssh() -> None:
    command = start.command("ctl1", 10)
    assert command[command.index("--") + 1 :][0] == "ctl1"
    assert "BatchMode=yes" in command  # an unknown host key, which ssh would ask about, ends it


@pytest.mark.parametrize("text", ["", " , ", "-oProxyCommand=x", "ctl1,a b"])
def test_what_is_no_worker_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="does not name machines"):
        hostoptions._workers(text, ["gpu1,"])


def test_workers_are_taken_once_and_not_for_this_machine() -> None:
    assert hostoptions._workers("ctl1, me@ctl2,ctl1", ["gpu1,"]) == ("ctl1", "me@ctl2")
    assert hostoptions._workers(None, ["localhost,"]) == ()
    with pytest.raises(UsageError, match="is this machine"):
        hostoptions._workers("ctl1", ["localhost,"])


def test_which_hosts_a_limit_names(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("gpu2\ngpu1\n[old]\ngpu3\n", encoding="utf-8")
    assert inventory.matching([str(hosts)], None, strict=True) == ["gpu2", "gpu1", "gpu3"]
    assert inventory.matching([str(hosts)], "all:!old", strict=True) == ["gpu2", "gpu1"]
    assert inventory.matching([str(hosts)], "gpu1,gpu9", strict=False) == ["gpu1"]
    assert inventory.matching([str(hosts)], "gpu1,gpu9", strict=True) == []
    hosts.write_text("gpu1:\n  x: [\n", encoding="utf-8")
    with pytest.raises(DlconfError, match="cannot read inventory"):
        inventory.matching([str(hosts)], None, strict=True)


def build(folder: Path, **fields: Any) -> Path:
    run = Run("site.yml", **fields)
    folder.mkdir()
    payload.build(folder, run, ["gpu1", "gpu2"])
    return folder


def test_what_travels(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    (lab / "group_vars").mkdir(parents=True)
    (lab / "group_vars" / "all.yml").write_text("x: 1\n", encoding="utf-8")
    (lab / "hosts.ini").write_text("gpu1\n", encoding="utf-8")
    (lab / "files").mkdir()
    (lab / "files" / "catalogue.yml").write_text("cuda: []\n", encoding="utf-8")
    (lab / "private").write_text("of the admin", encoding="utf-8")
    job = build(tmp_path / "job", inventory=str(lab / "hosts.ini"), extra_vars={"x": "{{ 1 }}"})
    inside = {str(path.relative_to(job)) for path in job.rglob("*") if path.is_file()}
    assert {
        "slice",
        "env/extravars",
        "inventory/hosts.ini",
        "inventory/group_vars/all.yml",
        "inventory/files/catalogue.yml",
        "project/ansible.cfg",
        "project/playbooks/site.yml",
        "project/roles/cuda/tasks/main.yml",
        "project/dlconf/plugins/action/dlconf_state.py",
    } <= inside
    assert not any("private" in path or "__pycache__" in path for path in inside)
    assert (job / "slice").read_text(encoding="utf-8") == "gpu1\ngpu2\n"
    whole = build(tmp_path / "whole", inventory=str(lab))
    assert (whole / "inventory" / "private").exists()  # of a folder everything belongs to it
    listed = build(tmp_path / "listed", inventory="gpu1,gpu2")
    assert (listed / "inventory" / "hosts").read_text(encoding="utf-8") == "gpu1\ngpu2\n"


def test_the_arguments_of_a_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSIBLE_HOST_KEY_CHECKING", raising=False)
    run = Run("site.yml", "gpu1,", check=True, passwords=Passwords(become="hunter2"))
    given = payload.arguments(tmp_path, run, ["gpu1"] * 50, 2, "/w")
    assert given["forks"] == 20
    assert (
        payload.arguments(tmp_path, Run("site.yml", "gpu1,", forks=3), ["a"], 2, "/w")["forks"] == 3
    )
    assert given["cmdline"] == "--check --ask-become-pass"
    assert given["inventory"] == str(tmp_path / "inventory" / "hosts")
    assert given["envvars"]["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert list(given["passwords"].values()) == ["hunter2"]
    assert given["suppress_env_files"] is True
