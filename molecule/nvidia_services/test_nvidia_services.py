"""Role nvidia_services: the daemons around the driver, each where it belongs and in the driver's version."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

Candidate = Callable[[str], tuple[str, str]]
NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2204/x86_64"
MANAGER = "nvidia-fabricmanager"

testinfra_hosts = ["ansible://hgxh100", "ansible://rtx3090"]


def upstream(host: Host, package: str) -> str:
    """Return NVIDIA's own version of an installed package."""
    version: str = host.package(package).version
    return version.rsplit(":", maxsplit=1)[-1].rpartition("-")[0]


def held(host: Host) -> list[str]:
    shown: list[str] = host.check_output("apt-mark showhold").split()
    return shown


@pytest.fixture
def driver(host: Host) -> str:
    shown: str = host.check_output(
        "dpkg-query --show --showformat='${Package}\\n' 'nvidia-driver-*'"
    )
    return next(name for name in shown.split() if host.package(name).is_installed)


def test_persistence_mode_comes_on_at_every_start(host: Host) -> None:
    unit = host.check_output("systemctl cat nvidia-persistenced.service")
    assert "ExecStartPost=/usr/bin/nvidia-smi --persistence-mode=1" in unit
    wanted = host.check_output("systemctl show --property=Wants --value multi-user.target").split()
    assert "nvidia-persistenced.service" in wanted
    shown = "systemctl show --property=StopWhenUnneeded --value nvidia-persistenced.service"
    assert host.check_output(shown) == "no"


def test_fabric_manager_is_there_for_nvswitches_only(host: Host, machine: str, driver: str) -> None:
    if machine == "hgxh100":
        assert upstream(host, MANAGER) == upstream(host, driver)
        assert MANAGER in held(host)
        assert host.service(MANAGER).is_enabled
    else:
        assert not host.package(MANAGER).is_installed
        assert not host.file("/etc/apt/sources.list.d/dlconf-nvidia.sources").exists


def test_an_upgrade_of_the_system_leaves_it_with_its_driver(
    host: Host, machine: str, driver: str
) -> None:
    before = upstream(host, driver)
    host.check_output("apt-get -qy dist-upgrade")
    assert upstream(host, driver) == before
    if machine == "hgxh100":
        assert upstream(host, MANAGER) == before


def test_packages_come_from_nvidia_and_not_from_the_rival(
    host: Host, machine: str, candidate: Candidate
) -> None:
    names = ("datacenter-gpu-manager-4-cuda13", "datacenter-gpu-manager-exporter")
    for package in names if machine == "hgxh100" else ():
        assert "999:1" in host.check_output("apt-cache madison %s", package)
        version, origin = candidate(package)
        assert origin == NVIDIA
        assert host.package(package).version == version


def test_the_exporter_listens_where_it_was_asked_to(host: Host, machine: str) -> None:
    unit = "nvidia-dcgm-exporter.service"
    if machine == "hgxh100":
        shown = host.check_output(f"systemctl show --property=Environment --value {unit}")
        assert "DCGM_EXPORTER_LISTEN=127.0.0.1:9400" in shown
        assert host.service("nvidia-dcgm").is_enabled
        assert host.service(unit).is_enabled
    else:
        assert not host.package("datacenter-gpu-manager-exporter").is_installed


def test_nothing_is_started_before_the_driver_is_loaded(host: Host) -> None:
    assert host.check_output("systemctl list-units --failed --plain --no-legend 'nvidia-*'") == ""


def test_the_driver_itself_is_untouched(host: Host, driver: str) -> None:
    assert driver in held(host)
    version, origin = host.package(driver).version, "gpu22.04.1"
    assert version.endswith(origin)  # the PPA's, although NVIDIA's repository is there now
