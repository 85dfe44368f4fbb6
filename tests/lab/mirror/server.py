"""Serves the vendors' sites by http and https, with byte ranges, faults on demand and a log.

Runs inside the mirror's container with nothing but Python's standard library:

    server.py SITES TLS CONTROL

SITES/<host>/... are the files; TLS holds site.crt and site.key; CONTROL/faults.json is read again
whenever it changes, and each request is a line of JSON in CONTROL/requests.jsonl.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import sys
import threading
import time
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CHUNK = 64 * 1024
TYPES = {".html": "text/html", ".json": "application/json", ".asc": "text/plain"}


class Faults:
    """The faults that tests have asked for; each is one JSON object.

    Keys: `id`, `host`, `path` (a pattern for the whole path), `kind` and, by kind, `bytes`,
    `bytes_per_s`, `status`, `login` (`USER:PASSWORD`), `replacement` (a path below SITES);
    `times` limits how often it works.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._rows: list[dict[str, Any]] = []
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()

    def match(self, host: str, path: str) -> dict[str, Any] | None:
        """Return the fault for a request and count it, or None."""
        with self._lock:
            self._refresh()
            for row in self._rows:
                if row["host"] == host and re.fullmatch(row["path"], path):
                    used = self._used.get(row["id"], 0)
                    if "times" in row and used >= row["times"]:
                        continue
                    self._used[row["id"]] = used + 1
                    return row
        return None

    def _refresh(self) -> None:
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._read_at:
                self._rows = json.loads(self._path.read_text(encoding="utf-8"))
                self._read_at = changed_at
        except FileNotFoundError:
            self._rows = []


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD from the folder of the host that the request names."""

    protocol_version = "HTTP/1.1"
    server: Mirror

    def do_GET(self) -> None:
        """Answer with the file, or the part of it that was asked for."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers alone."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        """Keep quiet: the log is written by `_log`."""

    def _answer(self, *, with_body: bool) -> None:
        host = (self.headers.get("Host") or "").split(":")[0].lower()
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(parts.path)
        fault = self.server.faults.match(host, path)
        if fault and fault["kind"] == "status":
            self._refuse(host, path, int(fault["status"]))
            return
        if fault and fault["kind"] == "login" and not self._logged_in(fault["login"]):
            self._refuse(host, path, HTTPStatus.UNAUTHORIZED)
            return
        if path == "/pks/lookup":
            search = urllib.parse.parse_qs(parts.query).get("search", [""])[0]
            path = f"/pks/{search.upper().replace('0X', '0x', 1)}.asc"
        file = self._file(host, path)
        if fault and fault["kind"] == "replace":
            file = self.server.sites / fault["replacement"]
        if file is None or not file.is_file():
            self._refuse(host, path, HTTPStatus.NOT_FOUND)
            return
        self._send(host, path, file, fault or {"kind": ""}, with_body=with_body)

    def _logged_in(self, login: str) -> bool:
        """Say whether the request has this login (RFC 7617)."""
        expected = "Basic " + base64.b64encode(login.encode()).decode()
        return self.headers.get("Authorization") == expected

    def _file(self, host: str, path: str) -> Path | None:
        """Return the file for a path, never one outside the host's folder."""
        base = (self.server.sites / host).resolve()
        if not host or base.parent != self.server.sites or not base.is_dir():
            return None
        file = (base / path.lstrip("/")).resolve()
        if file.is_dir():
            file = file / "index.html"
        return file if file.is_relative_to(base) else None

    def _refuse(self, host: str, path: str, status: int) -> None:
        body = f"{status}: the vendor mirror of the dlconf lab has no {host}{path}\n".encode()
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="the dlconf lab"')
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self._log(host, path, status, 0)

    def _send(
        self, host: str, path: str, file: Path, fault: dict[str, Any], *, with_body: bool
    ) -> None:
        size = file.stat().st_size
        changed = self.date_time_string(file.stat().st_mtime)
        first, last = self._range(size, changed)
        if first > last and size:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            self._log(host, path, 416, 0)
            return
        partial = (first, last) != (0, size - 1)
        status = HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK
        self.send_response(status)
        self.send_header("Content-Type", TYPES.get(file.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", changed)
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        sent = self._send_body(file, first, last, fault) if with_body else 0
        self._log(host, path, int(status), sent)

    def _range(self, size: int, changed: str) -> tuple[int, int]:
        """Return the first and last byte asked for; only a single range is understood.

        With `If-Range` the rest of a file is sent only if the file is still the one that the
        client began with (RFC 9110, 13.1.5); apt relies on it.
        """
        if self.headers.get("If-Range", changed) != changed:
            return 0, size - 1
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "").strip())
        if not match or match.groups() == ("", ""):
            return 0, size - 1
        if not match[1]:
            return max(0, size - int(match[2])), size - 1
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        return int(match[1]), last

    def _send_body(self, file: Path, first: int, last: int, fault: dict[str, Any]) -> int:
        """Send the bytes as the fault has them: all, wrong ones, slowly, or only a few."""
        kind, left = fault["kind"], last - first + 1
        if kind == "abort":
            left = min(left, int(fault["bytes"]))
        sent = 0
        chunk_size = min(CHUNK, int(fault["bytes_per_s"])) if kind == "throttle" else CHUNK
        with file.open("rb") as stream:
            stream.seek(first)
            while left > 0 and (chunk := stream.read(min(chunk_size, left))):
                if kind == "corrupt":
                    chunk = bytes(byte ^ 0xFF for byte in chunk)
                self.wfile.write(chunk)
                sent += len(chunk)
                left -= len(chunk)
                if kind == "throttle":
                    time.sleep(len(chunk) / float(fault["bytes_per_s"]))
        if kind == "abort":
            self.close_connection = True
            self.connection.close()
        return sent

    def _log(self, host: str, path: str, status: int, sent: int) -> None:
        line = {
            "client": self.client_address[0],
            "method": self.command,
            "url": f"{host}{path}",
            "range": self.headers.get("Range"),
            "status": status,
            "bytes": sent,
        }
        self.server.log(line)


class Mirror(ThreadingHTTPServer):
    """One port of the mirror."""

    daemon_threads = True

    def __init__(self, port: int, sites: Path, control: Path, faults: Faults) -> None:
        super().__init__(("0.0.0.0", port), Handler)  # noqa: S104 (the container's own network)
        self.sites = sites.resolve()
        self.faults = faults
        self._requests = control / "requests.jsonl"

    def log(self, line: dict[str, Any]) -> None:
        """Append one request to the log."""
        with self._requests.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


def main(sites: str, tls: str, control: str) -> None:
    """Serve on ports 80 and 443 for ever."""
    faults = Faults(Path(control) / "faults.json")
    plain = Mirror(80, Path(sites), Path(control), faults)
    secure = Mirror(443, Path(sites), Path(control), faults)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{tls}/site.crt", f"{tls}/site.key")
    # The handshake happens in the request's thread: a client that stalls it holds up no other.
    secure.socket = context.wrap_socket(
        secure.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    secure.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:4])
