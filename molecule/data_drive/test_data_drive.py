"""Role data_drive on a machine with two drives: files go through FUSE, from and to a server with a password."""

from __future__ import annotations

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://fuse"]

UNITS = ("dlconf-drive-papers", "dlconf-drive-shared")
CREDENTIALS = "/var/lib/dlconf/drives/{}/rclone.conf"


def as_user(name: str, command: str) -> str:
    return f"runuser -u {name} -- {command}"


@pytest.mark.parametrize("unit", UNITS)
def test_a_drive_is_mounted_now_and_with_the_system(host: Host, unit: str) -> None:
    assert host.service(unit).is_running, host.run("journalctl -n 30 -u %s", unit).stdout
    assert host.service(unit).is_enabled


def test_files_are_read_through_the_mount(host: Host) -> None:
    assert "fuse.rclone" in host.check_output("grep ' /home/ada/papers ' /proc/mounts")
    assert host.check_output(as_user("ada", "cat /home/ada/papers/paper.txt")) == (
        "read through the mount"
    )


def test_the_kernel_keeps_others_to_the_modes_of_the_files(host: Host) -> None:
    options = host.check_output("grep ' /srv/shared ' /proc/mounts").split()[3].split(",")
    assert {"allow_other", "default_permissions"} <= set(options)


def test_what_is_written_reaches_the_storage(host: Host) -> None:
    host.check_output(as_user("ada", "sh -c 'echo written > /home/ada/papers/new.txt'"))
    wait = "for i in $(seq 60); do [ -s /srv/storage/shelf/new.txt ] && break; sleep 1; done"
    assert host.check_output(f"{wait}; cat /srv/storage/shelf/new.txt") == "written"
    host.check_output(as_user("ada", "rm /home/ada/papers/new.txt"))


def test_only_its_user_sees_a_drive(host: Host) -> None:
    assert host.run(as_user("bob", "ls /home/ada/papers")).rc != 0


@pytest.mark.parametrize("drive", ["papers", "shared"])
def test_credentials_are_for_their_user_alone(host: Host, drive: str) -> None:
    found = host.file(CREDENTIALS.format(drive))
    assert (found.user, found.mode) == ("ada", 0o600)
    assert host.run(as_user("bob", f"cat {CREDENTIALS.format(drive)}")).rc != 0


def test_credentials_are_in_no_log_and_no_command_line(host: Host) -> None:
    text = host.file(CREDENTIALS.format("papers")).content_string
    secret = next(line for line in text.splitlines() if line.startswith("pass = ")).split()[-1]
    assert len(secret) > 20
    for place in (
        "journalctl --no-pager --output=cat",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
        "cat /etc/systemd/system/dlconf-drive-*.service",
    ):
        shown = host.check_output(place)
        assert "rclone" in shown
        assert secret not in shown, place


def test_a_drive_survives_the_restart_of_its_service(host: Host) -> None:
    host.check_output("systemctl restart dlconf-drive-papers")
    assert host.check_output(as_user("ada", "cat /home/ada/papers/paper.txt")) == (
        "read through the mount"
    )


def test_the_user_s_own_remotes_are_untouched(host: Host) -> None:
    assert host.file("/home/ada/.rclone.conf").content_string == "[own]\ntype = local\n"
