"""Standard output and standard error that outlive their reader, so that no run ends because nobody reads it any more.

A terminal that was closed answers a write with EIO, a pipe whose reader has ended with EPIPE (tty_ioctl(4), pipe(7)).
Both pass unseen. What else a stream refuses, a full disk below it for one, does not stop the run either; but a result
that could not be written is an error at its end. A stream that has failed once is given up.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from pathlib import Path
from typing import TextIO

_NO_READER = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO})


class _Lasting(io.TextIOWrapper):
    """A text stream on a descriptor, of which no write fails.

    A signal's exception between two writes must not print the last one again. So what counts the bytes that are out is
    the interpreter's own code, which nothing interrupts, and errors are taken up here, above it.

    Attributes:
        trouble: the first error that was not that the reader is gone.
    """

    trouble: OSError | None = None

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Note an error; from now on nothing is written, nor what was not written yet."""
        is_file = self.seekable()  # else a terminal, a pipe or a socket
        if is_file or error.errno not in _NO_READER:
            self.trouble = self.trouble or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        super().flush()


class Lasting:
    """Standard output and standard error as they are while a command runs; a context manager."""

    def __enter__(self) -> Lasting:
        self._before = (sys.stdout, sys.stderr)
        self._output = sys.stdout = _open(sys.stdout)
        sys.stderr = _open(sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = self._before

    @property
    def trouble(self) -> str:
        """Return why what was printed on standard output could not be written; empty where it could."""
        sys.stdout.flush()
        error = self._output.trouble if isinstance(self._output, _Lasting) else None
        return str(error.strerror) if error else ""


def _open(stream: TextIO | None) -> TextIO:
    """Return a stream that outlives its reader; a test's stream, which has no descriptor, as it is."""
    if stream is None:  # it was closed before dlconf began
        return Path(os.devnull).open("w", encoding="utf-8")
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    with contextlib.suppress(OSError):
        stream.flush()
    return _Lasting(
        io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )
