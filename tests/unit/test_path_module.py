"""The module dlconf_path: what it makes of a path, with whose rights, and what no link and no race makes it do."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlconf.plugins.modules import dlconf_path as module
from tests.conftest import BIN, ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give its rights up")

UID = 65534
ROOT_ACCOUNT = pwd.getpwuid(0)
EXCHANGE = ROOT / "tests/lab/exchange.py"


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that only root can change, which others may pass (those of pytest they may not)."""
    folder = Path(tempfile.mkdtemp(prefix="dlconf-path-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(top: Path) -> Path:
    return folder_of(UID, top / "home")


def folder_of(uid: int, path: Path, mode: int = 0o755) -> Path:
    path.mkdir()
    path.chmod(mode)
    os.chown(path, uid, uid)
    return path


def account(home: Path) -> pwd.struct_passwd:
    return pwd.struct_passwd(("nobody", "x", UID, UID, "", str(home), "/usr/sbin/nologin"))


def work(
    path: Path | str, owner: pwd.struct_passwd, *, check: bool = False, **given: Any
) -> dict[str, Any]:
    empty = {"state": "file", "content": None, "lines": None, "mode": None}
    return module.apart(empty | given | {"path": str(path)}, owner, check)


def told(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, stat.S_IMODE(found.st_mode)


def root_file(top: Path) -> Path:
    path = top / "of-root"
    path.write_text("of root\n")
    path.chmod(0o640)
    return path


def untouched(path: Path) -> bool:
    return told(path) == (0, 0o640) and path.read_text() == "of root\n"


def test_a_folder_is_made_by_whom_the_one_above_belongs_to(top: Path, home: Path) -> None:
    for path in (home / "a/b", top / "data/drive"):
        assert work(path, account(home), state="directory", mode="0750") == {"changed": True}
        assert told(path) == told(path.parent) == (UID, 0o750)
        assert work(path, account(home), state="directory", mode="0750") == {"changed": False}


def test_a_home_that_is_missing_is_made_where_only_root_can(top: Path) -> None:
    owner = account(top / "gone")
    assert work("~/.ssh", owner, state="directory", mode="0700") == {"changed": True}
    assert told(top / "gone") == told(top / "gone/.ssh") == (UID, 0o700)


def test_an_empty_folder_of_root_s_is_given_and_a_full_one_is_not(top: Path, home: Path) -> None:
    folder_of(0, top / "empty")
    assert work(top / "empty", account(home), state="directory") == {"changed": True}
    assert told(top / "empty")[0] == UID
    folder_of(0, top / "full")
    root_file(top / "full")
    result = work(top / "full", account(home), state="directory")
    assert f"{top}/full belongs to root, not to nobody" in result["msg"]
    assert told(top / "full")[0] == 0


def test_a_folder_where_the_user_may_not_write_is_named(top: Path, home: Path) -> None:
    folder_of(1, home / "other")
    result = work(home / "other/drive", account(home), state="directory")
    assert f"nobody cannot change {home}/other/drive" in result["msg"]
    assert "Permission denied" in result["msg"]
    assert "Next: " in result["msg"]
    assert not (home / "other/drive").exists()


def test_a_link_in_place_of_a_folder_gives_nothing_away(top: Path, home: Path) -> None:
    folder_of(0, top / "target")
    (home / "drive").symlink_to(top / "target")
    result = work(home / "drive", account(home), state="directory", mode="0700")
    assert "belongs to root" in result["msg"]
    assert told(top / "target") == (0, 0o755)


def test_content_comes_in_place_of_a_link_not_through_it(top: Path, home: Path) -> None:
    target = root_file(top)
    (home / "file").symlink_to(target)
    given: dict[str, Any] = {"content": "secret\n", "mode": "0600"}
    assert work(home / "file", account(home), **given) == {"changed": True, "exists": False}
    assert untouched(target)
    assert (home / "file").read_text() == "secret\n"
    assert told(home / "file") == (UID, 0o600)
    assert work(home / "file", account(home), **given) == {"changed": False, "exists": True}
    assert [path.name for path in home.iterdir()] == ["file"]


def test_without_content_a_file_is_told_and_keeps_its_mode(top: Path, home: Path) -> None:
    assert work(home / "file", account(home)) == {"changed": False, "exists": False}
    (home / "file").symlink_to(root_file(top))
    assert work(home / "file", account(home)) == {"changed": False, "exists": False}
    (home / "file").unlink()
    work(home / "file", account(home), content="x", mode="0600")
    (home / "file").chmod(0)
    assert work(home / "file", account(home), mode="0600") == {"changed": True, "exists": True}
    assert told(home / "file") == (UID, 0o600)


def test_lines_join_those_that_are_there(home: Path) -> None:
    path = home / "keys"
    path.write_bytes(b"mine \xff\nkey a")
    os.chown(path, UID, UID)
    result = work(path, account(home), lines=["key a", "key b "], mode="0600")
    assert (result["changed"], result["diff"]["after"]) == (True, "key b\n")
    assert path.read_bytes() == b"mine \xff\nkey a\nkey b\n"
    assert told(path) == (UID, 0o600)
    assert not work(path, account(home), lines=["key a", "key b"], mode="0600")["changed"]


def test_lines_go_into_no_link_no_pipe_and_no_file_of_another(top: Path, home: Path) -> None:
    target = root_file(top)
    (home / "link").symlink_to(target)
    os.mkfifo(home / "pipe")
    os.chown(home / "pipe", UID, UID)
    for name, word in (("link", "is a link"), ("pipe", "no file")):
        assert word in work(home / name, account(home), lines=["key"])["msg"]
    (home / "link").unlink()
    os.link(target, home / "link")
    assert "belongs to root" in work(home / "link", account(home), lines=["key"])["msg"]
    assert untouched(target)


def test_what_is_removed_is_the_link(top: Path, home: Path) -> None:
    target = root_file(top)
    (home / "link").symlink_to(target)
    assert work(home / "link", account(home), state="absent") == {"changed": True}
    assert work(home / "link", account(home), state="absent") == {"changed": False}
    assert untouched(target)
    assert work(target, account(home), state="absent")["msg"]
    assert untouched(target)


def test_check_mode_says_the_same_and_changes_nothing(top: Path, home: Path) -> None:
    owner, before = account(home), sorted(top.rglob("*"))
    for path, given in (
        (home / "a/b", {"state": "directory"}),
        (top / "data/drive", {"state": "directory"}),
        (home / "a/file", {"content": "x"}),
        (home / "a/keys", {"lines": ["key"]}),
    ):
        assert work(path, owner, check=True, **given)["changed"]
    assert sorted(top.rglob("*")) == before


def test_in_check_mode_a_folder_may_be_about_to_change_hands(top: Path, home: Path) -> None:
    folder_of(0, top / "other", 0o700)
    result = work(top / "other/file", account(home), check=True)
    assert result == {"changed": False, "exists": False}
    assert "Permission denied" in work(top / "other/file", account(home))["msg"]


@pytest.mark.parametrize(
    ("modes", "path", "part"),
    [
        ({}, "a/b", None),
        ({"a": (0, 0o755)}, "a/b", None),
        ({"a": (UID, 0o755)}, "a", None),
        ({"a": (UID, 0o755)}, "a/b", "a"),
        ({"a": (0, 0o777)}, "a/b/c", "a"),
        ({"a": (0, 0o1777)}, "a/b", "a/b"),
        ({"a": (0, 0o1777), "a/b": (0, 0o755)}, "a/b/c", None),
        ({"a": (0, 0o1777), "a/b": (UID, 0o755)}, "a/b/c", "a/b"),
        ({"a": (UID, 0o1777), "a/b": (0, 0o755)}, "a/b/c", "a"),
    ],
)
def test_what_somebody_other_than_root_can_replace(
    top: Path, modes: dict[str, tuple[int, int]], path: str, part: str | None
) -> None:
    for name, (uid, mode) in modes.items():
        folder_of(uid, top / name, mode)
    expected = part and str(top / part)
    assert module.exposed(str(top / path)) == expected
    (top / "link").symlink_to(path.split("/", maxsplit=1)[0])
    assert module.exposed(f"{top}/link/{path.partition('/')[2]}") == expected
    refusal = work(top / path, ROOT_ACCOUNT, state="protected")
    assert ("msg" in refusal) == (part is not None)


def test_group_writable_is_for_root_and_staff_alone(top: Path) -> None:
    folder = folder_of(0, top / "a", 0o775)
    for group, part in (("root", None), ("staff", None), ("users", str(folder))):
        shutil.chown(folder, group=group)
        assert module.exposed(f"{folder}/b") == part


def test_a_link_in_a_folder_of_everybody_is_nobody_s_word(top: Path) -> None:
    folder = folder_of(0, top / "a", 0o1777)
    (folder / "b").symlink_to(top)
    assert module.exposed(f"{folder}/b/c") == f"{folder}/b"


@pytest.mark.parametrize(
    ("options", "user_s"),
    [
        ("rw,user_id=1000,group_id=1000,allow_other", True),
        ("rw,user_id=0,group_id=0,allow_other", False),
        ("rw,errors=remount-ro", False),
        ("rw", False),
        (None, True),
    ],
)
def test_a_user_s_mount_says_of_owners_what_the_user_likes(
    monkeypatch: pytest.MonkeyPatch, top: Path, options: str | None, user_s: bool
) -> None:
    assert module.of_a_user(options) == user_s
    real = module.of_a_user
    monkeypatch.setattr(module, "of_a_user", lambda _found: real(options))
    assert module.exposed(f"{top}/b") == ("/tmp" if user_s else None)


def test_links_in_a_circle_end(top: Path) -> None:
    (top / "one").symlink_to("two")
    (top / "two").symlink_to("one")
    assert "symbolic links" in work(top / "one/x", ROOT_ACCOUNT, state="protected")["msg"]


def test_root_writes_nothing_where_another_can_put_a_link(top: Path, home: Path) -> None:
    (home / "link").symlink_to(root_file(top))
    for given in ({"content": "x"}, {"lines": ["x"]}, {"state": "absent"}, {"state": "directory"}):
        assert f"can change {home}" in work(home / "link/x", ROOT_ACCOUNT, **given)["msg"]
    assert work(top / "own", ROOT_ACCOUNT, content="x") == {"changed": True, "exists": False}


def test_who_stops_the_process_holds_nobody(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(module, "LIMIT_S", 0.2)
    monkeypatch.setattr(module.Task, "run", lambda _task: time.sleep(60))
    began = time.monotonic()
    assert "gave no answer" in work(home / "x", account(home))["msg"]
    assert time.monotonic() - began < 10


@pytest.fixture
def exchanging(top: Path, home: Path) -> Iterator[None]:
    """The user exchanges a folder and a file with links to root's, as fast as the kernel does it."""
    folder_of(0, top / "target", 0o711)
    root_file(top / "target")
    pairs = [f"{home}:drive/:{top}/target", f"{home}:keys:{top}/target/of-root"]
    program = shutil.copy(
        EXCHANGE, top
    )  # where the user can read it, and so by the system's Python
    command = ["/usr/bin/python3", program, "--restless", *pairs]
    process = subprocess.Popen(
        command, user=UID, group=UID, extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield
    finally:
        count = int(process.communicate(b"\n")[0])
    assert count > 1000


@pytest.mark.usefixtures("exchanging")
def test_no_race_leads_out_of_the_user_s_folder(top: Path, home: Path) -> None:
    answers = set()
    tasks: list[tuple[Path, dict[str, Any]]] = [
        (home / "drive", {"state": "directory", "mode": "0700"}),
        (home / "drive/of-root", {"content": "x", "mode": "0600"}),
        (home / "drive/of-root", {"lines": ["x"], "mode": "0600"}),
        (home / "drive/of-root", {"mode": "0600"}),
        (home / "drive/of-root", {"state": "absent"}),
        (home / "keys", {"lines": ["x"], "mode": "0600"}),
        (home / "keys", {"content": "y", "mode": "0600"}),
    ]
    for _ in range(15):
        for number, (path, given) in enumerate(tasks):
            answers.add((number, "msg" in work(path, account(home), **given)))
    assert len(answers) > len(tasks) + 2  # some went one way now and the other then
    assert told(top / "target") == (0, 0o711)
    assert untouched(top / "target/of-root")
    assert sorted(path.name for path in (top / "target").iterdir()) == ["of-root"]


def test_python_3_8_runs_it() -> None:
    done = subprocess.run(
        [BIN / "vermin", "--no-tips", "--violations", "--target=3.8-", module.__file__],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
