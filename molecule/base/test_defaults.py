"""Role base on a machine that asks for nothing."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://rtx3090"]


def test_a_host_without_a_time_service_gets_one(host: Host) -> None:
    assert host.service("systemd-timesyncd").is_enabled


def test_the_time_zone_is_left_alone(host: Host) -> None:
    assert host.check_output("date +%Z") == "UTC"


def test_no_user_came(host: Host) -> None:
    names = host.check_output("getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 {print $1}'")
    assert set(names.split()) <= {"lab", "labpw"}
