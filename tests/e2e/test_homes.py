"""Below a user's folder only as that user: whatever a user puts in the way of a role, nothing of others changes.

Real roles, real Ansible, a real race: while the roles run as root, users exchange files and folders below their own
folders with links to root's. Only effects are looked at, so it holds for roles that are written otherwise.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.conftest import BIN, ROOT, TIMEOUT_S, Site, running_site

pytestmark = pytest.mark.lab

MACHINE = "fuse"
ROUNDS = 3
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYi1rZXktb2YtYWRhLW5vdC1hLXJlYWwtb25lISE= {}@example.org"
WRITERS = ("keys1", "keys2", "keys3")
DRIVERS = ("drive1", "drive2", "drive3")
USERS = WRITERS + DRIVERS
OUTSIDE = "/srv/outside"
BAITS = ("authorized_keys", "rclone.conf")
DRIVES = "/var/lib/dlconf/drives"
PLAYS = [
    {
        "hosts": name,
        "gather_facts": False,
        "become": True,
        "roles": [role],
    }
    for name, role in (("writers", "base"), ("drivers", "data_drive"))
]
# Of each path outside the users' folders: owner, group, mode, where a link leads and what a file holds.
LOOK = f"""
import glob, hashlib, json, os, stat
seen = {{}}
def look(path, deep):
    try:
        found = os.lstat(path)
        text = os.readlink(path) if stat.S_ISLNK(found.st_mode) else ""
        if stat.S_ISREG(found.st_mode):
            with open(path, "rb") as file:
                text = hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return  # ssh's and sudo's own files come and go
    seen[path] = [found.st_uid, found.st_gid, found.st_mode, text]
    if deep and stat.S_ISDIR(found.st_mode):
        for name in sorted(os.listdir(path)):
            look(os.path.join(path, name), deep)
for top in ("/etc", "/root", "/srv", "/usr/local"):
    look(top, True)
for path in ["/", "/home", "/var/lib/dlconf", *glob.glob("/home/*"), *glob.glob("{DRIVES}*"), *glob.glob("{DRIVES}/*")]:
    look(path, False)
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A machine that mounts file systems of its users, and users who do not trust each other."""
    with running_site(tmp_path_factory, (MACHINE,), "homes") as started:
        for user in USERS:
            started.ssh(MACHINE, "useradd", "--create-home", "--shell", "/bin/bash", user)
            folder = f"{OUTSIDE}/{user}"
            started.ssh(MACHINE, "mkdir", "-p", "-m", "0711", folder)
            for bait in BAITS:
                command = f"echo of root > {folder}/{bait}; chmod 0640 {folder}/{bait}"
                started.ssh(MACHINE, "sh", "-c", command)
        started.ssh(MACHINE, "mkdir", "/opt/storage")
        started.ssh(MACHINE, "chmod", "0666", "/dev/fuse")  # as udev does where it runs
        yield started


def variables(user: str) -> dict[str, Any]:
    if user in WRITERS:
        return {
            "base_packages": [],
            "base_time_sync": False,
            "base_unattended_upgrades": False,
            "base_users": [{"name": user, "authorized_keys": [KEY.format(user)]}],
        }
    return {
        "data_drive_remotes": [{"name": user, "user": user, "mount": f"/home/{user}/drive"}],
        "data_drive_credentials": {user: {"type": "alias", "remote": "/opt/storage"}},
    }


def pairs(user: str) -> list[str]:
    """Return what a user exchanges with links to what is root's."""
    bait = f"{OUTSIDE}/{user}"
    if user in WRITERS:
        keys = f"/home/{user}/.ssh:authorized_keys:{bait}/authorized_keys"
        return [f"/home/{user}:.ssh/:{bait}", keys]
    return [f"/home/{user}:drive/:{bait}", f"{DRIVES}/{user}:rclone.conf:{bait}/rclone.conf"]


def run_roles(site: Site) -> subprocess.CompletedProcess[str]:
    """Run the roles with plain Ansible, each user's part as a host of its own: one failure is that user's alone."""
    folder = site.state / "homes"
    folder.mkdir(exist_ok=True)
    listing = [str(BIN / "ansible-inventory"), "-i", str(site.inventory), "--host", MACHINE]
    known = json.loads(subprocess.run(listing, capture_output=True, check=True).stdout)
    children = {
        name: {"hosts": {user: known | variables(user) for user in users}}
        for name, users in (("writers", WRITERS), ("drivers", DRIVERS))
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
    (folder / "play.yml").write_text(yaml.safe_dump(PLAYS))
    return subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", str(folder / "hosts.yml"), str(folder / "play.yml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@contextlib.contextmanager
def exchanging(site: Site) -> Iterator[None]:
    """Let each user exchange all the while; they must have done so."""
    text = (ROOT / "tests/lab/exchange.py").read_text()
    site.ssh(MACHINE, "sh", "-c", f"cat > /usr/bin/exchange <<'END'\n{text}\nEND\n")
    config = ["ssh", "-F", str(site.state / "ssh_config"), MACHINE]
    started = {
        user: subprocess.Popen(
            [
                *config,
                shlex.join(
                    ["sudo", "-u", user, "-H", "python3", "/usr/bin/exchange", *pairs(user)]
                ),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for user in USERS
    }
    try:
        yield
    finally:
        counts = {user: process.communicate("\n")[0] for user, process in started.items()}
    assert all(int(count) > 1000 for count in counts.values()), counts


def outside(site: Site) -> dict[str, list[Any]]:
    seen: dict[str, list[Any]] = json.loads(site.ssh(MACHINE, "python3", "-c", LOOK))
    return seen


def test_what_users_put_in_the_way_of_roles_reaches_nothing_of_others(site: Site) -> None:
    quiet = run_roles(site)
    assert quiet.returncode == 0, quiet.stdout[-4000:]
    before = outside(site)
    found = []
    with exchanging(site):
        for _ in range(ROUNDS):
            site.ssh(MACHINE, "systemctl", "stop", "dlconf-drive-*")
            done = run_roles(site)
            assert "PLAY RECAP" in done.stdout
            assert "UNREACHABLE" not in done.stdout
            after = outside(site)
            changed = {
                path: (before.get(path), after.get(path))
                for path in before | after
                if before.get(path) != after.get(path)
            }
            found.append(changed)
    assert found == [{}] * ROUNDS, done.stdout[-3000:]


def test_when_they_have_stopped_the_roles_put_all_in_order(site: Site) -> None:
    site.ssh(
        MACHINE, "systemctl", "stop", "dlconf-drive-*"
    )  # its unit makes and mounts what is removed here
    for user in USERS:
        for pair in pairs(user):
            folder, name, _target = pair.split(":")
            paths = (f"{folder}/{name.rstrip('/')}", f"{folder}/.exchanged-{name.rstrip('/')}")
            site.ssh(MACHINE, "rm", "-rf", *paths)
    done = run_roles(site)
    assert done.returncode == 0, done.stdout[-4000:]
    for user in WRITERS:
        assert KEY.format(user) in site.ssh(MACHINE, "cat", f"/home/{user}/.ssh/authorized_keys")
        stat = site.ssh(MACHINE, "stat", "-c", "%U %a", f"/home/{user}/.ssh")
        assert stat == f"{user} 700"
    for user in DRIVERS:
        assert f" /home/{user}/drive fuse.rclone" in site.ssh(MACHINE, "cat", "/proc/mounts")
