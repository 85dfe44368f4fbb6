"""The main job on real hosts over SSH: bare, converged, drifted, upgraded, and one host down.

The tests run in the order in which an admin would meet these; each leaves the hosts converged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import KINDS, Result, Site
from tests.lab.faults import MirrorFaults

pytestmark = pytest.mark.lab


def plan_of(result: Result, host: str) -> dict[str, list[dict[str, Any]]]:
    return {role["role"]: role["resources"] for role in result.data["hosts"][host]["roles"]}


def drift_of(result: Result, host: str) -> set[tuple[str, str]]:
    return {
        (item["kind"], item["id"]) for items in plan_of(result, host).values() for item in items
    }


def test_detect_reads_each_gpu_from_the_bus(site: Site) -> None:
    hosts = site.dlconf("detect", str(site.inventory), "--json").data["hosts"]
    cards = {name: [gpu["name"] for gpu in host["gpus"]] for name, host in hosts.items()}
    assert cards == {
        "cpu": [],
        "gtx1080ti": ["NVIDIA GeForce GTX 1080 Ti"],
        "rtx5090": ["NVIDIA GeForce RTX 5090"],
    }


def test_plan_of_bare_hosts_says_what_and_why_and_changes_nothing(site: Site) -> None:
    before = site.ssh("gtx1080ti", "dpkg-query", "--show")
    text = site.dlconf("plan", str(site.inventory)).stdout
    assert "nvidia-driver-580" in text
    assert "580 is the last that drives the NVIDIA GeForce GTX 1080 Ti" in text
    assert site.ssh("gtx1080ti", "dpkg-query", "--show") == before
    site.ssh("gtx1080ti", "test", "!", "-e", "/etc/dlconf")


def everything_on_disk(site: Site, host: str) -> list[str]:
    """Return each path with its times of content and of inode, size and mode.

    Left out are what is no disk (/proc, /sys, /dev, /run), the logs in which SSH and sudo note any login, and the
    folders of Ansible's own temporary files.
    """
    left_out = (
        "/proc",
        "/sys",
        "/dev",
        "/run",
        "/tmp",
        "/var/log",
        "/home/*/.ansible",
        "/root/.ansible",
    )
    prune = [word for path in left_out for word in ("-path", path, "-o")][:-1]
    command = ["find", "/", "(", *prune, ")", "-prune", "-o", "-printf", r"%p %T@ %C@ %s %m\n"]
    return site.ssh(host, *command).splitlines()


@pytest.mark.parametrize("command", ["detect", "plan"])
def test_looking_leaves_every_file_and_its_times_as_they_were(site: Site, command: str) -> None:
    site.dlconf(command, str(site.inventory), "--limit", "rtx5090")  # the first login makes folders
    before = everything_on_disk(site, "rtx5090")
    site.dlconf(command, str(site.inventory), "--limit", "rtx5090")
    assert sorted(set(everything_on_disk(site, "rtx5090")) ^ set(before)) == []
    assert len(before) > 10_000


def test_first_apply_brings_all_hosts_to_their_stack(first_apply: Result) -> None:
    hosts = first_apply.data["hosts"]
    assert {name: host["result"]["status"] for name, host in hosts.items()} == dict.fromkeys(
        KINDS, "done"
    )
    assert {name: host["result"]["left"] for name, host in hosts.items()} == {
        name: [] for name in KINDS
    }


@pytest.mark.parametrize("prefix", ["cuda-repo-ubuntu2204-", "Miniforge3-"])
def test_downloads_come_while_the_driver_is_installed_and_once(
    site: Site, first_apply: Result, prefix: str
) -> None:
    """The host asks for them before it asks for its driver; the roles take up what has come."""
    machines = site.lab.record["machines"]
    address = next(row["address"] for row in machines if row["name"] == "gtx1080ti")
    files = [
        row["url"].rpartition("/")[2]
        for row in MirrorFaults(site.state).requests()
        if row["client"] == address and row["method"] == "GET" and row["bytes"]
    ]
    driver = next(at for at, name in enumerate(files) if name.startswith("nvidia-driver-"))
    asked = [at for at, name in enumerate(files) if name.startswith(prefix)]
    assert len(asked) == 1, files
    assert asked[0] < driver, files


@pytest.mark.parametrize(
    ("host", "package"),
    [
        ("gtx1080ti", "nvidia-driver-580"),
        ("rtx5090", "nvidia-driver-595-open"),
    ],
)
def test_the_driver_is_there_and_held(
    site: Site, first_apply: Result, host: str, package: str
) -> None:
    assert (
        site.ssh(host, "dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", package) == "hi"
    )
    assert package in site.ssh(host, "apt-mark", "showhold").split()


def test_a_host_without_a_gpu_gets_no_driver_and_cpu_builds(
    site: Site, first_apply: Result
) -> None:
    assert "nvidia" not in site.ssh("cpu", "dpkg-query", "--show")
    checks = {
        check["check"]: check for check in first_apply.data["hosts"]["cpu"]["result"]["verify"]
    }
    results = [check for check in checks.values() if check["status"] == "cpu"]
    assert len(results) == 2, checks  # PyTorch and JAX, real builds from the index
    assert all("[[22" in check["detail"] for check in results)


def test_nothing_on_a_gpu_host_counts_as_proved_on_the_gpu(first_apply: Result) -> None:
    """The lab's GPUs are only shown on the bus: no driver can be loaded, so nothing may be called proved."""
    checks = first_apply.data["hosts"]["rtx5090"]["result"]["verify"]
    frameworks = [check for check in checks if "pytorch" in check["check"]]
    assert frameworks
    assert {check["status"] for check in frameworks} <= {"pending", "skipped"}
    assert first_apply.data["hosts"]["rtx5090"]["result"]["pending"][0]["id"] == "nvidia"


