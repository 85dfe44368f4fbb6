"""Role preflight: looks, mends dpkg's database, and leaves everything else as it was."""

from __future__ import annotations

import json

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


def test_apt_reads_its_sources_again_and_the_second_statement_is_kept_aside(host: Host) -> None:
    assert host.run("apt-get indextargets").rc == 0
    assert host.file("/etc/apt/sources.list.d/a.list").exists
    assert not host.file("/etc/apt/sources.list.d/b.list").exists
    manifest = json.loads(host.file("/var/lib/dlconf/aside/manifest.json").content_string)
    assert {entry["from"] for entry in manifest} == {"/etc/apt/sources.list.d/b.list"}
    assert "apt.example" in host.file(manifest[0]["to"]).content_string
