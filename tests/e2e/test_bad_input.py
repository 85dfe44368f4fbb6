"""What can go wrong on real hosts: a clear error, the next step, and nothing half-changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import BIN, Result, Site

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("first_apply")]

WRONG_KEY = "0" * 40
KERNELS = "/usr/local/share/jupyter/kernels"
FRESH = {"ansible_ssh_args": "-o ControlMaster=no"}  # not over a connection that is still open


def test_an_empty_inventory_and_a_missing_one(site: Site) -> None:
    empty = site.state / "empty.ini"
    empty.write_text("[lab]\n")
    assert "no host" in site.dlconf("plan", str(empty), code=2).stderr
    assert "no-such.ini" in site.dlconf("plan", str(site.state / "no-such.ini"), code=2).stderr


def test_unknown_names_get_the_nearest_ones(site: Site) -> None:
    inventory = str(site.inventory)
    assert "cudnn" in site.dlconf("apply", inventory, "--role", "cudn", code=2).stderr
    assert "cuda" in site.dlconf("apply", inventory, "--set", "cuda_=12.8", code=2).stderr
    unknown = site.dlconf("plan", inventory, "--set", "cuda=12.99", "--limit", "gtx1080ti", code=2)
    assert "12.9" in unknown.stdout + unknown.stderr


def test_a_variable_of_a_role_that_no_role_understands(site: Site) -> None:
    inventory = site.inventory_with("poetry", {"frameworks_backend": "poetry"}, ["cpu"])
    result = site.dlconf("plan", str(inventory), code=2)
    text = result.stdout + result.stderr
    for word in (
        "cpu",
        "frameworks_backend",
        "conda, venv",
        "poetry",
        "hosts.yml:",  # the place
    ):
        assert word in text


def test_a_pin_that_the_gpu_cannot_use_names_pin_gpu_and_row(site: Site) -> None:
    result = site.dlconf(
        "plan", str(site.inventory), "--set", "cuda=13.2", "--limit", "gtx1080ti", code=3
    )
    text = result.stdout + result.stderr
    for word in ("cuda", "13.2", "GTX 1080 Ti", "sm_61"):
        assert word in text


def test_a_key_that_the_host_refuses(site: Site) -> None:
    key = site.state / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    wrong = f"-F /dev/null -o UserKnownHostsFile={site.state}/known_hosts -o IdentitiesOnly=yes -i {key}"
    inventory = site.inventory_with(
        "refused",
        FRESH | {"ansible_ssh_common_args": wrong, "ansible_ssh_private_key_file": str(key)},
        ["cpu"],
    )
    result = site.dlconf("plan", str(inventory), code=1)
    assert "Permission denied" in result.stdout + result.stderr


def test_a_host_whose_key_is_not_known_is_not_trusted(site: Site) -> None:
    unknown = (
        f"-F {site.state}/ssh_config -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes"
    )
    inventory = site.inventory_with(
        "unknown_key", FRESH | {"ansible_ssh_common_args": unknown}, ["cpu"]
    )
    result = site.dlconf("plan", str(inventory), code=1)
    assert "Host key verification failed" in result.stdout + result.stderr


def test_a_sudo_password_that_is_needed(site: Site) -> None:
    inventory = site.inventory_with("sudo", {"ansible_user": "labpw"}, ["cpu"])
    result = site.dlconf("plan", str(inventory), code=1)
    assert "--ask-become-pass" in result.stdout + result.stderr


def test_a_key_with_the_wrong_fingerprint_is_not_installed(site: Site) -> None:
    inventory = site.inventory_with(
        "key", {"nvidia_driver_ppa_key_fingerprint": WRONG_KEY}, ["gtx1080ti"]
    )
    result = site.dlconf("apply", str(inventory), "--yes", code=1)
    text = result.stdout + result.stderr
    assert WRONG_KEY in text
    assert "fingerprint" in text
    site.dlconf(
        "drift", str(site.inventory), "--limit", "gtx1080ti"
    )  # the right key is still in place


def test_a_download_with_another_checksum_is_deleted_and_nothing_installed(site: Site) -> None:
    catalogue = site.state / "other" / "wrong-checksum.yml"
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    row = {
        "distro": "ubuntu2204",
        "cuda": "12.6.3",
        "checksum": "sha256:" + "0" * 64,
        "source": "a test",
    }
    catalogue.write_text("cuda_local_repos:\n- " + json.dumps(row) + "\n")
    site_catalogue = json.loads(
        subprocess.run(
            [str(BIN / "ansible-inventory"), "-i", str(site.inventory), "--host", "gtx1080ti"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )["dlconf_catalogue"]
    inventory = site.inventory_with(
        "checksum", {"dlconf_catalogue": [site_catalogue, str(catalogue)]}, ["gtx1080ti"]
    )
    words = ["--role", "cuda", "--set", "cuda=12.6", "--yes"]
    result = site.dlconf("apply", str(inventory), *words, code=1)
    text = result.stdout + result.stderr
    assert "0" * 64 in text
    assert "cuda-repo-ubuntu2204-12-6-local" in text
    assert site.ssh("gtx1080ti", "find", "/var/cache/dlconf", "-name", "*12-6*") == ""
    assert "12-6" not in site.ssh("gtx1080ti", "dpkg-query", "--show")
    # what was recorded as chosen before the failure is put back by choosing again
    site.dlconf("apply", str(site.inventory), "--set", "cuda=12.8", "--limit", "gtx1080ti", "--yes")


RECORD = "/opt/dlconf/envs/jax/lib/python3.11/site-packages/jax-*.dist-info"
"""What pip brings back: for a mere link neither the disk nor apt would be looked at."""


def test_a_disk_without_room_is_seen_before_anything_changes(site: Site) -> None:
    site.ssh("cpu", "sh", "-c", f"rm -r {RECORD}")
    inventory = site.inventory_with(
        "disk", {"preflight_free_disk_mib": {"/opt": 999_999_999}}, ["cpu"]
    )
    result = site.dlconf("apply", str(inventory), "--yes", code=1)
    assert "/opt" in result.stdout + result.stderr
    assert "999999999" in result.stdout + result.stderr
    site.ssh("cpu", "sh", "-c", f"! ls -d {RECORD}")
    site.dlconf("apply", str(site.inventory), "--yes", "--limit", "cpu")


@contextmanager
def apt_locked(site: Site, host: str) -> Iterator[None]:
    """Hold dpkg's lock on a host as another apt would (fcntl, as dpkg takes it)."""
    hold = "import fcntl,time; f=open('/var/lib/dpkg/lock-frontend','w'); fcntl.lockf(f,fcntl.LOCK_EX); time.sleep(300)"
    site.ssh(host, "systemd-run", "--unit=hold-apt", "/usr/bin/python3", "-c", hold)
    try:
        yield
    finally:
        site.ssh(host, "systemctl", "stop", "hold-apt")


