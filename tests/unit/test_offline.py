"""Plans from stored facts are those that the live path makes, and cost what hosts of one kind share only once."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from click.testing import CliRunner, Result

from dlconf import offline, stored, withheld
from dlconf.cli import main
from dlconf.errors import DlconfError
from dlconf.facts import Facts, read
from dlconf.plugins.modules.dlconf_collect import WATCH_KINDS
from dlconf.stored import StoredHost
from tests.unit import standin

FACTS = Path(__file__).parents[1] / "facts"
# Stands in the place of the module that looks at a host, and finds the recorded facts that dlconf_data_path names.
COLLECT = f"""#!/usr/bin/python
import json
from ansible.module_utils.basic import AnsibleModule
spec = {{name: {{"type": "raw"}} for name in {[*WATCH_KINDS, "data_path", "limit_s"]}}}
module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
with open(module.params["data_path"]) as file:
    module.exit_json(changed=False, dlconf_facts=json.load(file))
"""
# What inventories say: wishes, settings that contracts read, templates, and what does not count.
SETTINGS: dict[str, dict[str, Any]] = {
    "rtx-3090-ubuntu-22.04": {"dlconf_frameworks": ["pytorch", "jax"], "cuda_hold": True},
    "rtx-3090-ubuntu-22.04-installed": {"dlconf_frameworks": ["pytorch"], "other": "{{ nothing }}"},
    "gtx-1080-ti-ubuntu-22.04": {
        "dlconf_pins": {"cuda": ">=12.4,<13"},
        "cuda_source": "network",
        "cuda_network_url": "https://{{ mirror }}/repos",
        "nvidia_driver_branch": "580",
    },
    "gtx-1080-ti-and-rtx-5090-ubuntu-22.04": {"dlconf_frameworks": ["pytorch"]},
    "gtx-1080-ti-and-rtx-3090-ubuntu-22.04": {"dlconf_ignore_gpus": ["0000:01:00.0"]},
    "rtx-5090-ubuntu-22.04": {"dlconf_frameworks": ["pytroch"]},
    "h100-x8-ubuntu-22.04": {"frameworks_root": "/srv/envs", "dlconf_frameworks": ["tensorflow"]},
    "no-gpu-debian-12": {
        "dlconf_frameworks": ["keras"],
        "anaconda_channels": ["bioconda"],
        "dlconf_extras": ["docker"],
        "docker_daemon_options": {1: "a", "b": "c"},  # YAML has keys that are no text
    },
    "tesla-k80-ubuntu-22.04": {"nvidia_driver_hold": False},
    "unknown-gpu-ubuntu-24.04": {"dlconf_upgrade": True, "cudnn_hold": "{{ false }}"},
}


RECORDED = "recorded"
ONLY_CUDA = ("--role", "cuda", "--set", "cuda=12.8")


def _with_record(name: str) -> dict[str, Any]:
    """Return recorded facts of a host, with the record of its stack on it."""
    facts = json.loads((FACTS / f"{name}.json").read_text())
    found = offline.Planner().state(StoredHost(name, facts, {}))
    assert found.resolution is not None
    return cast(dict[str, Any], facts | {"record": json.loads(found.resolution["record_text"])})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an inventory of recorded hosts, and store them with `dlconf detect --save`."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "library").mkdir()
    (folder / "library" / "dlconf_collect.py").write_text(COLLECT)
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "dlconf_become": False,
        "mirror": "mirror.example.org",
    }
    hosts = {
        name: settings | {"dlconf_data_path": str(FACTS / f"{name}.json")}
        for name, settings in SETTINGS.items()
    }
    hosts[RECORDED] = {"dlconf_data_path": str(folder / "recorded.json")}
    (folder / "recorded.json").write_text(json.dumps(_with_record("rtx-3090-ubuntu-22.04")))
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}))
    dlconf(folder, "detect", "hosts.yml", "--save", "stored")
    return folder


def dlconf(folder: Path, *words: str) -> dict[str, Any]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
    } | {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    done = subprocess.run(
        [*standin.command(folder / "library"), *words, "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,  # the exit code is compared
    )
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded | {"exit_code": done.returncode}


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of a plan but what names the run: the log, and the task that failed."""
    hosts = {
        name: host
        | {
            "failure": host["failure"]
            and {key: host["failure"][key] for key in ("message", "hint")}
        }
        for name, host in found["hosts"].items()
    }
    return {"hosts": hosts, "summary": found["summary"], "exit_code": found["exit_code"]}


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--upgrade", "--ignore-gpu", "0000:02:00.0", *ONLY_CUDA),
        (*ONLY_CUDA, "--with-dependents"),
    ],
    ids=" ".join,
)
def test_the_plan_of_stored_facts_is_that_of_the_hosts(
    site: Path, options: tuple[str, ...]
) -> None:
    live = dlconf(site, "plan", "hosts.yml", *options)
    assert set(live["hosts"]) == {*SETTINGS, RECORDED}
    assert told(dlconf(site, "plan", "--facts", "stored", *options)) == told(live)


