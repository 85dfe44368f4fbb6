"""Role nccl on a machine without a GPU: nothing."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]


def test_nothing_of_it_came(host: Host) -> None:
    assert not host.package("libnccl2").is_installed
    assert host.check_output("ls /etc/apt/preferences.d /etc/apt/sources.list.d").split() == [
        "/etc/apt/preferences.d:",
        "/etc/apt/sources.list.d:",
        "rival.list",
    ]
