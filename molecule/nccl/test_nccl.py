"""Role nccl on machines with a GPU: the newest NCCL for their CUDA."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

Candidate = Callable[[str], tuple[str, str]]
ORIGIN = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2204/x86_64"
VERSION = "2.30.4-1+cuda13.2"
PACKAGES = ("libnccl2", "libnccl-dev")

testinfra_hosts = ["ansible://rtx3090"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_newest_build_for_the_chosen_cuda_is_there(host: Host, package: str) -> None:
    assert host.package(package).version == VERSION


@pytest.mark.parametrize("package", PACKAGES)
def test_neither_the_rival_nor_a_newer_build_for_another_cuda_wins(
    host: Host, package: str, candidate: Candidate
) -> None:
    offered = host.check_output("apt-cache madison %s", package)
    assert "999:1" in offered
    assert "2.30.7-1+cuda13.3" in offered
    assert candidate(package) == (VERSION, ORIGIN)


def test_an_upgrade_of_the_system_leaves_it(host: Host) -> None:
    assert set(PACKAGES) <= set(host.check_output("apt-mark showhold").split())
    host.check_output("apt-get -qy dist-upgrade")
    assert [host.package(name).version for name in PACKAGES] == [VERSION, VERSION]


def test_programs_find_the_library_and_its_header(host: Host) -> None:
    upstream = VERSION.split("-", maxsplit=1)[0]
    assert host.check_output("readlink -f /usr/lib/x86_64-linux-gnu/libnccl.so").endswith(
        f"libnccl.so.{upstream}"
    )
    patch = upstream.split(".")[2]
    assert f"#define NCCL_PATCH {patch}" in host.file("/usr/include/nccl.h").content_string


def test_the_repository_that_came_with_it_gives_no_driver(
    host: Host,
) -> None:
    """Nothing but NCCL is wanted from it: any other source of a package comes first."""
    text = host.check_output("apt-cache policy")
    assert "release o=NVIDIA" in text
    assert any(
        line.split()[0] == "400" for line in text.splitlines() if "developer.download" in line
    )
    installed = host.check_output("dpkg-query --show --showformat='${Package}\\n'").split()
    assert not [name for name in installed if name.startswith(("nvidia-", "cuda-", "libcuda"))]


def test_apt_may_read_the_keyring(host: Host) -> None:
    found = host.file("/usr/share/keyrings/cuda-archive-keyring.gpg")
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)