def test_a_role_alone_that_would_leave_another_broken_is_refused(site: Path) -> None:
    found = dlconf(site, "plan", "hosts.yml", "--limit", RECORDED, *ONLY_CUDA)
    stored_too = dlconf(site, "plan", "--facts", "stored", *ONLY_CUDA)
    assert told(stored_too)["hosts"][RECORDED] == told(found)["hosts"][RECORDED]
    assert found["exit_code"] == 2
    failure = found["hosts"][RECORDED]["failure"]
    assert "cuda alone would leave other roles on the old stack" in failure["message"]
    assert "cudnn (cudnn9-cuda-13" in failure["message"]
    assert "-> cudnn9-cuda-12" in failure["message"]
    assert "--role cuda --role cudnn, or --with-dependents" in failure["hint"]


def test_a_role_of_what_the_host_has_not_is_refused_by_name(site: Path) -> None:
    found = dlconf(site, "plan", "hosts.yml", "--limit", "no-gpu-debian-12", "--role", "cuda")
    host = found["hosts"]["no-gpu-debian-12"]
    assert (found["exit_code"], host["status"]) == (2, "refused")
    assert "role cuda has nothing to do on this host" in host["failure"]["message"]
    assert "no NVIDIA GPU" in host["failure"]["message"]


@pytest.mark.parametrize("words", [("--role", "cudnn"), ("--with-dependents",)], ids=" ".join)
def test_what_goes_with_a_role_is_taken_along(site: Path, words: tuple[str, ...]) -> None:
    found = dlconf(site, "plan", "hosts.yml", "--limit", RECORDED, *ONLY_CUDA, *words)
    changed = {
        role["role"]: {change["id"] for change in role["resources"]}
        for role in found["hosts"][RECORDED]["roles"]
    }
    assert "cuda-toolkit-12-8" in changed["cuda"]
    assert "cudnn9-cuda-12" in changed["cudnn"]


def test_a_role_that_leaves_the_others_in_order_is_planned_alone(site: Path) -> None:
    words = ("--role", "cuda", "--set", "cuda=13.0")
    found = dlconf(site, "plan", "hosts.yml", "--limit", RECORDED, *words)
    assert [role["role"] for role in found["hosts"][RECORDED]["roles"]] == ["record", "cuda"]


def test_a_second_look_takes_its_answers_from_the_first(site: Path) -> None:
    first = dlconf(site, "plan", "hosts.yml")
    (answers,) = (site / "cache" / "dlconf" / "answers").iterdir()
    kept = {path: path.stat().st_mtime_ns for path in answers.iterdir()}
    assert {path.name.partition("-")[0] for path in kept} == {
        *("reads", "names", "watch", "resolution", "arguments", "contracts")
    }
    assert told(dlconf(site, "plan", "hosts.yml")) == told(first)
    assert {path: path.stat().st_mtime_ns for path in answers.iterdir()} == kept


