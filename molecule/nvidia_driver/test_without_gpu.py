"""Role nvidia_driver on a machine without a GPU: nothing."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]


def test_nothing_of_it_came(host: Host) -> None:
    installed = host.check_output("dpkg-query --show --showformat='${Package}\\n'").split()
    assert not [name for name in installed if "nvidia" in name]
    assert not host.file("/etc/modprobe.d/dlconf-nouveau.conf").exists
    assert host.check_output("apt-mark showhold") == "bzip2"
    assert host.check_output("ls /etc/apt/sources.list.d") == "rival.list"
