"""Each break of something that lies in the file system, carried out in a folder: its resource is named, no other.

What lies beside it is not named. Both with the module that reads real hosts.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dlconf import contract
from dlconf.facts import Facts
from dlconf.plugins.modules import dlconf_collect as collect
from tests.matrix.breaks import Command
from tests.matrix.neighbours import NEIGHBOURS
from tests.matrix.rounds import Host, mutations

ME = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}

# A public key of version 4 as RFC 4880 writes it, as far as a fingerprint goes.
PACKET = b"\x04" + bytes(149)
KEY = bytes([0x98, len(PACKET)]) + PACKET
FINGERPRINT = hashlib.sha1(b"\x99\x00" + KEY[1:]).hexdigest().upper()  # noqa: S324 the format's own


def resources(root: str) -> list[dict[str, Any]]:
    """Return one resource of each kind that lies in the file system."""
    packages = {"demo": "1.0", "pip": "*"}
    return [
        {"kind": "directory", "path": f"{root}/folder", **ME},
        {"kind": "file", "path": f"{root}/folder/file", "content": "text\n", **ME},
        {"kind": "file", "path": f"{root}/whatever", "mode": "0600", **ME},
        {"kind": "keyring", "path": f"{root}/key.gpg", "fingerprint": FINGERPRINT, **ME},
        {"kind": "link", "path": f"{root}/link", "target": "folder"},
        {"kind": "absent", "path": f"{root}/absent"},
        {"kind": "copies", "source": f"{root}/brought/*", "folder": f"{root}", "mode": "0644"} | ME,
        {"kind": "json", "path": f"{root}/settings.json", "values": {"one": 1, "two": [2]}},
        {"kind": "python_env", "path": f"{root}/env", "python": version(), "packages": packages},
        {"kind": "conda_package", "path": f"{root}/env", "name": "conda", "min_version": "26.3"},
    ]


def version() -> str:
    return "{}.{}".format(*sys.version_info)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment with pip, a distribution `demo`, and conda's record of itself."""
    path = tmp_path_factory.mktemp("made") / "env"
    subprocess.run([sys.executable, "-m", "venv", str(path)], check=True)
    site = path / "lib" / f"python{version()}" / "site-packages"
    records = site / "demo-1.0.dist-info"
    records.mkdir()
    (records / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    (site / "demo.py").write_text("answer = 42\n")
    files = [
        "demo.py,sha256=none,12",
        "demo-1.0.dist-info/METADATA,,",
        "demo-1.0.dist-info/RECORD,,",
    ]
    (records / "RECORD").write_text("".join(f"{line}\n" for line in files))
    (path / "conda-meta").mkdir()
    record = path / "conda-meta" / "conda-26.3.2-py311_0.json"
    record.write_text(json.dumps({"name": "conda", "version": "26.3.2"}))
    return path


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that every user may look into, as those of a host: what belongs to another is read with their rights."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def root(top: Path, environment: Path) -> str:
    """Make all the resources in order."""
    shutil.copytree(environment, top / "env", symlinks=True)
    (top / "folder").mkdir(mode=0o755)
    (top / "folder" / "file").write_text("text\n")
    (top / "whatever").touch(mode=0o600)
    (top / "key.gpg").write_bytes(KEY)
    (top / "brought").mkdir()
    for name in ("brought/copy.gpg", "copy.gpg"):
        (top / name).write_bytes(KEY)
    (top / "link").symlink_to("folder")
    (top / "settings.json").write_text('{"one": 1, "two": [2], "three": 3}')
    return str(top)


def look(root: str) -> Facts:
    """Return the facts of the resources, read by the module that runs on hosts."""
    owned = resources(root)
    patterns = [f"{root}/brought/*", f"{root}/copy.gpg"]
    patterns += [resource["path"] for resource in owned if "path" in resource]
    found = {
        "paths": {
            path: state
            for pattern in patterns
            for path, state in collect.watched_paths(pattern, {}).items()
        },
        "json": collect.json_state(f"{root}/settings.json", ["one", "two"]),
        "environments": {
            path: collect.environment_state(path, ["demo", "pip"])
            for path in (f"{root}/env",)
            if Path(path).is_dir()
        },
    }
    return cast(Facts, found)


def causes() -> Iterator[Any]:
    """Yield each break as a test's parameter; only root can give something to another owner."""
    facts: dict[str, Any] = {"paths": {"/brought/copy.gpg": {}}}
    host = Host("here", {"role": resources("")}, cast(Facts, facts))
    for at, mutation in enumerate(mutations(host)):
        if os.geteuid() == 0 or mutation.cause.name not in ("other owner", "other group"):
            yield pytest.param(at, id=f"{mutation.kind} {mutation.cause.name}")


@pytest.mark.parametrize("at", list(causes()))
def test_a_break_is_named_and_nothing_else(root: str, at: int) -> None:
    assert contract.differences(resources(root), look(root)) == []
    host = Host("here", {"role": resources(root)}, look(root))
    mutation = list(mutations(host))[at]
    run(mutation.cause.commands)
    found = contract.differences(resources(root), look(root))
    assert {("role", difference.kind, difference.id) for difference in found} == mutation.expected


def test_what_lies_beside_is_not_named_and_can_be_taken_away(root: str) -> None:
    beside = [one for resource in resources(root) for one in NEIGHBOURS[resource["kind"]](resource)]
    for one in beside:
        run(one.make)
    assert contract.differences(resources(root), look(root)) == []
    run([one.there for one in beside])
    for one in beside:
        run(one.undo)
    gone = [one for one in beside if one.undo]
    assert len(gone) >= len(resources(root))
    for one in gone:
        assert subprocess.run(one.there, check=False, capture_output=True).returncode != 0


def run(commands: Iterable[Command]) -> None:
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
