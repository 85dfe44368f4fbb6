"""Role preflight: looks, mends dpkg's database, and leaves everything else as it was."""

from __future__ import annotations

import pytest
from testinfra.host import Host


def test_no_package_is_half_installed(host: Host) -> None:
    states = host.check_output("dpkg-query --show --showformat='${db:Status-Abbrev}\\n'").split(
        "\n"
    )
    assert {state.strip() for state in states} == {"ii"}


def test_apt_works(host: Host) -> None:
    assert host.run("apt-get --quiet check").rc == 0


def test_no_package_came_went_or_moved(host: Host) -> None:
    assert host.check_output("dpkg-query --show") == host.file("/srv/packages").content_string


@pytest.mark.parametrize("path", ["/etc/dlconf", "/var/cache/dlconf", "/opt/dlconf"])
def test_nothing_was_written(host: Host, path: str) -> None:
    assert not host.file(path).exists
