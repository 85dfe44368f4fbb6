"""Role nvidia_services on a machine without a GPU: nothing comes."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]


def test_nothing_of_it_is_there(host: Host) -> None:
    installed = host.check_output("dpkg-query --show --showformat='${Package}\\n'").split()
    assert not [name for name in installed if "nvidia" in name or "gpu-manager" in name]
    assert host.check_output("ls /etc/systemd/system | grep nvidia || true") == ""
    assert host.check_output("ls /etc/apt/sources.list.d /etc/apt/preferences.d") == (
        "/etc/apt/preferences.d:\n\n/etc/apt/sources.list.d:"
    )