def test_every_shell_finds_the_toolkit_and_conda(site: Site, first_apply: Result) -> None:
    assert "release 12.9" in site.ssh("gtx1080ti", "bash", "-lc", "nvcc --version")
    assert site.ssh("cpu", "bash", "-lc", "conda --version").startswith("conda ")


def test_second_apply_changes_nothing(site: Site, first_apply: Result) -> None:
    result = site.dlconf("apply", str(site.inventory), "--yes", "--json")
    assert result.data["summary"]["changed_tasks"] == 0
    assert {host["status"] for host in result.data["hosts"].values()} == {"in_sync"}
    assert "nothing to change on 3 hosts" in site.dlconf("apply", str(site.inventory)).stdout
    site.dlconf("drift", str(site.inventory))


def test_every_task_of_every_role_finds_nothing_to_change_either(
    site: Site, first_apply: Result
) -> None:
    names, changed = site.every_task(site.inventory, "--limit", "cpu,rtx5090")
    assert changed == []
    assert len(names) > 40


def test_drift_is_named_and_repaired(site: Site, first_apply: Result) -> None:
    site.ssh("rtx5090", "apt-get", "remove", "-qy", "cuda-toolkit-13-2")
    site.ssh("rtx5090", "sh", "-c", "echo changed >> /etc/profile.d/cuda.sh")
    site.ssh("rtx5090", "ln", "-sfn", "/usr/local/cuda-0.0", "/usr/local/cuda")
    site.ssh("gtx1080ti", "apt-mark", "unhold", "nvidia-driver-580")
    records = "/opt/dlconf/envs/jax/lib/python3.11/site-packages/jax-*.dist-info"
    site.ssh("rtx5090", "sh", "-c", f"rm -r {records}")
    drift = site.dlconf("drift", str(site.inventory), "--json", code=4)
    assert drift_of(drift, "rtx5090") == {
        ("package", "cuda-toolkit-13-2"),
        ("file", "/etc/profile.d/cuda.sh"),
        ("link", "/usr/local/cuda"),
        ("python_env", "/opt/dlconf/envs/jax: jax"),
    }
    assert {name for _kind, name in drift_of(drift, "gtx1080ti")} == {"nvidia-driver-580"}
    assert drift_of(drift, "cpu") == set()

    applied = site.dlconf("apply", str(site.inventory), "--yes", "--json").data["hosts"]
    assert set(applied["gtx1080ti"]["result"]["roles"]) <= {
        "",
        "preflight",
        "nvidia_driver",
        "verify",
    }
    assert applied["cpu"]["result"] is None
    assert applied["rtx5090"]["result"]["verify"]
    before = everything_on_disk(site, "rtx5090")
    site.dlconf("drift", str(site.inventory))
    assert sorted(set(everything_on_disk(site, "rtx5090")) ^ set(before)) == []
    assert site.ssh("rtx5090", "readlink", "-f", "/usr/local/cuda").startswith("/usr/local/cuda-1")
    assert "nvidia-driver-580" in site.ssh("gtx1080ti", "apt-mark", "showhold").split()