def test_a_framework_of_the_past_is_refused_with_the_reason_and_the_next_step(site: Path) -> None:
    inventory = yaml.safe_load((site / "hosts.yml").read_text())
    inventory["all"]["hosts"]["no-gpu-debian-12"]["dlconf_frameworks"] = ["caffe"]
    (site / "caffe.yml").write_text(yaml.safe_dump(inventory))
    found = dlconf(site, "plan", "caffe.yml", "--limit", "no-gpu-debian-12")
    host = found["hosts"]["no-gpu-debian-12"]
    assert (found["exit_code"], host.get("roles") or []) == (3, [])
    assert "caffe 1.0 (source) can no longer be installed" in host["failure"]["message"]
    assert "want pytorch instead" in host["failure"]["hint"]


def test_stored_files_hold_what_counts_and_only_their_owner_reads_them(site: Path) -> None:
    path = site / "stored" / "gtx-1080-ti-ubuntu-22.04.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    variables = stored.read(path).variables
    assert variables["cuda_network_url"] == "https://mirror.example.org/repos"
    assert "mirror" not in variables
    assert "dlconf_become" not in variables


def test_an_address_with_a_password_is_not_stored_and_the_host_is_not_planned_without_it(
    tmp_path: Path,
) -> None:
    given = {"cuda_network_url": "https://me:secret@mirror.example.org/repos", "cuda_hold": True}
    kept = withheld.without(given, [])
    assert kept == {"cuda_hold": True, withheld.WITHHELD: ["cuda_network_url"]}
    assert withheld.without({"a": ["https://mirror/x@1"]}, []) == {"a": ["https://mirror/x@1"]}
    recorded = host("gpu1", "rtx-3090-ubuntu-22.04")
    stored.save(tmp_path, StoredHost("gpu1", recorded.facts, kept))
    result = planned("--facts", str(tmp_path))
    assert result.exit_code == 2
    assert "stored without cuda_network_url: a secret stands in it" in result.stdout


def host(name: str, facts: str, **changes: Any) -> StoredHost:
    recorded = json.loads((FACTS / f"{facts}.json").read_text()) | changes
    return StoredHost(name, read(recorded), {"dlconf_frameworks": ["pytorch"]})


def test_what_is_remembered_never_shows_in_a_plan() -> None:
    """A planner that has seen every recorded host gives what a new one gives."""
    names = sorted(path.stem for path in FACTS.glob("*.json"))
    used = offline.Planner()
    for name in names:
        used.state(host("before", name, kernel="6.1.0"))
    for name in names[::3]:
        assert used.state(host("now", name)) == offline.Planner().state(host("now", name))


def test_hosts_of_one_kind_are_rendered_once() -> None:
    planner = offline.Planner()
    rendered: list[str] = []
    inner = planner.render

    def render(available: Mapping[str, Any], name: str) -> Any:
        rendered.append(name)
        return inner(available, name)

    planner.render = render
    for number in range(5):
        state = planner.state(
            host(f"gpu{number}", "rtx-3090-ubuntu-22.04", memory_mib=1000 + number)
        )
        assert state.roles
    assert len(rendered) == len(set(rendered)) == 7


@pytest.mark.parametrize(
    "change",
    [
        {"kernels": ["6.8.0-1-generic"]},
        {"record": None},
        {"dpkg": {"packages": {}, "broken": ["x"]}},
        {"paths": {}},
        {"environments": {}},
    ],
    ids=str,
)
def test_hosts_in_different_states_have_plans_of_their_own(change: dict[str, Any]) -> None:
    planner = offline.Planner()
    planner.state(host("one", "rtx-3090-ubuntu-22.04-installed"))
    two = host("two", "rtx-3090-ubuntu-22.04-installed", **change)
    assert planner.state(two) == offline.Planner().state(two)


