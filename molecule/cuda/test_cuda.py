"""Role cuda on machines with a GPU: a toolkit from one source, found by shells and linker."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from testinfra.host import Host

Candidate = Callable[[str], tuple[str, str]]


@dataclass(frozen=True)
class Toolkit:
    """What a machine is to have; the release is the newest that its GPU knows."""

    release: str
    origin: str

    @property
    def packages(self) -> list[str]:
        suffix = self.release.replace(".", "-")
        return [f"cuda-toolkit-{suffix}", f"cuda-nvcc-{suffix}"]


TOOLKITS = {
    "gtx1080ti": Toolkit("12.9", "file:/var/cuda-repo-ubuntu2204-12-9-local"),
    "rtx3090": Toolkit(
        "13.2", "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2204/x86_64"
    ),
}


testinfra_hosts = [f"ansible://{machine}" for machine in TOOLKITS]


@pytest.fixture
def toolkit(machine: str) -> Toolkit:
    return TOOLKITS[machine]


def test_every_shell_finds_the_chosen_compiler(host: Host, toolkit: Toolkit) -> None:
    assert f"release {toolkit.release}," in host.check_output("bash -lc 'nvcc --version'")
    assert host.check_output("bash -lc 'echo $CUDA_HOME'") == "/usr/local/cuda"


def test_the_default_folder_leads_to_the_release(host: Host, toolkit: Toolkit) -> None:
    assert host.file("/usr/local/cuda").linked_to == f"/usr/local/cuda-{toolkit.release}"
    assert host.check_output("readlink /usr/local/cuda") == "/etc/alternatives/cuda"


def test_the_linker_looks_into_the_toolkit(host: Host, toolkit: Toolkit) -> None:
    folders = host.check_output("/sbin/ldconfig -v 2>/dev/null | grep ^/").splitlines()
    assert any(line.startswith("/usr/local/cuda/") for line in folders)


def test_apt_takes_the_toolkit_from_the_vendor_and_not_from_the_rival(
    host: Host, toolkit: Toolkit, candidate: Candidate
) -> None:
    for package in toolkit.packages:
        assert "999:1" in host.check_output("apt-cache madison %s", package)
        version, origin = candidate(package)
        assert version.startswith(toolkit.release)
        assert origin == toolkit.origin


def test_an_upgrade_of_the_system_leaves_the_toolkit(host: Host, toolkit: Toolkit) -> None:
    before = [host.package(name).version for name in toolkit.packages]
    host.check_output("apt-get -qy dist-upgrade")
    assert [host.package(name).version for name in toolkit.packages] == before


def test_the_chosen_version_was_installed(host: Host, toolkit: Toolkit) -> None:
    assert host.package(toolkit.packages[0]).version.startswith(f"{toolkit.release}.")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/apt/preferences.d/dlconf-cuda",
        "/etc/profile.d/cuda.sh",
        "/etc/ld.so.conf.d/dlconf-cuda.conf",
    ],
)
def test_everyone_reads_the_settings_and_root_writes_them(
    host: Host, toolkit: Toolkit, path: str
) -> None:
    found = host.file(path)
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_apt_may_read_the_keyring(host: Host, toolkit: Toolkit) -> None:
    place = toolkit.origin.partition(":")[2].lstrip("/")
    stated = host.check_output("grep -rh -A3 %s /etc/apt/sources.list.d", place)
    keyrings = re.findall(r"(?i)signed-by[=:] ?(/usr/share/keyrings/[^]\s]+)", stated)
    assert len(keyrings) == 1
    found = host.file(keyrings[0])
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_no_driver_came_with_it(host: Host) -> None:
    installed = host.check_output("dpkg-query --show --showformat='${Package}\\n'").split()
    assert not [
        name for name in installed if name.startswith(("nvidia-", "libnvidia-", "libcuda1"))
    ]


def test_the_toolkit_that_stood_there_before_is_untouched(host: Host) -> None:
    assert host.file("/usr/local/cuda-9.9/bin/nvcc").content_string == "#!/bin/sh\necho by hand\n"
    assert host.file("/usr/local/cuda-9.9/bin").mode == 0o750


def test_the_download_is_gone(host: Host) -> None:
    assert host.check_output("find /var/cache/dlconf -type f 2>/dev/null || true") == ""


def test_nvidia_s_repository_is_stated_once_and_comes_after_all_others(host: Host) -> None:
    where = "developer.download.nvidia.com/compute/cuda/repos/ubuntu2204"
    if host.file("/etc/apt/sources.list.d/dlconf-nvidia.sources").exists:
        stated = host.check_output("grep -rl %s /etc/apt/sources.list.d", where)
        assert stated == "/etc/apt/sources.list.d/dlconf-nvidia.sources"
        policy = host.check_output("apt-cache policy")
        assert re.search(rf" 400 https://{where}/x86_64 ", policy)
