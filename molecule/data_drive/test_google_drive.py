"""Role data_drive with google-drive-ocamlfuse, a stand-in that really mounts: for a person and a service account."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://fuse-ubuntu"]

Candidate = Callable[[str], tuple[str, str]]
PPA = "ppa.launchpadcontent.net/alessandro-strada/ppa/ubuntu"
UNITS = ("dlconf-drive-gdrive", "dlconf-drive-robot")
DRIVES = "/var/lib/dlconf/drives"
FILES = (
    "gdrive/config",
    "gdrive/state",
    "robot/config",
    "robot/state",
    "robot/service-account.json",
)
STORED = "/srv/google-drive/shelf"


def as_user(name: str, command: str) -> str:
    return f"runuser -u {name} -- {command}"


def values(host: Host, path: str) -> dict[str, str]:
    lines = host.file(f"{DRIVES}/{path}").content_string.splitlines()
    return dict(line.split("=", 1) for line in lines)


def secrets(host: Host) -> list[str]:
    config, state = values(host, "gdrive/config"), values(host, "gdrive/state")
    key = json.loads(host.file(f"{DRIVES}/robot/service-account.json").content_string)
    return [config["client_secret"], state["refresh_token"], key["private_key"].strip()]


def test_the_program_comes_from_the_ppa(host: Host, candidate: Candidate) -> None:
    package = host.package("google-drive-ocamlfuse")
    assert package.is_installed
    version, origin = candidate("google-drive-ocamlfuse")
    assert version == package.version
    assert PPA in origin


def test_nothing_else_of_the_ppa_replaces_the_distribution_s(
    host: Host, candidate: Candidate
) -> None:
    assert PPA in host.check_output("apt-cache madison rclone")
    assert PPA not in candidate("rclone")[1]


@pytest.mark.parametrize("unit", UNITS)
def test_a_drive_is_mounted_now_and_with_the_system(host: Host, unit: str) -> None:
    assert host.service(unit).is_running, host.run("journalctl -n 30 -u %s", unit).stdout
    assert host.service(unit).is_enabled


def test_a_person_s_drive_is_read_and_written_by_that_person_alone(host: Host) -> None:
    mount = host.check_output("grep ' /home/ada/gdrive ' /proc/mounts")
    assert "fuse.google-drive-ocamlfuse" in mount
    assert host.check_output(as_user("ada", "cat /home/ada/gdrive/paper.txt")) == (
        "read through the mount"
    )
    host.check_output(as_user("ada", "sh -c 'echo written > /home/ada/gdrive/new.txt'"))
    assert host.check_output(f"cat {STORED}/new.txt; rm {STORED}/new.txt") == "written"
    assert host.run(as_user("bob", "ls /home/ada/gdrive")).rc != 0


@pytest.mark.parametrize("path", FILES)
def test_credentials_are_for_their_user_alone(host: Host, path: str) -> None:
    found = host.file(f"{DRIVES}/{path}")
    assert (found.is_symlink, found.user, found.mode) == (False, "ada", 0o600)
    assert host.run(as_user("bob", f"cat {DRIVES}/{path}")).rc != 0


def test_each_drive_has_the_credentials_of_its_kind(host: Host) -> None:
    config = values(host, "robot/config")
    assert config["service_account_credentials_path"] == f"{DRIVES}/robot/service-account.json"
    assert config["client_secret"] == ""
    assert config["root_folder"] == ""
    assert values(host, "robot/state")["refresh_token"] == ""
    assert not host.file(f"{DRIVES}/gdrive/service-account.json").exists
    assert not host.file(f"{DRIVES}/gdrive/rclone.conf").exists


def test_the_program_renewed_its_token_in_its_own_file(host: Host) -> None:
    assert values(host, "gdrive/state")["last_access_token"]


def test_credentials_are_in_no_log_and_no_command_line(host: Host) -> None:
    for place in (
        "journalctl --no-pager --output=cat",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
        "cat /etc/systemd/system/dlconf-drive-*.service",
    ):
        shown = host.check_output(place)
        assert "google-drive-ocamlfuse" in shown
        assert [secret for secret in secrets(host) if secret in shown] == [], place


def test_a_drive_survives_the_restart_of_its_service(host: Host) -> None:
    host.check_output("systemctl restart dlconf-drive-gdrive")
    # the unit is started only when the mount is there
    assert host.check_output(as_user("ada", "cat /home/ada/gdrive/paper.txt")) == (
        "read through the mount"
    )


def test_the_user_s_own_configurations_are_untouched(host: Host) -> None:
    own = host.file("/home/ada/.config/gdfuse/gdrive/config")
    assert own.content_string == "client_id=own\n"
    assert host.file("/home/ada/.rclone.conf").content_string == "[own]\ntype = local\n"
    assert not host.file("/home/ada/.gdfuse").exists
