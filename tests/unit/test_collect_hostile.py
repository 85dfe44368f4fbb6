"""What others than root can put where the module looks takes nothing from the other facts, and is named."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlconf.plugins.modules import dlconf_collect as collect
from tests.unit.hungmount import can_mount, hung_mount

NOBODY = 65534
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="makes devices and other users' files")
FUSE = pytest.mark.skipif(not can_mount(), reason="mounts FUSE")
QUICK_S = 5.0


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of nobody's, on a way that everyone may go (pytest's own is root's alone)."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name) / "home"
        folder.mkdir()
        folder.parent.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder


def watch(**kinds: list[str]) -> dict[str, list[str]]:
    return {kind: [] for kind in collect.WATCH_KINDS} | kinds


def look(limit_s: float = 20, data_path: str = "/", record: str = "/none", **kinds: Any) -> Any:
    """Collect, hold the result to what a host always tells, and say how long it took."""
    begun_s = time.monotonic()
    facts = collect.collect(watch(packages=["dpkg"], **kinds), data_path, record, limit_s)
    assert set(facts["dpkg"]["packages"]) == {"dpkg"}
    assert facts["os"]["id"]
    json.dumps(facts).encode()
    return facts, time.monotonic() - begun_s


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


PLANTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "it is a FIFO, not a file"),
    "device": (
        lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5)),
        "it is a device, not a file",
    ),
    "link to /dev/zero": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
    "link to itself": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "socket": (bind, "it is a socket, not a file"),
    "directory": (Path.mkdir, "it is a directory, not a file"),
    "a terabyte": (huge, "it holds more than 1048576 bytes"),
}


@ROOT_ONLY
@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_no_file_is_named_in_every_watched_place(home: Path, plant: str) -> None:
    make, why = PLANTS[plant]
    path = home / "thing"
    environment = home / "env"
    site = environment / "lib" / "python3.11" / "site-packages" / "torch-1.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").touch()
    for place in (path, environment / "pyvenv.cfg", site / "RECORD"):
        make(place)
    facts, took_s = look(
        record=str(path),
        data_path=str(path),
        paths=[f"{home}/*"],
        secrets=[f"{home}/t*"],
        json=[f"{path}:key"],
        lines=[str(path)],
        environments=[str(environment)],
        distributions=["torch"],
    )
    assert took_s < QUICK_S
    assert facts["unread"][str(path)] == why
    assert not facts["json"]
    assert not facts["lines"]
    assert facts["record"] is None
    assert facts["environments"][str(environment)]["packages"] == {"torch": "1"}
    kind = "special" if plant in ("fifo", "device", "socket") else ("link", "directory", "file")
    assert facts["paths"][str(path)]["type"] in kind
    assert "sha256" not in facts["paths"][str(path)]


@ROOT_ONLY
def test_a_fifo_as_authorized_keys_is_named_as_it_is_watched(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = SimpleNamespace(pw_uid=NOBODY, pw_dir=str(home))
    monkeypatch.setattr("pwd.getpwnam", lambda name: entry)
    os.mkfifo(home / "keys")
    facts, took_s = look(lines=["~ada/keys", "~ada/none"])
    assert took_s < QUICK_S
    assert facts["unread"] == {"~ada/keys": "it is a FIFO, not a file"}
    (home / "keys").unlink()
    (home / "keys").write_text("key\n")
    facts, _took_s = look(lines=["~ada/keys"])
    assert len(facts["lines"]["~ada/keys"]) == 1


@ROOT_ONLY
@pytest.mark.parametrize("below", ["folder", "folder of a link"])
def test_a_link_leads_root_nowhere_that_its_owner_may_not_go(home: Path, below: str) -> None:
    """A home's owner puts a link where the module looks; what only root may read stays unread."""
    secret = home.parent / "root.json"
    secret.write_text('{"key": "secret"}')
    secret.chmod(0o600)
    (home / "thing").symlink_to(secret)
    seen = home
    if below != "folder":
        seen = home.parent / "link"
        seen.symlink_to(home)
    path = seen / "thing"
    facts, _took_s = look(json=[f"{path}:key"], lines=[str(path)], record=str(path))
    assert facts["unread"] == {str(path): "Permission denied"}
    assert not facts["json"]
    assert not facts["lines"]
    assert facts["record"] is None
    assert (os.geteuid(), os.getegid()) == (0, 0)


@FUSE
@pytest.mark.parametrize("kind", ["data_path", "paths", "environments", "json", "lines", "record"])
def test_a_mount_that_never_answers_holds_nothing(
    home: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "PLACE_LIMIT_S", 1.5)
    mount = home / "mount"
    mount.mkdir()
    given: dict[str, Any] = {
        "data_path": str(mount / "data"),
        "record": str(mount / "stack.json"),
        "paths": [f"{mount}/*"],
        "environments": [f"{mount}/env"],
        "json": [f"{mount}/daemon.json:key"],
        "lines": [f"{mount}/keys"],
    }
    name = given[kind] if isinstance(given[kind], str) else given[kind][0]
    with hung_mount(mount):
        facts, took_s = look(**{kind: given[kind]})
    assert took_s < QUICK_S
    assert facts["unread"] == {name.removesuffix(":key"): "it did not answer within 1.5 s"}


@FUSE
def test_an_nvidia_smi_that_nothing_can_kill_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sleeps in the kernel as it does on a card that fell off the bus."""
    (home / "mount").mkdir()
    monkeypatch.setattr(collect, "temperatures", lambda: collect.nvidia_smi(["-q"]))
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    (home / "nvidia-smi").write_text(f"#!/bin/sh\nexec cat {home}/mount/x\n")
    (home / "nvidia-smi").chmod(0o755)
    with hung_mount(home / "mount"):
        facts, took_s = look(limit_s=4)
        assert "nvidia-smi" in facts["unread"]
        assert facts["temperatures"] == []
    assert took_s < QUICK_S
    assert "did not answer within 4 s" in facts["unread"]["nvidia-smi"]


def test_names_that_are_no_utf_8_are_cleaned(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"keys-\xff")).write_text("x")
    facts, _took_s = look(paths=[f"{tmp_path}/*"])
    assert set(facts["paths"]) == {f"{tmp_path}/keys-?"}


def test_json_that_no_reader_can_hold_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text('{"a":' * 100_000)
    facts, _took_s = look(json=[f"{tmp_path}/daemon.json:a"], record=f"{tmp_path}/daemon.json")
    assert facts["json"] == {f"{tmp_path}/daemon.json": None}
    assert facts["record"] is None


def test_a_folder_of_too_many_names_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_PATHS", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    facts, _took_s = look(paths=[f"{tmp_path}/*", f"{tmp_path}/1"])
    assert facts["unread"] == {f"{tmp_path}/*": "more than 3 paths match"}
    assert set(facts["paths"]) == {f"{tmp_path}/1"}


def test_a_host_whose_dpkg_does_not_answer_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect, "dpkg_state", lambda patterns: time.sleep(60))
    with pytest.raises(Exception, match="dpkg: it did not answer within 2 s"):
        collect.collect(watch(), "/", "/none", 2)
