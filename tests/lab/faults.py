"""Things that go wrong on purpose: faults of the vendor mirror, and a full disk on a machine."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.lab.command import LabError, as_root, run
from tests.lab.lab import RunningLab
from tests.lab.mirror.sites import KEYSERVER, NVIDIA, NVIDIA_KEY_FILE, PPA

SUITE_PATH = "/graphics-drivers/ppa/ubuntu/dists/jammy"


class MirrorFaults:
    """The faults of a lab's mirror; the server sees a change at its next request.

    A URL's path is a regular expression for the whole path: `https://host/dir/.*` is all of a
    folder. `times` limits how many requests are hit; without it a fault stays until cleared.

    Args:
        state: the lab's folder.
    """

    def __init__(self, state: Path) -> None:
        self._control = state / "mirror"

    def corrupt(self, url: str, *, times: int | None = None) -> str:
        """Serve wrong bytes of the right length; return the fault's id."""
        return self._add(url, "corrupt", times)

    def abort(self, url: str, *, after_bytes: int, times: int | None = None) -> str:
        """Break the connection after so many bytes of a body; return the fault's id."""
        return self._add(url, "abort", times, bytes=after_bytes)

    def throttle(self, url: str, *, bytes_per_s: int, times: int | None = None) -> str:
        """Serve at this rate; return the fault's id."""
        return self._add(url, "throttle", times, bytes_per_s=bytes_per_s)

    def status(self, url: str, code: int, *, times: int | None = None) -> str:
        """Answer with an HTTP status; return the fault's id."""
        return self._add(url, "status", times, status=code)

    def login(self, url: str) -> str:
        """Answer only those who log in as the URL says, `https://USER:PASSWORD@HOST/PATH`; return the fault's id."""
        parts = urlsplit(url)
        login = f"{parts.username}:{parts.password}"
        return self._add(url.replace(f"{login}@", "", 1), "login", None, login=login)

    def replace(self, url: str, replacement: str, *, times: int | None = None) -> str:
        """Serve another file, named by its path below the mirror's `sites`; return the id."""
        return self._add(url, "replace", times, replacement=replacement)

    def wrong_key(self) -> list[str]:
        """Serve a stranger's key where the PPA's and NVIDIA's are fetched; return the ids."""
        urls = [
            f"https://{KEYSERVER}/pks/lookup",
            f"https://{NVIDIA}/compute/cuda/repos/.*/{NVIDIA_KEY_FILE}",
        ]
        return [self.replace(url, "faults/intruder.asc") for url in urls]

    def wrong_signature(self) -> list[str]:
        """Serve the PPA's index signed by a stranger; return the ids."""
        return [
            self.replace(f"https://{PPA}{SUITE_PATH}/{name}", f"faults/ppa-forged/{name}")
            for name in ("InRelease", "Release", "Release.gpg")
        ]

    def clear(self, fault: str | None = None) -> None:
        """Take back one fault, or all of them."""
        self._write([row for row in self.rows() if fault not in (None, row["id"])])

    def rows(self) -> list[dict[str, Any]]:
        """Return the faults as the server reads them."""
        path = self._control / "faults.json"
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
        return rows

    def requests(self) -> list[dict[str, Any]]:
        """Return the log of the mirror: client, method, url, range, status and bytes sent."""
        text = (self._control / "requests.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def _add(self, url: str, kind: str, times: int | None, **values: object) -> str:
        parts = urlsplit(url)
        if not parts.netloc or not parts.path:
            raise LabError(f"a fault needs a whole URL, not {url!r}")
        row = {"id": secrets.token_hex(4), "host": parts.netloc, "path": parts.path, "kind": kind}
        limit = {} if times is None else {"times": times}
        self._write([*self.rows(), {**row, **values, **limit}])
        return str(row["id"])

    def _write(self, rows: list[dict[str, Any]]) -> None:
        partial = self._control / "faults.json.partial"
        partial.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._control / "faults.json")


# `umount` reads /proc/self, which is there only for processes of the machine's own numbering.
DISKS = ["--mount", "--pid"]


def small_disk(lab: RunningLab, machine: str, path: str, size_mib: int) -> None:
    """Put an empty file system of `size_mib` MiB over a folder of a machine, to fill it up.

    What the folder held is hidden until `whole_disk`. It is mounted from outside, since a machine
    of the lab may not mount anything itself.
    """
    options = ["-t", "tmpfs", "-o", f"size={size_mib}m,mode=755", "tmpfs", path]
    _enter(lab, machine, DISKS, ["mount", *options])


def whole_disk(lab: RunningLab, machine: str, path: str) -> None:
    """Take the small file system away again."""
    _enter(lab, machine, DISKS, ["umount", "--lazy", path])


def no_way(lab: RunningLab, machine: str, address: str) -> None:
    """Let a machine find no way to an address, until it is started anew.

    Another network is not enough. The networks are apart by rules of netavark, whose 1.4 drops the jump to them for all
    when any network goes, as another lab's does when it ends.
    """
    _enter(lab, machine, ["--net"], ["ip", "route", "add", "unreachable", address])


def _enter(lab: RunningLab, machine: str, namespaces: list[str], argv: list[str]) -> None:
    process = lab.podman.process_id(lab.container(machine))
    run(as_root(["nsenter", *namespaces, "--target", str(process), *argv]))
