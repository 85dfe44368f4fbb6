"""Role base on a machine that asks for all of it, and that had users, keys and a time service of its own."""

from __future__ import annotations

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]


@pytest.fixture(scope="module")
def upgrade(host: Host) -> str:
    """What unattended-upgrades would do tonight."""
    done = host.run("unattended-upgrade --dry-run --debug 2>&1")
    assert done.rc == 0, done.stdout
    return str(done.stdout)


def upgraded(text: str) -> set[str]:
    """Return the names after "Packages that will be upgraded:"."""
    line = next(line for line in text.splitlines() if "Packages that will be upgraded:" in line)
    return set(line.split("upgraded:", 1)[1].split())


@pytest.mark.parametrize(
    "package", ["nvidia-driver-580-open", "libnvidia-compute-580", "cuda-toolkit-12-9"]
)
def test_unattended_upgrades_leave_what_is_held(host: Host, upgrade: str, package: str) -> None:
    assert " 999:1 |" in host.check_output("apt-cache madison %s", package)
    assert host.package(package).version == "1"
    assert package not in upgraded(upgrade)


def test_unattended_upgrades_take_the_rest(upgrade: str) -> None:
    """The container toolkit is called like the driver, and is no part of it."""
    assert {"harmless", "nvidia-container-toolkit"} <= upgraded(upgrade)


def test_what_others_kept_back_is_still_kept_back(host: Host) -> None:
    shown = host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert '"postgresql"' in shown


def test_upgrades_happen_by_themselves(host: Host) -> None:
    assert 'APT::Periodic::Unattended-Upgrade "1";' in host.check_output("apt-config dump")
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(timer).is_enabled
        assert host.service(timer).is_running


def test_the_compiler_compiles(host: Host) -> None:
    host.check_output("echo 'int main(void) { return 0; }' | cc -x c -o /tmp/a.out - && /tmp/a.out")


def test_users_are_in_their_groups_beside_those_that_they_were_in(host: Host) -> None:
    assert {"lab-users", "gpu"} <= set(host.user("ada").groups)
    assert {"lab-users", "keepers"} <= set(host.user("old").groups)


def test_a_shell_is_only_changed_where_one_is_asked_for(host: Host) -> None:
    assert host.user("ada").shell == "/usr/bin/zsh"
    assert host.user("old").shell == "/bin/sh"


def test_nobody_got_a_password(host: Host) -> None:
    for name in ("ada", "old"):
        assert host.user(name).password.startswith("!")


def test_a_user_who_is_not_named_is_still_there(host: Host) -> None:
    assert host.user("gone").exists
    assert "keepers" in host.user("gone").groups


def test_keys_were_added_and_none_was_lost(host: Host) -> None:
    kept = host.file("/home/old/.ssh/authorized_keys").content_string
    assert [line.split()[-1] for line in kept.splitlines()] == ["laptop", "old@example.org"]
    new = host.file("/home/ada/.ssh/authorized_keys")
    assert new.content_string.count("\n") == 1
    assert (new.user, new.mode) == ("ada", 0o600)
    assert (host.file("/home/ada/.ssh").user, host.file("/home/ada/.ssh").mode) == ("ada", 0o700)


def test_the_time_zone_is_the_one_asked_for(host: Host) -> None:
    assert host.check_output("date --date=2026-07-01 +%Z") == "CEST"
    assert host.file("/etc/timezone").content_string == "Europe/Berlin\n"


def test_what_kept_time_before_still_does(host: Host) -> None:
    assert host.service("chrony").is_enabled
    assert not host.package("systemd-timesyncd").is_installed
