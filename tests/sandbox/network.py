"""A network with nothing in it but the mirror: apt fetches from the vendors' real addresses, and cannot leave."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.lab.command import LabError, as_root, run
from tests.lab.mirror import server
from tests.lab.mirror.signing import write_tls

START_LIMIT_S = 20.0


class MirrorNetwork:
    """A network namespace in which every host of the mirror is this machine's own server.

    Args:
        folder: for its settings and its log.
        sites: the files that it serves, a folder for each host.
    """

    def __init__(self, folder: Path, sites: Path) -> None:
        self._folder, self.sites = folder, sites
        # What a host's sources and keys were when it fetched the lists -> apt's complaint, and the lists.
        self.fetched: dict[str, tuple[str, Path]] = {}
        self.lists = folder / "lists"
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        hosts = sorted(path.name for path in sites.iterdir())
        write_tls(folder / "tls", hosts)
        self.hosts_text = "127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {host}\n" for host in hosts)
        script = 'ip link set lo up && echo up && exec "$@"'
        serve = [sys.executable, server.__file__, str(sites), str(folder / "tls"), str(folder)]
        self._process = subprocess.Popen(
            as_root(["unshare", "--net", "sh", "-ec", script, "sh", *serve]),
            stdout=subprocess.PIPE,
            stderr=(folder / "server.log").open("w", encoding="utf-8"),
        )
        self._wait()

    @property
    def authority(self) -> bytes:
        """The certificate that a client must trust, PEM."""
        return (self._folder / "tls" / "ca.crt").read_bytes()

    def enter(self) -> Sequence[str]:
        """Return the beginning of a command that runs in the network."""
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net"]

    def fetching(self, digest: str) -> threading.Lock:
        """Return what lets one host at a time fetch for the same sources and keys."""
        return self._locks[digest]

    def close(self) -> None:
        """End the server, and the network with it."""
        self._process.terminate()
        self._process.wait()

    def _wait(self) -> None:
        """Wait until the server answers.

        Raises:
            LabError: it ended, or takes too long.
        """
        assert self._process.stdout is not None
        self._process.stdout.readline()
        probe = "import socket; socket.create_connection(('127.0.0.1', 443), 1).close()"
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit and self._process.poll() is None:
            argv = as_root([*self.enter(), sys.executable, "-c", probe])
            if run(argv, check=False).returncode == 0:
                return
            time.sleep(0.05)
        log = (self._folder / "server.log").read_text(encoding="utf-8")
        raise LabError(f"the sandbox's mirror did not start: {log}")
