"""Turns folders of .deb files into signed apt repositories, as the vendors lay them out."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

from tests.lab.command import run
from tests.lab.mirror.debs import Deb, Link, write_deb
from tests.lab.mirror.signing import SigningKey


def write_flat_repository(folder: Path, key: SigningKey, origin: str = "NVIDIA") -> None:
    """Index and sign `folder` as a flat repository (`deb ... /`), NVIDIA's layout."""
    _write_packages(folder, ".", folder)
    fields = {"Origin": origin, "Label": f"{origin} CUDA", "Architecture": "x86_64"}
    _write_release(folder, ".", fields)
    key.sign_release(folder)


def write_suite(
    root: Path,
    suite: str,
    key: SigningKey,
    *,
    origin: str,
    dists: Path | None = None,
    pool: str = "pool/main",
    component: str = "main",
) -> None:
    """Index and sign a pool as one suite with one component, Launchpad's layout unless told.

    Args:
        root: the repository.
        suite: for example `jammy`.
        key: who signs.
        origin: the `Origin` and `Label` of the Release file.
        dists: where the suite's folder goes, instead of `root`/dists/`suite`.
        pool: the folder with its packages, below `root`.
        component: the name of its one component.
    """
    target = dists or root / "dists" / suite
    _write_packages(root, pool, target / component / "binary-amd64")
    fields = {"Origin": origin, "Label": origin, "Suite": suite, "Codename": suite}
    _write_release(target, ".", {**fields, "Architectures": "amd64", "Components": component})
    key.sign_release(target)


def write_local_repository(
    folder: Path, content: Path, key: SigningKey, *, package: str, version: str, list_name: str
) -> Path:
    """Write a vendor's local-repository .deb: the folder /var/`package` and its apt source.

    Args:
        folder: where the .deb goes.
        content: the packages of the repository; indexed, signed and given the keyring here.
        key: who signs it.
        package: its name, which is also the name of the folder below /var.
        version: its version.
        list_name: file name of the apt source, without `.list`.

    Returns:
        The path of the .deb.
    """
    write_flat_repository(content, key)
    stem = "cuda" if package.startswith("cuda") else "cudnn-local"
    keyring = f"{stem}-{key.short_id}-keyring.gpg"
    key.export(content / keyring, armor=False)
    source = f"deb [signed-by=/usr/share/keyrings/{keyring}] file:///var/{package} /\n"
    advice = (
        f'if [ "$1" = configure ] && [ ! -f /usr/share/keyrings/{keyring} ]; then\n'
        f'  echo "The public {package} GPG key does not appear to be installed."\n'
        f'  echo "To install the key, run this command:"\n'
        f'  echo "sudo cp /var/{package}/{keyring} /usr/share/keyrings/"\n'
        "fi\n"
    )
    deb = Deb(
        package,
        version,
        section="multiverse/devel",
        files={f"/var/{package}": content, f"/etc/apt/sources.list.d/{list_name}.list": source},
        scripts={"postinst": advice},
    )
    return write_deb(folder, deb)


def library_link(
    folder: str, library: str, version: str, abi: str | None = None
) -> dict[str, str | bytes | Link]:
    """Return an empty shared library with its soname link, as package contents.

    The link is named by the ABI: the version's major, but 1 for the driver's (libcuda.so.1).
    """
    major = abi or version.split(".", maxsplit=1)[0]
    return {
        f"{folder}/{library}.so.{version}": b"",
        f"{folder}/{library}.so.{major}": Link(f"{library}.so.{version}"),
    }


def _write_packages(root: Path, pool: str, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    text = run(["apt-ftparchive", "packages", pool], cwd=root).stdout.encode()
    (target / "Packages").write_bytes(text)
    (target / "Packages.gz").write_bytes(gzip.compress(text, mtime=0))


def _write_release(root: Path, folder: str, fields: Mapping[str, str]) -> None:
    for name in ("Release", "InRelease", "Release.gpg"):
        (root / folder / name).unlink(missing_ok=True)
    options = [
        part
        for key, value in fields.items()
        for part in ("-o", f"APT::FTPArchive::Release::{key}={value}")
    ]
    text = run(["apt-ftparchive", *options, "release", folder], cwd=root).stdout
    (root / folder / "Release").write_text(text, encoding="utf-8")
