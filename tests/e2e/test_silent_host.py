"""A host whose login shell never answers, and one with a FIFO as authorized_keys, hold nobody else's result."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Site
from tests.lab.lab import RunningLab
from tests.lab.settings import Lab

pytestmark = pytest.mark.lab

GOOD, MUTE, PIPE = "cpu", "cpu-2", "cpu-3"
LIMIT_S = 20
SAID = r"its login shell or sudo did not answer within \d+ s"  # Ansible's own limit comes first
KEYS = "/home/ada/.ssh/authorized_keys"
ROLE: dict[str, Any] = {
    "dlconf_extras": ["base"],
    "dlconf_frameworks": [],
    "dlconf_survey_limit_s": LIMIT_S,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = Path(tmp_path_factory.mktemp("silent", numbered=True)) / "state"
    state.mkdir()
    lab = RunningLab(Lab(f"silent{os.getpid()}", state, hosts=3, kinds=("cpu",)))
    try:
        lab.up()
        made = Site(lab, state)
        made.ssh(PIPE, "useradd", "--create-home", "ada")
        made.ssh(PIPE, "install", "-d", "-m", "700", "-o", "ada", "/home/ada/.ssh")
        made.ssh(PIPE, "mkfifo", KEYS)
        made.ssh(PIPE, "chown", "ada", KEYS)
        made.ssh(MUTE, "sh", "-c", "printf '#!/bin/sh\\nsleep 4713\\n' >/usr/local/bin/mute")
        made.ssh(MUTE, "chmod", "755", "/usr/local/bin/mute")
        made.ssh(MUTE, "usermod", "--shell", "/usr/local/bin/mute", "lab")
        yield made
    finally:
        lab.down()


@pytest.fixture(scope="module")
def inventory(site: Site) -> str:
    ada = {"name": "ada", "authorized_keys": [(site.state / "id_ed25519.pub").read_text().strip()]}
    return str(site.inventory_with("silent", ROLE | {"base_users": [ada]}))


def test_the_others_results_come_in_json(site: Site, inventory: str) -> None:
    begun_s = time.monotonic()
    found = site.dlconf("detect", inventory, "--json", code=1)
    assert time.monotonic() - begun_s < LIMIT_S + 30
    hosts = found.data["hosts"]
    assert {name: host["status"] for name, host in hosts.items()} == {
        GOOD: "ok",
        MUTE: "unreachable",
        PIPE: "ok",
    }
    assert re.fullmatch(SAID, hosts[MUTE]["failure"]["message"])
    assert "ansible_ssh_timeout" in hosts[MUTE]["failure"]["hint"]
    assert hosts[PIPE]["unread"] == {"~ada/.ssh/authorized_keys": "it is a FIFO, not a file"}
    assert hosts[GOOD]["unread"] == {}


def test_the_others_results_come_in_text(site: Site, inventory: str) -> None:
    found = site.dlconf("plan", inventory, code=1)
    assert re.search(rf"{MUTE}: unreachable\n    {SAID}\n    hint: ", found.stdout)
    assert "lines ~ada/.ssh/authorized_keys: not read: it is a FIFO, not a file" in found.stdout
    assert "Plan: 2 hosts to change" in found.stdout
    assert site.dlconf("drift", inventory, "--limit", PIPE, code=4).stdout.count("FIFO") == 1


def test_an_apply_goes_on_with_the_others(site: Site, inventory: str) -> None:
    words = ("--limit", f"{GOOD},{MUTE}", "--role", "base", "--yes", "--json")
    found = site.dlconf("apply", inventory, *words, code=1)
    assert found.data["hosts"][MUTE]["status"] == "unreachable"
    result = found.data["hosts"][GOOD]["result"]
    assert result["status"] == "done", result["failure"]


def test_no_process_stays_on_the_controller(site: Site, inventory: str) -> None:
    address = yaml.safe_load(Path(inventory).read_text())["all"]["hosts"][MUTE]["ansible_host"]
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        left = subprocess.run(
            ["pgrep", "--full", "--list-full", f"ssh.*{address}"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        if not left:
            return
        time.sleep(1)
    pytest.fail(f"left behind: {left}")
