"""Simple indexes of wheels: stand-ins that import and refuse to compute, and real ones."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.lab.command import LabError, run, say

STAND_IN = '''\
"""Stand-in of the dlconf lab for {name}: it knows its version, and computes nothing."""

__version__ = "{version}"
__stand_in__ = True


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise RuntimeError(
        "this {name} {version} is a stand-in of the dlconf lab: it has no %s" % name
    )
'''

# Of two wheels of one version pip takes the one with the more special tag, then the higher build
# number. A machine's own pip configuration may name an index with the real wheel; the stand-in
# must win, since it only works together with the other stand-ins.
BUILD = "999"
PLATFORM = "manylinux_2_35_x86_64"

# What PyTorch says of its devices; there is no GPU in the lab.
TORCH = """

class _Cuda:
    @staticmethod
    def is_available():
        return False

    @staticmethod
    def device_count():
        return 0


class _Version:
    cuda = "{cuda}"


cuda = _Cuda()
version = _Version()
"""
CUDA_OF_BUILD = {"+cu126": "12.6"}
CUDA_OF_PYPI = "13.2"


def build(sites: Path, content: dict[str, Any]) -> list[dict[str, str]]:
    """Write all indexes of `mirror.yml` below `sites`.

    Returns:
        A row for each index: its address, and `real` or `stand-in` for its contents.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="dlconf-wheels-") as scratch:
        shared = Path(scratch) / "shared"
        download(content["shared_wheels"], shared, content["python"], with_needs=False)
        for url, wheels in content["stand_in_wheels"].items():
            folder = _folder(sites, url)
            for row in wheels:
                write_stand_in(folder, row, content["python"])
            _copy(shared, folder)
            write_simple_index(folder)
            rows.append({"index": url, "contents": "stand-in"})
        for url, requirements in content["real_wheels"].items():
            rows.append(_real_index(sites, url, requirements, content["python"]))
    return rows


def _real_index(sites: Path, url: str, requirements: list[str], python: str) -> dict[str, str]:
    """Fill an index with real wheels; where they cannot be had, with stand-ins."""
    folder = _folder(sites, url)
    try:
        download(requirements, folder, python, with_needs=True, index=url)
        contents = "real"
    except LabError as error:
        say(f"stand-ins for {', '.join(requirements)}: {str(error).splitlines()[-1]}")
        for requirement in requirements:
            name, version = requirement.split("==")
            write_stand_in(folder, {"name": name, "version": version}, python)
        contents = "stand-in"
    write_simple_index(folder)
    return {"index": url, "contents": contents}


def _folder(sites: Path, url: str) -> Path:
    parts = urlsplit(url)
    folder = sites / parts.netloc / parts.path.strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy(source: Path, target: Path) -> None:
    for wheel in source.glob("*.whl"):
        shutil.copy(wheel, target / wheel.name)


def download(
    requirements: list[str],
    folder: Path,
    python: str,
    *,
    with_needs: bool,
    index: str | None = None,
) -> None:
    """Fetch wheels with pip as this machine is configured, then from the real index.

    Args:
        requirements: what is wanted.
        folder: where the wheels go.
        python: the version of Python they are for, `3.11`.
        with_needs: whether what they need comes too.
        index: the real index; None where the machine's own must have them.

    Raises:
        LabError: neither has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    argv += ["--only-binary=:all:", "--python-version", python, "--no-cache-dir"]
    argv += [] if with_needs else ["--no-deps"]
    try:
        run([*argv, *requirements])
    except LabError:
        if index is None:
            raise
        run([*argv, "--extra-index-url", index, *requirements])


def write_stand_in(folder: Path, row: dict[str, Any], python: str) -> Path:
    """Write one stand-in wheel.

    Args:
        folder: where the wheel goes.
        row: `name`, `version`, and maybe `requires` and `extras` (name -> requirements).
        python: the version it is for, `3.11`.
    """
    name, version = row["name"], row["version"]
    module = re.sub(r"[-.]+", "_", name)
    text = STAND_IN.format(name=name, version=version)
    if name == "torch":
        build_tag = f"+{version.partition('+')[2]}"
        text += TORCH.format(cuda=CUDA_OF_BUILD.get(build_tag, CUDA_OF_PYPI))
    info = f"{module}-{version}.dist-info"
    interpreter = f"cp{python.replace('.', '')}"
    tag = f"{interpreter}-{interpreter}-{PLATFORM}"
    files = {
        f"{module}/__init__.py": text,
        f"{info}/METADATA": _metadata(row),
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: dlconf-lab\nRoot-Is-Purelib: true\n"
            f"Build: {BUILD}\nTag: {tag}\n"
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{module}-{version}-{BUILD}-{tag}.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        rows = [_record(path, content.encode()) for path, content in files.items()]
        archive.writestr(f"{info}/RECORD", "".join([*rows, f"{info}/RECORD,,\n"]))
    return target


def _record(path: str, content: bytes) -> str:
    """Return a file's line of a wheel's RECORD: path, hash as PEP 376 writes it, size in bytes."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"


def _metadata(row: dict[str, Any]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {row['name']}", f"Version: {row['version']}"]
    lines.append(f"Summary: stand-in of the dlconf lab for {row['name']}")
    lines += [f"Requires-Dist: {requirement}" for requirement in row.get("requires", [])]
    for extra, requirements in row.get("extras", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {text} ; extra == "{extra}"' for text in requirements]
    return "\n".join(lines) + "\n"


def write_simple_index(folder: Path) -> None:
    """Write the pages of a simple index (PEP 503) for the wheels that lie in `folder`."""
    projects: dict[str, list[Path]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        name = re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
        projects.setdefault(name, []).append(wheel)
    _write_page(folder / "index.html", ((f"{name}/", name) for name in projects))
    for name, wheels in projects.items():
        page = folder / name / "index.html"
        page.parent.mkdir(exist_ok=True)
        _write_page(page, ((_link(wheel), wheel.name) for wheel in wheels))


def _link(wheel: Path) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"../{quote(wheel.name)}#sha256={digest}"


def _write_page(path: Path, links: Iterable[tuple[str, str]]) -> None:
    anchors = "".join(f'<a href="{html.escape(url)}">{name}</a><br>\n' for url, name in links)
    path.write_text(f"<!DOCTYPE html>\n<html><body>\n{anchors}</body></html>\n", encoding="utf-8")
