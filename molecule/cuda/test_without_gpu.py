"""Role cuda on a machine without a GPU: nothing."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]


def test_nothing_of_it_came(host: Host) -> None:
    assert host.check_output("ls -d /usr/local/cuda*") == "/usr/local/cuda-9.9"
    assert not host.file("/etc/profile.d/cuda.sh").exists
    assert host.check_output("ls /etc/apt/preferences.d /etc/apt/sources.list.d").split() == [
        "/etc/apt/preferences.d:",
        "/etc/apt/sources.list.d:",
        "rival.list",
    ]
