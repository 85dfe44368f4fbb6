"""The repositories as files that a server gives out: indexes and signatures, and no package."""

from __future__ import annotations

import email.utils
import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.lab.mirror.debs import Deb
from tests.lab.mirror.signing import SigningKey
from tests.sandbox.repositories import Repository
from tests.sandbox.systems import WORLD


class Keys:
    """Throw-away keys: one for each key of the vendors', found by the real one's fingerprint.

    Args:
        folder: a short path; the secret keys are in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._of: dict[str, SigningKey] = {}
        self._making = threading.Lock()  # two hosts may ask for a new one at a time

    def of_repository(self, name: str) -> SigningKey:
        """Return the key that signs a repository of world.yml."""
        return self.of_fingerprint(WORLD["keys"][name])

    def of_fingerprint(self, real: str) -> SigningKey:
        """Return what stands for the vendor's key with this fingerprint; unknown ones get a key that signs nothing."""
        with self._making:
            if real not in self._of:
                home = self._folder / hashlib.sha256(real.encode()).hexdigest()[:8]
                self._of[real] = SigningKey(home, f"stand-in for {real} <lab@dlconf.test>")
            return self._of[real]

    def close(self) -> None:
        """End gpg's agents."""
        for key in self._of.values():
            key.close()


def write_repository(sites: Path, repository: Repository, keys: Keys) -> None:
    """Write a repository below the folder of its host."""
    parts = urlsplit(repository.address)
    root = sites / str(parts.hostname) / parts.path.strip("/")
    key = keys.of_repository(repository.key)
    if not repository.suite:
        write_flat(root, repository.components[""], key, repository.origin, repository.label)
        key.export(root / WORLD["key_files"][WORLD["keys"][repository.key]], armor=True)
        return
    fields = {
        "Origin": repository.origin,
        "Label": repository.label,
        "Suite": repository.suite,
        "Codename": repository.suite.split("-")[0],
        "Architectures": "amd64",
        "Components": " ".join(repository.components),
    }
    indexes = {
        f"{name}/binary-amd64/Packages": debs for name, debs in repository.components.items()
    }
    _write(root / "dists" / repository.suite, fields, indexes, key)


def write_flat(root: Path, debs: Iterable[Deb], key: SigningKey, origin: str, label: str) -> None:
    """Write a flat repository, NVIDIA's layout."""
    _write(root, {"Origin": origin, "Label": label}, {"Packages": debs}, key)


def index(debs: Iterable[Deb]) -> str:
    """Return the text of a Packages file. Sizes and hashes are made up: nothing is fetched."""
    return "".join(
        f"{deb.control()}Filename: pool/{deb.file_name}\nSize: 1000\nSHA256: {'0' * 64}\n\n"
        for deb in debs
    )


def _write(
    root: Path, fields: dict[str, str], indexes: Mapping[str, Iterable[Deb]], key: SigningKey
) -> None:
    lines = [f"{name}: {value}" for name, value in fields.items()]
    lines += [f"Date: {email.utils.formatdate(time.time(), usegmt=True)}", "SHA256:"]
    for name, debs in indexes.items():
        data = index(debs).encode()
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}")
    (root / "Release").write_text("\n".join(lines) + "\n", encoding="utf-8")
    key.sign_release(root)