def test_an_apt_lock_held_past_the_limit(site: Site) -> None:
    site.ssh("cpu", "sh", "-c", f"rm -r {RECORD}")
    inventory = site.inventory_with("lock", {"preflight_apt_lock_timeout_s": 3}, ["cpu"])
    with apt_locked(site, "cpu"):
        result = site.dlconf("apply", str(inventory), "--yes", code=1)
    assert "lock" in result.stdout + result.stderr
    site.ssh("cpu", "sh", "-c", f"! ls -d {RECORD}")
    with apt_locked(site, "cpu"):
        site.ssh("cpu", "rm", "/etc/profile.d/conda.sh")
        site.dlconf("apply", str(inventory), "--yes", "--role", "anaconda")
    site.ssh("cpu", "test", "-e", "/etc/profile.d/conda.sh")
    site.dlconf("apply", str(site.inventory), "--yes", "--limit", "cpu")


def test_an_operating_system_that_is_not_supported(site: Site) -> None:
    site.ssh(
        "cpu", "cp", "-a", "--remove-destination", "/usr/lib/os-release", "/usr/lib/os-release.kept"
    )
    site.ssh("cpu", "sed", "-i", "s/^VERSION_ID=.*/VERSION_ID=9/", "/usr/lib/os-release")
    try:
        result = site.dlconf("plan", str(site.inventory), "--limit", "cpu", code=1)
    finally:
        site.ssh("cpu", "mv", "/usr/lib/os-release.kept", "/usr/lib/os-release")
    text = result.stdout + result.stderr
    assert "debian-9" in text.lower().replace(" ", "-")
    assert "12" in text


def test_an_interrupted_apply_leaves_hosts_consistent_and_the_next_goes_on(site: Site) -> None:
    # The kernel comes after the environment, which the host may finish by itself: work is left for certain.
    site.ssh("cpu", "rm", "-r", "/opt/dlconf/envs/jax", f"{KERNELS}/dlconf-jax")
    process = site.start("apply", str(site.inventory), "--yes", "--limit", "cpu")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not environment_begun(site):
        time.sleep(0.5)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, out + err
    assert "cpu: interrupted" in out  # and what was done on it
    assert site.ssh("cpu", "dpkg", "--audit") == ""
    result: Result = site.dlconf("apply", str(site.inventory), "--yes", "--limit", "cpu", "--json")
    assert result.data["hosts"]["cpu"]["result"]["status"] == "done"
    site.dlconf("drift", str(site.inventory))


def environment_begun(site: Site) -> bool:
    return site.ssh("cpu", "sh", "-c", "test -e /opt/dlconf/envs/jax && echo yes || true") == "yes"
