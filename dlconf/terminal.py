"""Standard output and standard error that outlive their reader, so that no run ends because nobody reads it any more.

A terminal that was closed answers a write with EIO, a pipe whose reader has ended with EPIPE (tty_ioctl(4), pipe(7)).
Both pass unseen. What else a stream refuses, a full disk below it for one, does not stop the run either; but a result
that could not be written is an error at its end.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from pathlib import Path
from typing import Any, TextIO

_NO_READER = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO})


class _Lasting(io.FileIO):
    """A stream's descriptor, of which no write fails.

    Attributes:
        trouble: the first error that was not that the reader is gone.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.trouble: OSError | None = None
        self._is_file = self.seekable()  # else a terminal, a pipe or a socket

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if self._is_file or error.errno not in _NO_READER:
                self.trouble = self.trouble or error
            return memoryview(data).nbytes


class Lasting:
    """Standard output and standard error as they are while a command runs; a context manager."""

    def __enter__(self) -> Lasting:
        self._before = (sys.stdout, sys.stderr)
        sys.stdout, self._output = _open(sys.stdout)
        sys.stderr, _ = _open(sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = self._before

    @property
    def trouble(self) -> str:
        """Return why what was printed on standard output could not be written; empty where it could."""
        sys.stdout.flush()
        error = self._output.trouble if self._output else None
        return str(error.strerror) if error else ""


def _open(stream: TextIO | None) -> tuple[TextIO, _Lasting | None]:
    """Return a stream that outlives its reader; a test's stream, which has no descriptor, as it is."""
    if stream is None:  # it was closed before dlconf began
        return Path(os.devnull).open("w", encoding="utf-8"), None
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream, None
    with contextlib.suppress(OSError):
        stream.flush()
    raw = _Lasting(descriptor)
    text = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )
    return text, raw
