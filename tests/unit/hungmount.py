"""A FUSE mount that takes requests and never answers them: who asks sleeps so that no signal ends it."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MNT_DETACH = 2
INIT = 26  # linux/fuse.h: struct fuse_in_header, fuse_out_header, fuse_init_out
_LIBC = ctypes.CDLL(None, use_errno=True)


def can_mount() -> bool:
    """Say whether this machine lets us mount FUSE."""
    return os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)


@contextmanager
def hung_mount(folder: Path) -> Iterator[Path]:
    """Mount on a folder; at the end whoever waits gets an error, and nothing stays."""
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if _LIBC.mount(b"dlconf-test", bytes(folder), b"fuse", 0, options.encode()):
        os.close(device)
        raise OSError(ctypes.get_errno(), "mount")
    threading.Thread(target=_swallow, args=(device,), daemon=True).start()
    try:
        yield folder
    finally:
        connection = Path(f"/sys/fs/fuse/connections/{_minor(folder)}/abort")
        _LIBC.umount2(bytes(folder), MNT_DETACH)
        if connection.exists():
            connection.write_text("1")
        os.close(device)


def _minor(folder: Path) -> int:
    """Return the device number of a mount without asking the mount itself."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(folder):
            return int(fields[2].partition(":")[2])
    raise LookupError(folder)


def _swallow(device: int) -> None:
    """Take requests as a server would; only the first, by which kernel and server agree, is answered."""
    while True:
        try:
            request = os.read(device, 1 << 18)
        except OSError:  # unmounted
            return
        if not request:
            return
        _length, kind, unique = struct.unpack_from("=IIQ", request)
        if kind == INIT:
            body = struct.pack("=IIII", 7, 31, 1 << 17, 0).ljust(64, b"\0")
            os.write(device, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
