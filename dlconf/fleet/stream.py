"""What a worker sends, read with distrust: one that is taken over may fill its own run's log, to a bound, and no more.

The stream is that of ansible-runner's worker (`ansible_runner/streaming.py`, 2.4): a JSON object a line, which is a
status, an event, `{"zipfile": N}` with an archive of artifacts behind it, or `{"eof": true}`. Its own `process` would
unpack the archive, links and all; dlconf needs no artifacts, so here the stream ends where they begin.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from dlconf.errors import DlconfError

MOST_LINE_BYTES = 32 * 2**20
MOST_BYTES_A_HOST = 64 * 2**20
MOST_EVENTS_A_HOST = 20_000
"""Ten times what the first apply of every role sends; as many again for events that concern no host."""


class Lines(Protocol):
    """A stream of bytes that is read by lines."""

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line, or so many bytes of it."""


def line_of(stream: Lines) -> bytes:
    """Return the next line; nothing at the end.

    Raises:
        DlconfError: it is too long.
    """
    line = stream.readline(MOST_LINE_BYTES + 1)
    if len(line) > MOST_LINE_BYTES:
        raise DlconfError(f"it sent a line of more than {MOST_LINE_BYTES // 2**20} MiB")
    return line


def messages(
    stream: Lines, hosts: Sequence[str], local: Callable[[bytes], bytes]
) -> Iterator[dict[str, Any]]:
    """Return statuses and events until the artifacts, or the end.

    Args:
        stream: from the worker, behind its greeting.
        hosts: the worker's slice.
        local: called with each line; returns it with folders of the worker named as they are here.

    Raises:
        DlconfError: the worker sent what none sends: too much, no message, or a result of a host not in its slice.
    """
    left_bytes = MOST_BYTES_A_HOST * (len(hosts) + 1)
    events: Counter[str] = Counter()
    known = {*hosts, ""}
    while line := line_of(stream):
        left_bytes -= len(line)
        message = _message(local(line))
        if "zipfile" in message or "eof" in message:
            return
        host = _host(message)
        events[host] += 1
        if host not in known:
            raise DlconfError(f"it sent a result of {host!r}, which is not among its hosts")
        if left_bytes < 0 or events[host] > MOST_EVENTS_A_HOST:
            raise DlconfError(f"it sent more than a run can bring{f' of {host}' if host else ''}")
        if message.get("event") != "keepalive":
            yield message


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise DlconfError(f"it sent what is no message of ansible-runner: {line[:60]!r}")
    return message


def _host(message: dict[str, Any]) -> str:
    data = message.get("event_data") or {}
    if not isinstance(data, dict):
        raise DlconfError("it sent an event that is none of ansible-runner's")
    return str(data.get("host") or "")
