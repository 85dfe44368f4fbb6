"""A folder that a killed process left is cleared by the next, and no other folder is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from dlconf import workfolder

HOLD = """
import sys
from dlconf import workfolder
with workfolder.made(sys.argv[1]) as folder:
    (folder / "extravars.yml").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("prefix", ["dlconf-", "dlconf-worker-"])
def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(
    temporary: Path, prefix: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with workfolder.made() as own:
            assert (left / "extravars.yml").exists()
            workfolder.clear()
            assert own.exists()
        process.kill()
        process.wait()
    assert (left / "extravars.yml").exists()
    with workfolder.made() as own:
        assert list(temporary.iterdir()) == [own]
        assert own.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []


def test_no_folder_that_is_not_such_a_one_is_cleared(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    names = ("dlconf-12345678", "dlconf-abcdefgh", "dlconf-mine", "dlconf-traceback-abcdefgh")
    for folder in (elsewhere, *(temporary / name for name in names)):
        folder.mkdir(mode=0o700)
        (folder / workfolder.LOCK).touch()
    (temporary / "dlconf-12345678").chmod(0o755)  # others may have had a hand in it
    (temporary / "dlconf-abcdefgh" / workfolder.LOCK).unlink()  # it is just beginning, or no run's
    (temporary / "dlconf-ijklmnop").symlink_to(elsewhere)
    (temporary / "dlconf-qrstuvwx").mkdir(mode=0o700)
    (temporary / "dlconf-qrstuvwx" / workfolder.LOCK).symlink_to(elsewhere / workfolder.LOCK)
    before = sorted(temporary.rglob("*"))
    workfolder.clear()
    assert sorted(temporary.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_not_cleared(temporary: Path) -> None:
    folder = temporary / "dlconf-12345678"
    folder.mkdir(mode=0o700)
    (folder / workfolder.LOCK).touch()
    os.chown(folder, 65534, 65534)
    workfolder.clear()
    assert folder.exists()


def test_one_that_is_just_beginning_is_not_taken_away() -> None:
    """Make folders while others clear without a pause: each that is handed out stays."""
    over = threading.Event()

    def clear() -> None:
        while not over.is_set():
            workfolder.clear()

    threads = [threading.Thread(target=clear) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            with workfolder.made() as folder:
                assert (folder / workfolder.LOCK).exists()
    finally:
        over.set()
        for thread in threads:
            thread.join()
