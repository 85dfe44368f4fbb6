"""What a host could not read is never taken for absent, nor for being in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlconf import facts
from dlconf.contract import differences
from dlconf.hosts import HostState, Survey
from dlconf.report import detect

RECORDED = json.loads(
    (Path(__file__).parents[1] / "facts" / "no-gpu-debian-12.json").read_text(encoding="utf-8")
)
WHY = "it is a FIFO, not a file"
FILE = {"mode": "0644", "owner": "root", "group": "root"}


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ({"kind": "file", "path": "/a/b", "content": "x"}, "/a/b"),
        ({"kind": "file", "path": "/a/b"}, "/a/*"),
        ({"kind": "directory", "path": "/a/b"}, "/a/*"),
        ({"kind": "link", "path": "/a/b", "target": "x"}, "/a/b"),
        ({"kind": "absent", "path": "/a/b"}, "/a/*"),
        ({"kind": "keyring", "path": "/a/b.gpg", "fingerprint": "A" * 40}, "/a/*.gpg"),
        ({"kind": "json", "path": "/a/b", "values": {"x": 1}}, "/a/b"),
        ({"kind": "lines", "path": "~ada/keys", "lines": ["x"]}, "~ada/keys"),
        ({"kind": "python_env", "path": "/a/b", "python": "3.11", "packages": {}}, "/a/*"),
        ({"kind": "conda_package", "path": "/a/b", "name": "x", "min_version": "1"}, "/a/*"),
        ({"kind": "service", "name": "x.service"}, "systemctl"),
        ({"kind": "service", "name": "x.service", "running": False}, "systemctl"),
        ({"kind": "user", "name": "ada"}, "users"),
        ({"kind": "group", "name": "lab"}, "groups"),
        ({"kind": "unattended_upgrades", "source": "nvidia-*"}, "apt-config"),
        ({"kind": "origin", "source": "nvidia-*", "origins": []}, "apt-cache"),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else value,
)
def test_a_resource_that_was_not_read_differs_and_says_why(
    resource: dict[str, Any], name: str
) -> None:
    apt = {"candidates": None, "unattended_upgrades": None}
    found = facts.read(RECORDED | {"unread": {name: WHY}, "apt": apt, "units": {}, "paths": {}})
    assert [one.found for one in differences([resource], found)] == [f"not read: {WHY}"]


def test_a_file_whose_content_was_not_read_differs() -> None:
    state = {"type": "file", "size": 1, **FILE}
    found = facts.read(RECORDED | {"unread": {"/a": WHY}, "paths": {"/a": state}})
    resource = {"kind": "file", "path": "/a", "content": "x"}
    assert [one.found for one in differences([resource], found)] == [f"not read: {WHY}"]


def test_detect_names_it() -> None:
    host = HostState("a", "in_sync", facts=RECORDED | {"unread": {"nvidia-smi": WHY}})
    assert f"  not read     nvidia-smi: {WHY}" in detect.text(Survey({"a": host}), Path("log"))
    data = detect.data(Survey({"a": host}), Path("log"))
    assert data["hosts"]["a"]["unread"] == {"nvidia-smi": WHY}
