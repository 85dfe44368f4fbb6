"""Logins in addresses: the sites get them, and nobody else on the host does."""

from __future__ import annotations

import json
import os
from pathlib import Path

from testinfra.host import Host

PASSWORD = "Sesame-7-opens"  # noqa: S105 - of the lab's own sites
ENCODED = "YWRhOlNlc2FtZS03LW9wZW5z"
APT_FILE = "/etc/apt/auth.conf.d/dlconf-docker.conf"


def requests() -> list[dict[str, object]]:
    path = Path(os.environ["LAB_STATE"]) / "mirror" / "requests.jsonl"
    return [json.loads(line) for line in path.open()]


def test_each_program_logged_in(host: Host) -> None:
    """apt, pip, uv and curl: the mirror answers 401 to those that do not."""
    answered = {str(row["url"]) for row in requests() if row["status"] in (200, 206)}
    for part in (
        "download.docker.com/linux/debian/gpg",
        "download.docker.com/linux/debian/dists/bookworm/",
        "wheels.dlconf.test/simple/filelock/",
        "developer.download.nvidia.com/",
    ):
        assert [url for url in answered if url.startswith(part)], part
    assert host.file("/srv/fetched/file.deb").exists
    assert "docker-ce" in host.check_output("apt-cache madison docker-ce")
    for environment in ("/opt/pip", "/opt/dlconf/envs/filelock"):
        host.check_output(f"{environment}/bin/python -c 'import filelock'")


def test_no_user_of_the_host_saw_the_password_in_a_command_line(host: Host) -> None:
    seen = host.file("/var/lib/onlooker/seen").content_string
    assert host.check_output("systemctl is-active onlooker") == "active"
    for program in (" -m pip install ", "/uv pip install ", "curl --fail ", "flock "):
        assert program in seen, f"the onlooker has missed {program}"
    assert PASSWORD not in seen
    assert ENCODED not in seen


def test_the_login_lies_where_apt_alone_reads_it_and_nowhere_else(host: Host) -> None:
    file = host.file(APT_FILE)
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)
    assert file.content_string.endswith(
        f"machine https://download.docker.com/linux/debian login ada password {PASSWORD}\n"
    )
    places = "/etc /opt /root /run /srv /tmp /usr/local /usr/share/keyrings /var /home"
    pattern = f"{PASSWORD[:-1]}[{PASSWORD[-1]}]"  # sudo logs this command
    found = host.run(f"grep --recursive --files-with-matches --text '{pattern}' {places}")
    assert found.stdout.split() == [APT_FILE]
    assert PASSWORD not in host.check_output("journalctl --no-pager --output=cat")
