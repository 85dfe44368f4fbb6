"""NVIDIA's local repositories: a package that brings a folder of packages, signed by a key of its own."""

from __future__ import annotations

from pathlib import Path

from tests.lab.mirror.debs import Content, Deb
from tests.sandbox.repositories import local_cuda
from tests.sandbox.sites import Keys, write_flat
from tests.sandbox.systems import System


def local_repository(system: System, name: str, version: str, keys: Keys) -> Deb:
    """Return the package of a local repository, with the file that states it."""
    keyring = _keyring(name, keys)
    source = f"deb [signed-by=/usr/share/keyrings/{keyring}] file:///var/{name} /\n"
    listing = name.replace("-repo-", "-", 1)
    files: dict[str, Content] = {
        f"/etc/apt/sources.list.d/{listing}.list": source,
        f"/var/{name}/{keyring}": keys.of_fingerprint(name).exported(),
    }
    return Deb(name, version, files=files)


def write_local(system: System, folder: Path, name: str, version: str, keys: Keys) -> list[Deb]:
    """Write what the package brings into a folder, and return the packages in it."""
    debs = local_cuda(system, cuda_version(version))
    key = keys.of_fingerprint(name)
    write_flat(folder, debs, key, "NVIDIA", "NVIDIA CUDA")
    return debs


def cuda_version(pattern: str) -> str:
    """Return CUDA's version out of the repository package's, `13.2.2-*`."""
    return pattern.split("-", maxsplit=1)[0]


def _keyring(name: str, keys: Keys) -> str:
    return f"cuda-{keys.of_fingerprint(name).short_id}-keyring.gpg"
