"""The conda side of the mirror: a conda-forge channel and Miniforge's installers.

Real: the package format, the solver (py-rattler), the index, pip and what comes from wheels.
Stand-ins: `python` makes the prefix a virtual environment over the machine's own interpreter, and
`conda` is a small command line over the solver (payload/dlconf_lab_conda).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tests.lab.command import LabError, run
from tests.lab.mirror.conda_packages import PREFIX_PLACEHOLDER, CondaPackage, package_of_wheel

PAYLOAD = Path(__file__).with_name("payload")
CHANNEL = "conda.anaconda.org/conda-forge"
RELEASES = "github.com/conda-forge/miniforge/releases/download"
MODULE = "dlconf_lab_conda"
# What the command line and the installer need of PyPI; the solver also runs the bootstrap.
BASE_WHEELS = ("pip", "py-rattler", "typing-extensions")


def build(sites: Path, content: dict[str, Any]) -> list[dict[str, str]]:
    """Write the channel and the installers below `sites`.

    Args:
        sites: the folder with one folder a host.
        content: the section `conda` of mirror.yml.

    Returns:
        The rows of the site catalogue for the installers.

    Raises:
        LabError: py-rattler is not installed, or PyPI cannot be reached.
    """
    channel = sites / CHANNEL
    with tempfile.TemporaryDirectory(prefix="dlconf-conda-") as scratch:
        wheels = _download(content, Path(scratch))
        for wheel in wheels:
            package_of_wheel(wheel).write(channel)
        _python_package(content["python"]).write(channel)
        rows = []
        for release in content["miniforge"]:
            conda = _conda_package(release["conda"]).write(channel)
            base = [path for path in channel.glob("*/*.tar.bz2") if _is_base(path.name)]
            boot = _boot_channel(Path(scratch) / release["version"], [*base, conda])
            rows.append(_write_installer(sites, content["python"], release, boot, wheels))
    _index(channel)
    return rows


def _download(content: dict[str, Any], folder: Path) -> list[Path]:
    python = ".".join(content["python"].split(".")[:2])
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    argv += ["--only-binary=:all:", "--python-version", python]
    run([*argv, *BASE_WHEELS, *content["packages"]])
    return sorted(folder.glob("*.whl"))


def _is_base(file_name: str) -> bool:
    name = file_name.rsplit("-", 2)[0]
    return name in ("python", *BASE_WHEELS)


def _python_package(version: str) -> CondaPackage:
    minor = ".".join(version.split(".")[:2])
    settings = f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n"
    return CondaPackage(
        "python",
        version,
        files={"pyvenv.cfg": settings.encode()},
        links={
            f"bin/python{minor}": f"/usr/bin/python{minor}",
            "bin/python3": f"python{minor}",
            "bin/python": f"python{minor}",
        },
        noarch=False,
    )


def _conda_package(version: str) -> CondaPackage:
    modules = {
        f"site-packages/{MODULE}/{path.name}": _payload(
            f"{MODULE}/{path.name}", CONDA_VERSION=version
        )
        for path in sorted((PAYLOAD / MODULE).glob("*.py"))
    }
    return CondaPackage(
        "conda",
        version,
        ["python", "py-rattler", "pip"],
        {
            **modules,
            "etc/profile.d/conda.sh": _payload("conda.sh", PREFIX=PREFIX_PLACEHOLDER),
        },
        entry_points=[f"conda = {MODULE}.cli:main"],
    )


def _payload(name: str, **values: str) -> bytes:
    text = (PAYLOAD / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text.encode()


def _boot_channel(folder: Path, packages: list[Path]) -> Path:
    for package in packages:
        target = folder / package.parent.name / package.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(package, target)
    _index(folder)
    return folder


def _index(channel: Path) -> None:
    """Write repodata.json for each folder of a channel."""
    try:
        from rattler.index import index_fs  # noqa: PLC0415 (the lab's only use of a large library)
    except ImportError as error:
        raise LabError("py-rattler is not installed: install dlconf's `dev` extra") from error
    asyncio.run(index_fs(channel, write_zst=True, write_shards=False))


def _write_installer(
    sites: Path, python: str, release: dict[str, str], boot: Path, wheels: list[Path]
) -> dict[str, str]:
    """Write one installer and its .sha256 file; return its row for the site catalogue."""
    name = f"Miniforge3-{release['version']}-Linux-x86_64.sh"
    folder = sites / RELEASES / release["version"]
    folder.mkdir(parents=True)
    minor = ".".join(python.split(".")[:2])
    header = _payload("installer.sh", NAME=name, DEFAULT_FOLDER="miniforge3", PYTHON=minor)
    installer = folder / name
    installer.write_bytes(header + _archive(boot, wheels))
    digest = hashlib.sha256(installer.read_bytes()).hexdigest()
    (folder / f"{name}.sha256").write_text(f"{digest}  ./{name}\n", encoding="ascii")
    return {
        "distribution": "miniforge",
        "version": release["version"],
        "url": f"https://{RELEASES}/{release['version']}/{name}",
        "checksum": f"sha256:{digest}",
        "conda_version": release["conda"],
        "python": minor,
    }


def _archive(boot: Path, wheels: list[Path]) -> bytes:
    """Return the installer's payload: the bootstrap script, the solver, and the base packages."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        _add(archive, "install_base.py", _payload("install_base.py"))
        for wheel in wheels:
            if wheel.name.startswith(("py_rattler-", "typing_extensions-")):
                with zipfile.ZipFile(wheel) as source:
                    for item in source.infolist():
                        if not item.is_dir():
                            _add(archive, f"lib/{item.filename}", source.read(item))
        archive.add(boot, "channel")
    return stream.getvalue()


def _add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))
