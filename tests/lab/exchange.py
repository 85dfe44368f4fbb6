"""A user without rights who exchanges what lies below their folders; runs on a lab machine, as that user.

Arguments: `--restless`, pairs `FOLDER:NAME:TARGET`. In FOLDER the entry NAME changes places with a link to TARGET, in
bursts of as many exchanges as the kernel makes and with rests between them in either state, since a role's steps are a
second apart. What is missing is made anew: a file or, where NAME ends in "/", a folder. Ends with the first line on
standard input, or with its end, and prints how often it exchanged.
"""

from __future__ import annotations

import ctypes
import os
import random
import sys
import threading
import time

RENAME_EXCHANGE = 2  # linux/fs.h
BURST = 2000
REST_S = 1.5
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(folder: int, one: str, other: str) -> bool:
    """Let two entries of a folder change places in one step (renameat2(2))."""
    done: int = LIBC.renameat2(folder, one.encode(), folder, other.encode(), RENAME_EXCHANGE)
    return done == 0


def complete(folder: int, name: str, other: str, target: str) -> None:
    """Make what the role or an earlier step took away: a link and what is none."""
    links = [entry for entry in (name, other) if is_link(folder, entry)]
    plain = name.rstrip("/")
    for entry in (plain, other):
        if exists(folder, entry):
            continue
        if not links:
            os.symlink(target, entry, dir_fd=folder)
            links.append(entry)
        elif name.endswith("/"):
            os.mkdir(entry, 0o700, dir_fd=folder)
        else:
            os.close(os.open(entry, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=folder))
    if not links:  # the role put something else in place of the link
        os.unlink(other, dir_fd=folder)
        os.symlink(target, other, dir_fd=folder)


def exists(folder: int, entry: str) -> bool:
    try:
        os.lstat(entry, dir_fd=folder)
    except OSError:
        return False
    return True


def is_link(folder: int, entry: str) -> bool:
    try:
        os.readlink(entry.rstrip("/"), dir_fd=folder)
    except OSError:
        return False
    return True


class Exchanger(threading.Thread):
    """Exchanges one pair until it is told to end."""

    def __init__(self, pair: str, rest_s: float, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.rest_s = rest_s
        self.place, self.name, self.target = pair.split(":")
        self.end, self.count = end, 0

    def run(self) -> None:
        folder, other = -1, f".exchanged-{self.name.rstrip('/')}"
        while not self.end.is_set():
            try:
                if folder < 0:
                    folder = os.open(self.place, os.O_DIRECTORY)
                complete(folder, self.name, other, self.target)
                burst = random.choice((1, BURST, BURST + 1))  # noqa: S311 - no secret
                for _ in range(burst):
                    self.count += exchange(folder, self.name.rstrip("/"), other)
            except OSError:
                pass  # the role works there just now, or the folder is still to come
            time.sleep(random.uniform(0, self.rest_s))  # noqa: S311


def main() -> None:
    end, pairs = threading.Event(), sys.argv[1:]
    rest_s = 0.0 if pairs[0] == "--restless" else REST_S
    threads = [Exchanger(pair, rest_s, end) for pair in pairs if ":" in pair]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    end.set()
    for thread in threads:
        thread.join()
    print(sum(thread.count for thread in threads))


if __name__ == "__main__":
    main()