def test_no_contract_and_no_choice_reads_what_is_a_hosts_own() -> None:
    """Else two hosts that differ in it would wrongly share a plan."""

    class Spy(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            assert name not in offline.OWN_FACTS, name
            return super().__getitem__(name)

        def get(self, name: str, default: Any = None) -> Any:
            assert name not in offline.OWN_FACTS, name
            return super().get(name, default)

    recorded = host("gpu1", "rtx-3090-ubuntu-22.04-installed")
    spied = StoredHost("gpu1", cast(Facts, Spy(recorded.facts)), recorded.variables)
    assert offline.Planner()._planned(spied).roles


def planned(*words: str) -> Result:
    return CliRunner().invoke(main, ["plan", *words])


def test_text_and_json_of_stored_hosts_are_the_reports_of_a_plan(site: Path) -> None:
    folder = str(site / "stored")
    text = planned("--facts", folder)
    assert text.exit_code == 1
    assert "rtx-3090-ubuntu-22.04-installed  NVIDIA GeForce RTX 3090 (sm_86)" in text.stdout
    assert "no framework is called 'pytroch'" in text.stdout
    assert text.stdout.splitlines()[-1].startswith("Plan: ")
    found = json.loads(planned("--facts", folder, "--json").stdout)
    assert list(found) == ["schema", "command", "hosts", "summary", "log"]
    assert found["log"] is None


def test_what_is_no_file_holds_nobody(tmp_path: Path) -> None:
    stored.save(tmp_path, host("good", "no-gpu-debian-12"))
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "endless.json").symlink_to("/dev/zero")
    result = planned("--facts", str(tmp_path))
    assert result.exit_code == 1
    assert "2 hosts (endless, fifo): failed" in result.stdout
    assert "it is no regular file" in result.stdout
    assert "1 host to change" in result.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "no stored host of schema 1"),
        ('{"schema": 2}', "no stored host of schema 1"),
        ('{"schema": 1, "host": "a", "facts": {}}', "variables is missing"),
        ('{"schema": 1, "host": "a", "facts": {"schema": 9}, "variables": {}}', "have schema 9"),
        ('{"schema": 1, "host": "a", "facts": {"schema": 1}, "variables": {}}', "these facts lack"),
    ],
)
def test_a_file_that_is_none_is_named_and_the_others_are_planned(
    tmp_path: Path, content: str, message: str
) -> None:
    stored.save(tmp_path, host("good", "no-gpu-debian-12"))
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(DlconfError, match=message):
        stored.read(tmp_path / "bad.json")
    result = planned("--facts", str(tmp_path))
    assert result.exit_code == 1
    assert f"{tmp_path / 'bad.json'}: " in result.stdout
    assert "hint: store the host again" in result.stdout
    assert "1 host to change" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--facts", "nowhere"), "nowhere is not a folder of stored hosts"),
        (("--facts", "."), ". holds no stored host"),
        (("--facts", ".", "hosts.ini"), "so inventory has no meaning"),
        (("--facts", ".", "--limit", "gpu1"), "so limit has no meaning"),
        (("--facts", ".", "-K"), "so ask-become-pass has no meaning"),
        (("--facts", ".", "--role", "cudda"), "there is no role 'cudda'"),
    ],
)
def test_a_wrong_use_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if "--role" in words:
        (tmp_path / "a.json").write_text("{}")
    result = planned(*words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_two_files_of_one_host_are_an_error(tmp_path: Path) -> None:
    path = stored.save(tmp_path, host("gpu1", "no-gpu-debian-12"))
    (tmp_path / "old.json").write_text(path.read_text())
    result = planned("--facts", str(tmp_path))
    assert result.exit_code == 2
    assert "holds gpu1, and so does another" in result.stderr


def test_storing_follows_no_link_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "victim").write_text("whole", encoding="utf-8")
    for name in ("gpu1.new", "gpu1.json"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    path = stored.save(tmp_path, host("gpu1", "no-gpu-debian-12"))
    assert not path.is_symlink()
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "whole"
    before, names = path.read_bytes(), sorted(tmp_path.iterdir())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("dlconf.stored.json.dump", full)
    with pytest.raises(DlconfError, match=r"gpu1\.json: No space left on device"):
        stored.save(tmp_path, host("gpu1", "no-gpu-debian-12"))
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == (before, names)


def test_a_host_name_that_is_no_file_name_is_stored_too(tmp_path: Path) -> None:
    path = stored.save(tmp_path, host("rack/1", "no-gpu-debian-12"))
    assert path.parent == tmp_path
    assert stored.read(path).name == "rack/1"
