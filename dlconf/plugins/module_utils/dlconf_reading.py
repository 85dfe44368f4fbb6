"""Read where others than root can change what lies there: regular files only, of a size, with the rights of its keeper.

It runs on the hosts with Python's standard library only (3.8 to 3.14).
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import resource
import stat
import subprocess
from typing import IO, Iterator, List, Optional

NOBODY = 65534  # user and group of this number have no rights of their own on Debian and Ubuntu
MOST_BYTES = 8 << 20  # of what a program prints
FILE_LIMIT_BYTES = 1 << 20  # no watched file is near this
MOST_LINKS = 40  # as the kernel has it
_MISSING = (errno.ENOENT, errno.ENOTDIR)
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


class Unread(Exception):
    """Something is there and cannot be read; the text says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.strerror = why


def reason(error: Exception) -> str:
    """Return why something could not be read."""
    told = getattr(error, "strerror", None)
    return told or "{}: {}".format(type(error).__name__, error)


def open_file(path: str) -> IO[bytes]:
    """Open a regular file to read it; nothing else is opened, not even for a moment, whatever the path turns into.

    Raises:
        Unread: it is no regular file, or may not be read.
        FileNotFoundError: there is nothing.
    """
    try:
        # O_PATH names what lies there without opening it: no FIFO waits for a writer, no device begins to act.
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            mode = os.fstat(place).st_mode
            if not stat.S_ISREG(mode):
                raise Unread("it is {}, not a file".format(_KINDS.get(stat.S_IFMT(mode), "other")))
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            return os.fdopen(os.open("/proc/self/fd/{}".format(place), flags), "rb")
        finally:
            os.close(place)
    except OSError as error:
        if error.errno in _MISSING:
            raise FileNotFoundError(path) from None
        raise Unread(reason(error)) from None


def read_bytes(path: str, limit: int = FILE_LIMIT_BYTES) -> bytes:
    """Return what a regular file holds.

    Raises: as `open_file`; Unread too where it holds more than `limit` bytes.
    """
    try:
        with open_file(path) as stream:
            is_large = os.fstat(stream.fileno()).st_size > limit
            data = b"" if is_large else stream.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unread(reason(error)) from None
    if is_large or len(data) > limit:
        raise Unread("it holds more than {} bytes".format(limit))
    return data


def read_watched(path: str, limit: int = FILE_LIMIT_BYTES) -> Optional[str]:
    """Return a file's text stripped of white space, None where there is no file.

    Raises:
        Unread: it is there and cannot be read.
    """
    try:
        return read_bytes(path, limit).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None


def read_text(path: str, limit: int = FILE_LIMIT_BYTES) -> Optional[str]:
    """Return a file's text stripped of white space, or None where it cannot be read: for files of the system."""
    try:
        return read_watched(path, limit)
    except Unread:
        return None


def keeper(path: str) -> int:
    """Return the user who decides what a path leads to: root, or the first other owner of a folder or link on it."""
    at, links = "/", 0
    todo = [part for part in reversed(path.split("/")) if part]
    while todo:
        part = todo.pop()
        at = os.path.dirname(at) if part == ".." else os.path.join(at, part)
        try:
            status = os.lstat(at)
            is_link = stat.S_ISLNK(status.st_mode)
            if status.st_uid and (is_link or stat.S_ISDIR(status.st_mode)):
                return status.st_uid
            if is_link and links < MOST_LINKS:
                links += 1
                target = os.readlink(at)
                todo += [word for word in reversed(target.split("/")) if word]
                at = "/" if target.startswith("/") else os.path.dirname(at)
        except OSError:
            break
    return 0


@contextlib.contextmanager
def as_user(uid: int) -> Iterator[None]:
    """Read with the rights of a user and no others; as the one who runs this where that is not root."""
    if os.geteuid() or not uid:
        yield
        return
    try:
        entry = pwd.getpwuid(uid)
        gid, groups = entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid)
    except KeyError:
        gid, groups = NOBODY, []
    before = os.getegid(), os.getgroups()
    try:
        os.setgroups(groups)
        os.setegid(gid)
        os.seteuid(uid)  # the user cannot signal it: the real and the saved one stay root's
        yield
    finally:
        os.seteuid(0)
        os.setegid(before[0])
        os.setgroups(before[1])


def output_of(
    argv: List[str],
    stdin: int = subprocess.DEVNULL,
    as_nobody: bool = False,
    even_failed: bool = False,
) -> Optional[str]:
    """Return what a program prints, or None where it fails. Its time is that of the question.

    Args:
        argv: the program and its arguments.
        stdin: a file descriptor.
        as_nobody: with the rights of nobody, where this runs as root.
        even_failed: what it printed counts all the same.

    Raises:
        Unread: it prints more than can be meant.
    """

    def prepare() -> None:
        limit_memory(resource.getrlimit(resource.RLIMIT_AS)[1])
        if as_nobody and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    try:
        process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, LC_ALL="C"),
            preexec_fn=prepare,  # noqa: PLW1509 - there are no threads
        )
    except (OSError, subprocess.SubprocessError):
        return None
    with process:
        output = process.stdout.read(MOST_BYTES + 1) if process.stdout else b""
        if len(output) > MOST_BYTES:
            process.kill()
            raise Unread("it printed more than {} bytes".format(MOST_BYTES))
    counts = process.returncode == 0 or even_failed
    return output.decode("utf-8", "replace") if counts else None


def limit_memory(size: int) -> None:
    """Let this process have no more than so many bytes of memory, as far as its limits allow."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY and (size == resource.RLIM_INFINITY or size > hard):
        size = hard
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))
