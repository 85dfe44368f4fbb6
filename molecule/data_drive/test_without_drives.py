"""Role data_drive on a machine that asks for none: nothing."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]


def test_nothing_of_it_came(host: Host) -> None:
    assert not host.package("rclone").is_installed
    assert not host.file("/etc/apt/sources.list.d/dlconf-data-drive.sources").exists
    assert not host.file("/var/lib/dlconf").exists
    assert host.run("ls /etc/systemd/system/dlconf-drive-*").rc != 0
