"""Role nvidia_driver on a machine with a GPU: one source, one branch, held as a whole, built for every kernel."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://gtx1080ti"]

PPA = "https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu"
SHOW = "dpkg-query --show --showformat='${source:Package}|${db:Status-Abbrev}|${binary:Package}|${Version}\\n'"


def of_the_driver(host: Host) -> dict[str, str]:
    """Return the installed packages that are built from the driver's source, with their versions."""
    rows = [line.split("|") for line in host.check_output(SHOW).splitlines()]
    return {
        name: version
        for source, state, name, version in rows
        if source == "nvidia-graphics-drivers-580" and state.strip().endswith("i")
    }


def test_the_driver_is_of_the_chosen_branch(host: Host) -> None:
    versions = of_the_driver(host)
    assert {"nvidia-driver-580", "nvidia-dkms-580", "libnvidia-compute-580"} <= set(versions)
    assert all(version.startswith("580.") for version in versions.values())


@pytest.mark.parametrize("package", ["nvidia-driver-580", "libnvidia-compute-580"])
def test_apt_takes_the_driver_from_the_ppa_and_not_from_a_cuda_repository(
    host: Host, candidate: Callable[[str], tuple[str, str]], package: str
) -> None:
    assert "999:1" in host.check_output("apt-cache madison %s", package)
    version, origin = candidate(package)
    assert version.startswith("580.")
    assert origin == PPA


def test_all_of_the_driver_is_held_and_nothing_else_is(host: Host) -> None:
    held = set(host.check_output("apt-mark showhold").split())
    assert held == {name.split(":")[0] for name in of_the_driver(host)} | {"bzip2"}


def test_an_upgrade_of_the_system_leaves_the_driver(host: Host) -> None:
    before = of_the_driver(host)
    host.check_output("apt-get -qy dist-upgrade")
    assert of_the_driver(host) == before


def test_every_kernel_with_headers_has_the_module(host: Host) -> None:
    kernels = host.check_output(
        "find /lib/modules -mindepth 2 -maxdepth 2 -name build -printf '%h\\n'"
    )
    assert kernels
    status = host.check_output("dkms status -m nvidia")
    for kernel in kernels.splitlines():
        name = kernel.removeprefix("/lib/modules/")
        assert f"{name}, x86_64: installed" in status
        assert host.check_output(
            "modinfo --set-version %s --field filename nvidia", name
        ).startswith(kernel)


def test_the_kernel_is_told_to_leave_nouveau_out(host: Host) -> None:
    settings = host.check_output("modprobe --showconfig").splitlines()
    assert "blacklist nouveau" in settings


@pytest.mark.parametrize(
    "path",
    [
        "/etc/modprobe.d/dlconf-nouveau.conf",
        "/etc/apt/preferences.d/dlconf-nvidia-driver",
        "/etc/apt/sources.list.d/dlconf-nvidia-driver.sources",
        "/usr/share/keyrings/dlconf-graphics-drivers-ppa.gpg",
    ],
)
def test_everyone_reads_the_settings_and_root_writes_them(host: Host, path: str) -> None:
    found = host.file(path)
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_the_host_was_not_restarted(host: Host) -> None:
    assert host.file("/run/before-the-role").exists


def test_the_ppa_is_stated_once_and_what_stood_there_is_kept_aside(host: Host) -> None:
    stated = host.check_output("grep -rl graphics-drivers/ppa /etc/apt")
    assert stated == "/etc/apt/sources.list.d/dlconf-nvidia-driver.sources"
    assert host.run("apt-get indextargets").rc == 0
    manifest = json.loads(host.file("/var/lib/dlconf/aside/manifest.json").content_string)
    assert {
        "/etc/apt/sources.list.d/graphics-drivers-ubuntu-ppa-jammy.list",
        "/etc/apt/sources.list.d/graphics-drivers-ubuntu-ppa-jammy.sources",
    } <= {entry["from"] for entry in manifest}
    assert all("graphics-drivers" in host.file(entry["to"]).content_string for entry in manifest)