def test_one_role_upgrades_cuda_side_by_side(site: Site, first_apply: Result) -> None:
    words = ["--role", "cuda", "--set", "cuda=12.8", "--limit", "gtx1080ti"]
    site.dlconf("apply", str(site.inventory), *words, "--yes")
    assert "release 12.8" in site.ssh("gtx1080ti", "/usr/local/cuda/bin/nvcc", "--version")
    assert "release 12.9" in site.ssh("gtx1080ti", "/usr/local/cuda-12.9/bin/nvcc", "--version")
    # what was chosen stays chosen
    assert (
        "nothing to change on 3 hosts" in site.dlconf("apply", str(site.inventory), "--yes").stdout
    )


def test_a_host_is_restarted_only_when_that_is_asked_for(site: Site, first_apply: Result) -> None:
    def booted(host: str) -> str:
        return site.ssh(host, "stat", "--format=%Y", "/proc/1")

    before = {host: booted(host) for host in ("gtx1080ti", "rtx5090")}
    words = ["apply", str(site.inventory), "--limit", "gtx1080ti", "--yes", "--json"]
    pending = site.dlconf(*words).data["hosts"]["gtx1080ti"]["pending"]
    assert [item["id"] for item in pending] == ["nvidia"]
    assert booted("gtx1080ti") == before["gtx1080ti"]
    result = site.dlconf(*words, "--reboot").data["hosts"]["gtx1080ti"]["result"]
    assert result["status"] == "done"
    assert booted("gtx1080ti") != before["gtx1080ti"]
    assert booted("rtx5090") == before["rtx5090"]


def test_one_host_down_does_not_stop_the_others(site: Site, first_apply: Result) -> None:
    site.ssh("gtx1080ti", "rm", "/etc/profile.d/cuda.sh")
    site.lab.stop("rtx5090")
    try:
        result = site.dlconf("apply", str(site.inventory), "--yes", "--json", code=1)
    finally:
        site.lab.start("rtx5090")
    hosts = result.data["hosts"]
    assert hosts["rtx5090"]["status"] == "unreachable"
    assert hosts["gtx1080ti"]["result"]["status"] == "done"
    # a setting was mended: the second look proves that, and the GPU is left alone
    assert hosts["gtx1080ti"]["result"]["verify"] == []
    assert hosts["cpu"]["status"] == "in_sync"
    site.dlconf("drift", str(site.inventory))


def test_logs_are_kept_and_hold_no_password(site: Site, first_apply: Result) -> None:
    log = Path(first_apply.data["log"])
    assert "PLAY RECAP" in log.read_text()
    password = site.lab.record["labpw_password"]
    holding = [
        path
        for path in log.parents[1].rglob("*")
        if path.is_file() and password in path.read_text(errors="replace")
    ]
    assert holding == []
