"""Builds the vendor mirror once and keeps it in a cache, under a hash of what it is built from."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.command import say
from tests.lab.mirror import conda, containers, drives, wheels
from tests.lab.mirror.containers import DOCKER, TOOLKIT
from tests.lab.mirror.signing import write_tls
from tests.lab.mirror.sites import KEYSERVER, NVIDIA, PPA, PackageSites
from tests.lab.settings import HERE

CONTENT = HERE / "mirror.yml"
BUILDERS = HERE / "mirror"
KEPT_DAYS = 14
SERVER = BUILDERS / "server.py"
FIXED_HOSTS = (
    NVIDIA,
    PPA,
    KEYSERVER,
    DOCKER,
    TOOLKIT,
    "github.com",
    "repo.anaconda.com",
    "conda.anaconda.org",
    "download.pytorch.org",
    "wheels.dlconf.test",
)


@dataclass(frozen=True)
class MirrorTree:
    """A built mirror: `root`/sites, `root`/tls and what `mirror.json` says of it."""

    root: Path
    facts: dict[str, Any]

    @property
    def authority(self) -> str:
        """The certificate that machines must trust, PEM."""
        return (self.root / "tls" / "ca.crt").read_text(encoding="ascii")


def cache_folder() -> Path:
    """Return the folder that keeps what is slow to make, for all labs of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dlconf-lab"


def content_hash() -> str:
    """Return a hash of everything the mirror is built from in this repository."""
    digest = hashlib.sha256()
    for path in [CONTENT, *sorted(BUILDERS.rglob("*"))]:
        if path.is_file() and path != SERVER and path.suffix != ".pyc":
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def ensure_mirror() -> MirrorTree:
    """Return the mirror, building it when the cache has none for the present inputs."""
    root = cache_folder() / f"mirror-{content_hash()}"
    record = root / "mirror.json"
    cache_folder().mkdir(parents=True, exist_ok=True)
    with locked(cache_folder() / "lock"):
        if not record.exists():
            say("building the vendor mirror: about a minute, once")
            started = time.monotonic()
            _build(root)
            say(f"the vendor mirror is built ({time.monotonic() - started:.0f} s)")
        record.touch()
        _forget_unused()
    facts = json.loads(record.read_text(encoding="utf-8"))
    return MirrorTree(root, facts)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process build at a time; the others then find the result."""
    with path.open("w", encoding="ascii") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _forget_unused() -> None:
    """Remove the mirrors that no lab was started with for a while."""
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for record in cache_folder().glob("mirror-*/mirror.json"):
        if record.stat().st_mtime < oldest:
            shutil.rmtree(record.parent)


def _build(root: Path) -> None:
    content = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
    partial = root.with_name(f"{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # gpg's sockets need a short path; links from the pool need the same file system as the mirror.
    with tempfile.TemporaryDirectory(prefix=".k", dir=cache_folder()) as keys:
        packages = PackageSites(partial, content, Path(keys))
        packages.build()
        container_keys = containers.build(partial / "sites", content, Path(keys))
        drive_keys = drives.build(partial / "sites", content, Path(keys))
    facts: dict[str, Any] = {
        "hosts": list(FIXED_HOSTS),
        "fingerprints": {
            "ppa": packages.ppa_key.fingerprint,
            "nvidia": packages.nvidia_key.fingerprint,
            "intruder": packages.intruder_key.fingerprint,
            **container_keys,
            **drive_keys,
        },
        "cuda_local_repos": packages.cuda_local,
        "cudnn_local_repos": packages.cudnn_local,
        "conda": conda.build(partial / "sites", content["conda"]),
        "wheels": wheels.build(partial / "sites", content),
    }
    write_tls(partial / "tls", FIXED_HOSTS)
    for host in FIXED_HOSTS:
        (partial / "sites" / host).mkdir(exist_ok=True)
    (partial / "mirror.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    partial.rename(root)
