"""The systems whose apt is asked: this machine's, and Debian 13's in a root of its own."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import as_root, run, say
from tests.lab.hostsettings import debian_sources, read_host_settings
from tests.lab.mirror.build import cache_folder, locked

SUITE = "trixie"
# Ansible's module for apt needs Python's apt; apt itself verifies signatures with sqv there.
PACKAGES = ["apt", "ca-certificates", "python3", "python3-apt"]


@dataclass(frozen=True)
class Base:
    """The root of a system, and its apt as results name it."""

    name: str
    root: Path

    @property
    def apt(self) -> str:
        """Which apt stands in for every system's: `apt 2.6.2`."""
        words = run(as_root(["chroot", str(self.root), "apt-get", "--version"])).stdout.split()
        return f"{words[0]} {words[1]}"


def machine_base() -> Base:
    """Return this machine's own system."""
    return Base("machine", Path("/"))


def trixie_base() -> Base:
    """Return Debian 13's root, bootstrapped from this machine's own mirror when the cache has none."""
    digest = hashlib.sha256(json.dumps([SUITE, PACKAGES]).encode()).hexdigest()[:12]
    root = cache_folder() / f"{SUITE}-{digest}"
    with locked(cache_folder() / "lock-base"):
        if not root.exists():
            say(f"bootstrapping {SUITE} for the sandbox: one to two minutes, once")
            _bootstrap(root)
    return Base(SUITE, root)


def _bootstrap(root: Path) -> None:
    host = read_host_settings()
    partial = root.with_name(f"{root.name}.partial")
    run(as_root(["rm", "-rf", str(partial)]))
    with tempfile.TemporaryDirectory(prefix="dlconf-base-") as scratch:
        sources = Path(scratch) / "sources.list"
        sources.write_text(debian_sources(host.sources, SUITE), encoding="utf-8")
        options = [*host.apt_options, 'Acquire::Retries "5";']
        forget = 'rm -rf "$1"/etc/apt/sources.list* "$1"/var/lib/apt/lists/*'
        run(
            as_root(
                [
                    "mmdebstrap",
                    "--variant=minbase",
                    f"--include={','.join(PACKAGES)}",
                    *(f"--aptopt={option}" for option in options),
                    f"--customize-hook={forget}",
                    SUITE,
                    str(partial),
                    str(sources),
                ]
            )
        )
    run(as_root(["mv", str(partial), str(root)]))
