"""A process's folder in the temporary directory, which the next process clears where the first was killed.

A lock on a file in it says that its process lives: the kernel drops it with the process, however that ends (flock(2)).
This module travels to workers, so it needs nothing of dlconf.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK = ".dlconf-lock"
_NAME = re.compile(r"(dlconf-|dlconf-worker-)[a-z0-9_]{8}")


@contextlib.contextmanager
def made(prefix: str = "dlconf-") -> Iterator[Path]:
    """Make a folder that only this user can read, remove it at the end, and first what others left.

    Args:
        prefix: one of those that `_NAME` knows.

    Raises:
        OSError: it cannot be made.
    """
    clear()
    folder, lock = _make(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def clear() -> None:
    """Remove the folders of this user whose process was killed; others, and what is no such folder, stay."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _clear(entry)


def _clear(entry: os.DirEntry[str]) -> None:
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        return
    lock = os.open(Path(entry) / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(entry, ignore_errors=True)
    finally:
        os.close(lock)


def _make(prefix: str) -> tuple[Path, int]:
    """Return a new folder and its lock; another process may clear it before it is locked, so it is looked at again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # who clears has it
            is_ours = False
        except OSError:  # a file system without locks, where nobody clears
            is_ours = True
        else:
            is_ours = os.fstat(lock).st_nlink > 0
        if is_ours:
            return folder, lock
        os.close(lock)
