"""One host's silence or odd data is that host's failure: the others' results come, from every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf.plugins.modules.dlconf_collect import WATCH_KINDS
from tests.unit import standin

FACTS = Path(__file__).parents[1] / "facts"
# Stands in the place of the module that looks at a host: says what the file holds that dlconf_data_path names.
COLLECT = f"""#!/usr/bin/python
import sys
from ansible.module_utils.basic import AnsibleModule
spec = {{name: {{"type": "raw"}} for name in {[*WATCH_KINDS, "data_path", "limit_s"]}}}
module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
with open(module.params["data_path"], "rb") as file:
    sys.stdout.buffer.write(file.read())
sys.stdout.flush()
sys.exit()
"""
GOOD = json.loads((FACTS / "no-gpu-debian-12.json").read_text())
SILENT_S = 5


def said(**facts: Any) -> bytes:
    return json.dumps({"changed": False, "dlconf_facts": GOOD | facts}).encode()


# What hosts say, and what of it must be told.
ODD: dict[str, tuple[bytes, str]] = {
    "os": (said(os="x"), "os must be an object"),
    "free": (said(free_mib={"/": "x"}), "free_mib./ must be a whole number"),
    "record": (said(record=[1]), "record must be"),
    "deep": (said().replace(b'"record": null', b'"record": {"a":' + b"[" * 500 + b"]" * 500 + b"}"), "deep"),
    "abyss": (b'{"dlconf_facts": ' + b"[" * 100_000, ""),
    "bytes": (b'{"changed": false, "dlconf_facts": "\xff\xfe"}', ""),
    "noise": (b"x" * (5 << 20), ""),
    "list": (b'{"dlconf_facts": [1]}', "no JSON object"),
    "msg": (json.dumps({"failed": True, "msg": {"a": ["\ud800"] * 9}}).encode(), ""),
    "surrogate": (said(hostname="\ud800"), "surrogates not allowed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "library").mkdir()
    (folder / "library" / "dlconf_collect.py").write_text(COLLECT)
    (folder / "silent-ssh").write_text("#!/bin/sh\nexec sleep 4712\n")
    (folder / "silent-ssh").chmod(0o755)
    answers = {"good": said()} | {name: text for name, (text, _told) in ODD.items()}
    for name, text in answers.items():
        (folder / f"{name}.out").write_bytes(text)
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts: dict[str, dict[str, Any]] = {
        name: local | {"dlconf_data_path": str(folder / f"{name}.out")} for name in answers
    }
    hosts["silent"] = {
        "ansible_ssh_executable": str(folder / "silent-ssh"),
        "dlconf_survey_limit_s": SILENT_S,
    }
    common = {"dlconf_become": False}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}))
    return folder


def dlconf(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = kept | {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "NO_COLOR": "1",
    }
    return subprocess.run(
        [*standin.command(folder / "library"), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def hold_to_failures(hosts: Mapping[str, Any], good: str) -> None:
    assert hosts["good"]["status"] == good
    assert hosts["silent"]["status"] == "unreachable"
    assert hosts["silent"]["failure"]["message"] == f"it did not answer within {SILENT_S} s"
    assert "dlconf_survey_limit_s" in hosts["silent"]["failure"]["hint"]
    for name, (_text, told) in ODD.items():
        assert hosts[name]["status"] == "failed", name
        assert told in hosts[name]["failure"]["message"]
        assert len(hosts[name]["failure"]["message"]) < 20_000


def test_detect_shows_and_stores_the_others(site: Path) -> None:
    begun_s = time.monotonic()
    done = dlconf(site, "detect", "hosts.yml", "--json", "--save", "stored")
    took_s = time.monotonic() - begun_s
    assert done.returncode == 1
    hold_to_failures(json.loads(done.stdout)["hosts"], "ok")
    assert [path.name for path in (site / "stored").iterdir()] == ["good.json"]
    assert took_s < 120, "it waited for the silent one"
    left = subprocess.run(["pgrep", "-f", "sleep 4712"], capture_output=True, check=False)
    assert left.stdout == b"", "an ssh was left behind"


@pytest.mark.parametrize("command", ["plan", "drift", "explain"])
def test_every_command_has_the_others_in_its_json(site: Path, command: str) -> None:
    done = dlconf(site, command, "hosts.yml", "--json")
    assert done.returncode in (1, 4), done.stderr
    hold_to_failures(json.loads(done.stdout)["hosts"], "drift")


def test_text_names_the_silent_host_and_the_next_step(site: Path) -> None:
    done = dlconf(site, "plan", "hosts.yml", "--limit", "good,silent")
    assert done.returncode == 1
    assert "good" in done.stdout
    assert (
        f"silent: unreachable\n    it did not answer within {SILENT_S} s\n    hint: " in done.stdout
    )
    assert "Plan: 1 host to change" in done.stdout


@pytest.mark.parametrize("value", ["x", "0", "true", "999999"])
def test_a_limit_that_is_none_is_refused(site: Path, value: str) -> None:
    (site / "limit.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"a": {"ansible_connection": "local"}}}})
        + f"  vars: {{dlconf_survey_limit_s: {value}, dlconf_become: false}}\n"
    )
    done = dlconf(site, "plan", "limit.yml")
    assert done.returncode == 2
    assert "dlconf_survey_limit_s must be a number of seconds from 5 to 3600" in done.stdout


FILES: dict[str, Any] = {
    "os": {"facts": {"os": "x"}},
    "pci": {"facts": {"pci": 5}},
    "record": {"facts": {"record": [1]}},
    "paths": {"facts": {"paths": {"/etc": {"type": "hole"}}}},
    "users": {"variables": {"base_users": 5, "dlconf_extras": ["base"]}},
    "wishes": {"variables": {"dlconf_frameworks": {"a": 1}}},
    "catalogue": {"variables": {"dlconf_catalogue": 7}},
    "options": {"variables": {"docker_daemon_options": "x", "dlconf_extras": ["docker"]}},
}


def test_a_stored_file_that_is_odd_is_the_failure_of_its_host(tmp_path: Path) -> None:
    folder = tmp_path / "stored"
    folder.mkdir()
    good = {"schema": 1, "host": "good", "facts": GOOD, "variables": {}}
    (folder / "good.json").write_text(json.dumps(good))
    for name, parts in FILES.items():
        odd = good | {"host": name}
        for part, values in parts.items():
            odd[part] = good[part] | values
        (folder / f"{name}.json").write_text(json.dumps(odd))
    (folder / "abyss.json").write_text("[" * 100_000)
    (folder / "deep.json").write_text(
        json.dumps(good | {"host": "deep"}).replace('"variables": {', '"variables": {"a": ' + "[" * 300 + "]" * 300)
    )  # fmt: skip
    (folder / "surrogate.json").write_text(
        json.dumps(good | {"facts": GOOD | {"kernel": "\ud800"}})
    )
    done = dlconf(tmp_path, "plan", "--facts", "stored", "--json")
    assert done.returncode in (1, 2, 4), done.stderr
    hosts = json.loads(done.stdout)["hosts"]
    assert hosts.pop("good")["status"] == "drift"
    assert set(hosts) == {*FILES, "abyss", "deep", "surrogate"}
    for name, host in hosts.items():
        assert host["status"] in ("failed", "refused"), name
        assert host["failure"]["message"]
