"""Role record: the choice, written down where every user may read it."""

from __future__ import annotations

import json

from testinfra.host import Host

PATH = "/etc/dlconf/stack.json"
# What is chosen for a GPU only. The RTX 3090 takes the newest of it, whose versions the catalogue states.
FOR_GPUS = ("cuda", "cudnn", "driver")


def test_every_user_reads_the_record_and_only_root_writes_it(host: Host) -> None:
    for path, mode in (("/etc/dlconf", 0o755), (PATH, 0o644)):
        found = host.file(path)
        assert (found.user, found.group, found.mode) == ("root", "root", mode)


def test_the_record_says_what_was_chosen_for_this_machine(host: Host, machine: str) -> None:
    record = json.loads(host.file(PATH).content_string)
    assert record["schema"] == 1
    assert record["python"] == "3.11"
    assert "pytorch" in record["frameworks"]
    chosen = [component for component in FOR_GPUS if record[component]]
    assert chosen == ([] if machine == "cpu" else list(FOR_GPUS))


def test_nothing_was_installed(host: Host) -> None:
    """The role that writes the choice down must not carry it out."""
    assert host.check_output("ls /etc/apt/sources.list.d /etc/apt/preferences.d") == (
        "/etc/apt/preferences.d:\n\n/etc/apt/sources.list.d:"
    )
    assert host.check_output("ls /etc/dlconf") == "stack.json"
    assert not host.file("/opt/conda").exists
    assert host.run("ls /opt/dlconf").rc != 0
