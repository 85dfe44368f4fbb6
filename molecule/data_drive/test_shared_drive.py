"""Role data_drive, a drive for all users of a machine: the same whichever client mounts it."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://fuse", "ansible://fuse-ubuntu"]

SHARED = {"fuse": "/srv/shared", "fuse-ubuntu": "/srv/robot"}


def test_a_shared_drive_is_seen_by_others_and_written_by_nobody(host: Host, machine: str) -> None:
    mount = SHARED[machine]
    shown = host.check_output("runuser -u bob -- cat %s", f"{mount}/shelf/paper.txt")
    assert shown == "read through the mount"
    for path in (f"{mount}/new.txt", f"{mount}/shelf/new.txt"):
        done = host.run("runuser -u ada -- touch %s", path)
        assert done.rc != 0
        assert "Read-only" in done.stderr
