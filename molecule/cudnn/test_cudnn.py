"""Role cudnn: the chosen version from one source, held."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

ORIGINS = {
    "gtx1080ti": "file:/var/cudnn-local-repo-ubuntu2204-",
    "rtx3090": "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2204/x86_64",
}
MAJOR = {"gtx1080ti": "12", "rtx3090": "13"}


@pytest.fixture
def packages(machine: str) -> list[str]:
    major = MAJOR[machine]
    return [f"libcudnn9-cuda-{major}", f"libcudnn9-dev-cuda-{major}"]


def test_the_library_is_there(host: Host, packages: list[str]) -> None:
    for name in packages:
        assert host.package(name).version.startswith("9.")
    files = host.check_output("dpkg-query --listfiles %s", packages[0]).splitlines()
    libraries = [path for path in files if "libcudnn.so.9" in path]
    assert libraries
    assert all(host.file(path).exists for path in libraries)


def test_apt_takes_it_from_the_vendor_and_not_from_the_rival(
    host: Host,
    machine: str,
    packages: list[str],
    candidate: Callable[[str], tuple[str, str]],
) -> None:
    for name in packages:
        assert "999:1" in host.check_output("apt-cache madison %s", name)
        version, origin = candidate(name)
        assert version.startswith("9.")
        assert origin.startswith(ORIGINS[machine])


def test_its_packages_are_held_and_nothing_else_is(host: Host, packages: list[str]) -> None:
    held = set(host.check_output("apt-mark showhold").split())
    assert held >= set(packages)
    assert all("cudnn" in name and "repo" not in name for name in held)


def test_an_upgrade_of_the_system_leaves_it(host: Host, packages: list[str]) -> None:
    before = [host.package(name).version for name in packages]
    host.check_output("apt-get -qy dist-upgrade")
    assert [host.package(name).version for name in packages] == before


def test_everyone_reads_the_preferences_and_root_writes_them(host: Host) -> None:
    found = host.file("/etc/apt/preferences.d/dlconf-cudnn")
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_neither_driver_nor_toolkit_came_with_it(host: Host) -> None:
    installed = host.check_output("dpkg-query --show --showformat='${Package}\\n'").split()
    assert not [name for name in installed if name.startswith(("nvidia-", "libnvidia-", "cuda-"))]
    assert not host.file("/usr/local/cuda").exists
