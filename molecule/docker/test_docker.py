"""Role docker: an engine that runs containers, for those who may, with small logs, beside the settings of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.host import Host

Candidate = Callable[[str], tuple[str, str]]
IMAGE = "dlconf-lab/busybox"
OWN = ("/etc/apt/preferences.d/dlconf-docker", "/etc/apt/sources.list.d/dlconf-docker.sources")


@pytest.fixture
def image(host: Host) -> str:
    """An image with one program; there is no registry to pull from."""
    if host.run("docker image inspect %s", IMAGE).rc != 0:
        host.check_output("tar --create --directory=/ bin/busybox | docker import - %s", IMAGE)
    return IMAGE


@pytest.fixture
def container(host: Host, image: str) -> Iterator[str]:
    name = host.check_output("docker run --detach %s /bin/busybox sleep 600", image)
    yield name
    host.run("docker rm --force %s", name)


def settings(host: Host) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(host.file("/etc/docker/daemon.json").content_string)
    return read


def test_docker_runs_now_and_after_a_restart(host: Host) -> None:
    service = host.service("docker")
    assert service.is_running
    assert service.is_enabled


def test_a_container_runs(host: Host, image: str) -> None:
    said = host.check_output("docker run --rm %s /bin/busybox echo from inside", image)
    assert said == "from inside"


def test_those_who_may_use_it_can_and_others_cannot(host: Host, machine: str, image: str) -> None:
    may = {"docker": ["lab", "ada"], "hgxh100": []}[machine]
    for user in ("lab", "ada", "labpw"):
        command = f"runuser --login {user} --command 'docker run --rm {image} /bin/busybox true'"
        assert (host.run(command).rc == 0) == (user in may)


def test_a_group_of_before_is_kept(host: Host) -> None:
    assert "video" in host.user("ada").groups


def test_the_packages_come_from_the_chosen_source(
    host: Host, machine: str, candidate: Candidate
) -> None:
    if machine == "docker":
        assert "999:1" in host.check_output("apt-cache madison docker-ce")
        for package in ("docker-ce", "docker-ce-cli", "containerd.io"):
            version, origin = candidate(package)
            assert origin == "https://download.docker.com/linux/debian"
            assert host.package(package).version == version
    else:
        assert host.package("docker.io").is_installed
        assert not any(host.file(path).exists for path in OWN)


def test_everyone_may_read_the_sources(host: Host, machine: str) -> None:
    for path in OWN if machine == "docker" else ():
        found = host.file(path)
        assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_a_log_takes_no_more_room_than_asked(host: Host, machine: str, image: str) -> None:
    name = host.check_output("docker create %s /bin/busybox seq 20000", image)
    try:
        host.check_output("docker start --attach %s", name)
        path = host.check_output("docker inspect --format '{{.LogPath}}' %s", name)
        sizes = host.check_output(f"stat --format=%s {path}*").split()
        if machine == "docker":
            assert len(sizes) == 2
            assert all(int(size) < 20_000 for size in sizes)
        else:  # which leaves the logs to Docker
            assert len(sizes) == 1
    finally:
        host.run("docker rm %s", name)


def test_data_lies_where_it_was_asked_for(host: Host, machine: str) -> None:
    root = {"docker": "/var/lib/docker/lab", "hgxh100": "/var/lib/docker"}[machine]
    assert host.check_output("docker info --format '{{.DockerRootDir}}'") == root


def test_a_restart_of_the_daemon_leaves_containers_running(host: Host, container: str) -> None:
    process = "docker inspect --format '{{.State.Pid}} {{.State.Running}}' " + container
    before = host.check_output(process)
    host.check_output("systemctl restart docker.service")
    assert host.check_output(process) == before
    assert before.endswith("true")


def test_settings_of_others_are_kept(host: Host, machine: str) -> None:
    if machine == "docker":
        assert settings(host)["dns"] == ["192.0.2.53"]
        assert settings(host)["log-opts"] == {"labels": "team", "max-size": "10k", "max-file": "2"}
        assert host.file("/etc/docker/daemon.json").mode == 0o600
    else:
        assert set(settings(host)) == {"live-restore", "default-cgroupns-mode"}


def test_other_sources_of_packages_are_untouched(host: Host, machine: str) -> None:
    if machine == "docker":
        assert host.file("/etc/apt/sources.list.d/rival.list").exists
    assert "bookworm" in host.file("/etc/apt/sources.list").content_string
