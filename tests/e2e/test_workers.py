"""`--workers`: hosts that only one of two workers reaches, and a worker that loses its power in the middle.

Two machines of a lab of their own are the workers, two are hosts. One of the hosts is moved to another network, where
only the first worker has a leg too. ssh reaches the workers through the lab's settings, as it would through the user's.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import Site
from tests.lab.faults import no_way
from tests.lab.lab import RunningLab
from tests.lab.network import create_network, remove_network
from tests.lab.settings import Lab

pytestmark = pytest.mark.lab

WORKERS = ("cpu", "cpu-2")
HOSTS = ("cpu-3", "cpu-4")
INNER = "cpu-3"  # the first host, so it is dealt to the first worker; then comes one for the second
ROLE = {
    "base_packages": ["ninja-build"],
    "base_groups": ["fleet"],
    "base_time_sync": False,
    "dlconf_frameworks": [],
    "dlconf_pins": {"python": "3.11"},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The lab, with one host in a network that only the first worker reaches, and an inventory folder."""
    state = Path(tmp_path_factory.mktemp("fleet", numbered=True)) / "state"
    state.mkdir()
    lab = RunningLab(Lab(f"fleet{os.getpid()}", state, hosts=4, kinds=("cpu",)))
    inner, subnet = f"{lab.lab.identity}-inner", None
    try:
        lab.up()
        subnet = create_network(lab.podman, inner)
        first, moved = (str(ipaddress.ip_network(subnet)[number]) for number in (11, 12))
        for machine, address in ((WORKERS[0], first), (INNER, moved)):
            container = lab.container(machine)
            lab.podman.run("network", "connect", "--ip", address, inner, container)
        lab.podman.run("network", "disconnect", lab.lab.identity, lab.container(INNER))
        no_way(lab, WORKERS[1], moved)
        write_inventory(lab, {INNER: moved})
        yield Site(lab, state)
    finally:
        lab.podman.remove(list(lab.states()))
        remove_network(lab.podman, inner, subnet)
        lab.down()


def write_inventory(lab: RunningLab, moved: dict[str, str]) -> None:
    """Write `fleet/`: no key and no setting of ssh is in it, so each worker's own count."""
    folder = lab.lab.state / "fleet"
    (folder / "group_vars").mkdir(parents=True)
    addresses = {row["name"]: row["address"] for row in lab.record["machines"]} | moved
    hosts = {name: {"ansible_host": addresses[name]} for name in HOSTS}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    everything = yaml.safe_load((lab.lab.state / "group_vars" / "all.yml").read_text())
    everything |= ROLE | {"ansible_user": "lab", "dlconf_catalogue": "files/catalogue.yml"}
    (folder / "group_vars" / "all.yml").write_text(yaml.safe_dump(everything))
    (folder / "files").mkdir()
    shutil.copy(lab.lab.state / "catalogue.yml", folder / "files")
    known = (lab.lab.state / "known_hosts").read_text()
    for name, address in moved.items():
        known = re.sub(rf"(?m)^{name},\S+", f"{name},{address}", known)
    (lab.lab.state / "known_by_workers").write_text(known)


@pytest.fixture(scope="module")
def workers(fleet: Site) -> Iterator[str]:
    """Give each worker a key and known hosts of its own; let `ssh` find them as a user's settings would."""
    config = str(fleet.state / "ssh_config")
    for worker in WORKERS:
        for name, there in (("id_ed25519", "id_ed25519"), ("known_by_workers", "known_hosts")):
            target = f"{worker}:.ssh/{there}"
            command = ["scp", "-q", "-p", "-F", config, str(fleet.state / name), target]
            subprocess.run(command, check=True)
    folder = fleet.state / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    (folder / "ssh").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield ",".join(WORKERS)


def served(data: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: host["worker"] for name, host in data.items()}


def test_a_bare_worker_is_told_what_to_install(fleet: Site, workers: str) -> None:
    words = ("detect", str(fleet.state / "fleet" / "hosts.yml"), "--workers", workers)
    error = fleet.dlconf(*words, code=1).stderr
    commands = set(re.findall(r"install it with: (ssh \S+ '[^']+')", error))
    assert len(commands) == 2
    started = [subprocess.Popen(["sh", "-c", command]) for command in commands]
    assert [process.wait(timeout=300) for process in started] == [0, 0]


def test_each_host_is_reached_through_a_worker_that_can(fleet: Site, workers: str) -> None:
    words = ("detect", str(fleet.state / "fleet" / "hosts.yml"), "--json", "--workers")
    found = fleet.dlconf(*words, "cpu-2,cpu")
    assert f"{INNER}: not reached from cpu-2; another worker will try" in found.stderr
    assert served(found.data["hosts"]) == {"cpu-3": "cpu", "cpu-4": "cpu"}
    assert {host["status"] for host in found.data["hosts"].values()} == {"ok"}
    only = fleet.dlconf(*words, "cpu-2", code=1)
    assert only.data["hosts"][INNER]["failure"]["kind"] == "unreachable"
    assert "from cpu-2: " in only.data["hosts"][INNER]["failure"]["message"]


def test_a_worker_without_power_leaves_its_hosts_to_the_other(fleet: Site, workers: str) -> None:
    words = (
        "apply",
        str(fleet.state / "fleet" / "hosts.yml"),
        "--workers",
        workers,
        "--role",
        "base",
        "--yes",
    )
    process = fleet.start(*words, "--json")
    wait_for_event(fleet, '"worker": "cpu-2"', '"task": "Install the packages')
    fleet.lab.stop("cpu-2")
    out, err = process.communicate(timeout=300)
    fleet.lab.start("cpu-2")
    assert process.returncode == 0, err
    assert "worker cpu-2 is lost" in err
    data = yaml.safe_load(out)["hosts"]
    assert {name: host["result"]["status"] for name, host in data.items()} == dict.fromkeys(
        HOSTS, "done"
    )
    assert served({name: host["result"] for name, host in data.items()}) == dict.fromkeys(
        HOSTS, "cpu"
    )
    assert served(data)["cpu-4"] == "cpu-2"  # it served the plan
    for host in HOSTS:
        run_on(fleet, host, "getent", "group", "fleet")
        run_on(fleet, host, "ninja", "--version")

    again = fleet.dlconf(*words)
    assert "nothing to change on 2 hosts" in again.stdout
    assert "hosts by worker: cpu 1, cpu-2 1" in again.stderr
    assert run_on(fleet, "cpu", "find", "/tmp", "-name", "dlconf-worker-*") == ""


def wait_for_event(fleet: Site, *texts: str) -> None:
    """Wait until a line of the run's events has all of the texts."""
    limit_s = time.monotonic() + 180
    while time.monotonic() < limit_s:
        for path in (fleet.state / "state").glob("dlconf/runs/*-apply-*/events.jsonl"):
            lines = path.read_text(encoding="utf-8").splitlines()
            if any(all(text in line for text in texts) for line in lines):
                return
        time.sleep(0.2)
    raise AssertionError(f"no event with {texts}")


def run_on(fleet: Site, machine: str, *words: str) -> str:
    """Run a command on a machine past SSH: the inner one is not in the lab's settings any more."""
    return fleet.lab.podman.run("exec", fleet.lab.container(machine), *words).strip()
