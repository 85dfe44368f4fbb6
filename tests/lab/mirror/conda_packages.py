"""Writes conda packages (.tar.bz2): small ones of our own, and real wheels turned into packages."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Stands in the files of a package for the prefix it will be installed to.
PREFIX_PLACEHOLDER = "/opt/placeholder_" + "p" * 100
REQUIREMENT = re.compile(r"Requires-Dist: ([\w.-]+)(\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?$")


@dataclass(frozen=True)
class CondaPackage:
    """One package.

    Attributes:
        name, version, depends: as in its index.
        files: path -> contents.
        links: path -> target of a symbolic link.
        noarch: a pure Python package: its files lie under `site-packages/`.
        entry_points: `name = module:function` for its commands.
    """

    name: str
    version: str
    depends: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    noarch: bool = True
    entry_points: Sequence[str] = ()

    def metadata(self) -> dict[str, bytes]:
        """Return the files below `info/`."""
        index: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "build": "0",
            "build_number": 0,
            "depends": list(self.depends),
            "subdir": self.subdir,
        }
        paths = {"paths": [*self._paths()], "paths_version": 1}
        documents: dict[str, Any] = {"info/index.json": index, "info/paths.json": paths}
        if self.noarch:
            index["noarch"] = "python"
            python = {"type": "python", "entry_points": list(self.entry_points)}
            link = {"noarch": python, "package_metadata_version": 1}
            documents["info/link.json"] = link
        texts = {name: json.dumps(document) for name, document in documents.items()}
        texts["info/files"] = "".join(f"{path}\n" for path in [*self.files, *self.links])
        return {name: text.encode() for name, text in texts.items()}

    @property
    def subdir(self) -> str:
        """The folder of a channel it belongs to."""
        return "noarch" if self.noarch else "linux-64"

    def _paths(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for path, content in self.files.items():
            row: dict[str, Any] = {
                "_path": path,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            if PREFIX_PLACEHOLDER.encode() in content:
                row |= {"prefix_placeholder": PREFIX_PLACEHOLDER, "file_mode": "text"}
            rows.append(row)
        return rows + [{"_path": path, "path_type": "softlink"} for path in self.links]

    def write(self, channel: Path) -> Path:
        """Write the package into its folder of a channel."""
        folder = channel / self.subdir
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{self.name}-{self.version}-0.tar.bz2"
        with tarfile.open(target, "w:bz2", compresslevel=1) as archive:
            for path, content in {**self.metadata(), **self.files}.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                entry.mode = 0o755 if "bin/" in path or path.endswith(".so") else 0o644
                # Two versions of a module may be equally long: Python tells compiled code that is
                # out of date by the time stamp, so that must follow the content.
                entry.mtime = zlib.crc32(content) & 0x7FFFFFFF
                archive.addfile(entry, io.BytesIO(content))
            for path, link_target in self.links.items():
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname = tarfile.SYMTYPE, link_target
                archive.addfile(entry)
        return target


def package_of_wheel(wheel: Path) -> CondaPackage:
    """Return a wheel as a Python package; compiled code in it fits the one machine type we have."""
    name, version = wheel.name.split("-")[:2]
    files: dict[str, bytes] = {}
    entry_points: list[str] = []
    depends: list[str] = []
    with zipfile.ZipFile(wheel) as archive:
        for item in archive.infolist():
            path = re.sub(r"^[^/]+\.data/(?:purelib|platlib)/", "", item.filename)
            if item.is_dir() or re.match(r"[^/]+\.data/", path):
                continue
            content = archive.read(item)
            if path.endswith(".dist-info/entry_points.txt"):
                entry_points = console_scripts(content.decode())
            elif path.endswith(".dist-info/METADATA"):
                depends = requirements(content.decode())
            files[f"site-packages/{path}"] = content
    return CondaPackage(
        _normal(name), version, ["python", *depends], files, entry_points=entry_points
    )


def console_scripts(text: str) -> list[str]:
    """Return the `name = module:function` lines of the section `console_scripts`."""
    section = re.search(r"^\[console_scripts\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for line in section[1].splitlines() if "=" in line] if section else []


def requirements(metadata: str) -> list[str]:
    """Return the unconditional requirements of a wheel, as conda writes them."""
    found = []
    for line in metadata.split("\n\n", maxsplit=1)[0].splitlines():
        match = REQUIREMENT.match(line)
        if match and not match[4]:
            found.append(f"{_normal(match[1])} {match[3].replace(' ', '')}".strip())
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
