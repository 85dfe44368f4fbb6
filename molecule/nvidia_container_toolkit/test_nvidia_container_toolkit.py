"""Role nvidia_container_toolkit: a runtime that Docker knows, which keeps its GPUs through a reload of systemd."""

from __future__ import annotations

import json
from collections.abc import Callable

from testinfra.host import Host

Candidate = Callable[[str], tuple[str, str]]
PACKAGES = ("nvidia-container-toolkit", "nvidia-container-toolkit-base")

testinfra_hosts = ["ansible://hgxh100"]


def test_docker_runs_a_container_with_the_runtime(host: Host) -> None:
    host.check_output("tar --create --directory=/ bin/busybox | docker import - dlconf-lab/busybox")
    said = host.check_output(
        "docker run --rm --runtime=nvidia dlconf-lab/busybox /bin/busybox echo from inside"
    )
    assert said == "from inside"


def test_systemd_does_not_manage_the_cgroups_of_containers(host: Host) -> None:
    assert host.check_output("docker info --format '{{.CgroupDriver}}'") == "cgroupfs"


def test_runtimes_and_settings_of_others_are_kept(host: Host) -> None:
    runtimes = json.loads(host.check_output("docker info --format '{{json .Runtimes}}'"))
    assert runtimes["plain"]["path"] == "runc"
    assert runtimes["nvidia"]["path"] == "nvidia-container-runtime"
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert settings["default-cgroupns-mode"] == "private"
    assert settings["exec-opts"] == ["native.cgroupdriver=cgroupfs"]


def test_the_packages_come_from_nvidia_and_not_from_the_rival(
    host: Host, candidate: Candidate
) -> None:
    for package in PACKAGES:
        assert "999:1" in host.check_output("apt-cache madison %s", package)
        version, origin = candidate(package)
        assert origin == "https://nvidia.github.io/libnvidia-container/stable/deb/amd64"
        assert host.package(package).version == version


def test_apt_may_read_the_keyring(host: Host) -> None:
    found = host.file("/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg")
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_the_gpus_are_described_when_a_driver_comes(host: Host) -> None:
    unit = host.service("nvidia-cdi-refresh.path")
    assert unit.is_enabled
    assert unit.is_running


def test_nothing_is_described_without_a_driver(host: Host) -> None:
    assert not host.file("/var/run/cdi/nvidia.yaml").exists


def test_no_driver_came_with_it(host: Host) -> None:
    installed = host.check_output("dpkg-query --show --showformat='${Package}\\n'").split()
    others = [name for name in installed if "nvidia" in name]
    assert all("container" in name for name in others)
