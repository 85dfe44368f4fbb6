"""Writes small .deb packages with a vendor's names, versions and dependencies."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.command import run
from tests.lab.mirror.relations import Relation, control_fields

EXECUTABLE_FOLDERS = ("/bin/", "/sbin/")


@dataclass(frozen=True)
class Link:
    """A symbolic link inside a package."""

    target: str


Content = str | bytes | Link | Path


@dataclass(frozen=True)
class Deb:
    """What goes into one package.

    Attributes:
        name, version, architecture, section: as in the control file.
        fields: further control fields that are no relation, such as `Source`.
        relations: what it states of other packages.
        wraps: name and version of the wheel on PyPI whose real files it holds; "" for a stand-in.
        files: absolute path -> text, bytes, a link, or a folder on disk to copy in.
        scripts: `postinst`, `prerm`, ... -> body of a shell script.
    """

    name: str
    version: str
    architecture: str = "amd64"
    section: str = "misc"
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Content] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    wraps: str = ""

    @property
    def file_name(self) -> str:
        """The name a repository gives the file: the version without its epoch."""
        return f"{self.name}_{self.version.split(':')[-1]}_{self.architecture}.deb"

    def control(self) -> str:
        """Return the control file; its description says that this is a stand-in, or whose files it holds."""
        stand_in = f"stand-in for {self.name}, with its name and no content"
        real = f"real files of {self.wraps} from PyPI, wrapped by the dlconf lab"
        lines = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": self.architecture,
            "Section": self.section,
            "Priority": "optional",
            "Maintainer": "dlconf lab <lab@dlconf.test>",
            **self.fields,
            **control_fields(self.relations),
            "Description": real if self.wraps else stand_in,
        }
        return "".join(f"{key}: {value}\n" for key, value in lines.items())


def write_deb(folder: Path, deb: Deb) -> Path:
    """Write the package into `folder` under its usual file name and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / deb.file_name
    with tempfile.TemporaryDirectory(prefix="dlconf-deb-") as scratch:
        tree = Path(scratch) / "tree"
        _write_tree(tree, deb)
        # No compression of stand-ins: they are tiny, and it is most of the time a package takes.
        compression = ["-Zzstd", "-z1"] if deb.wraps else ["-Znone"]
        run(["dpkg-deb", "--root-owner-group", *compression, "--build", str(tree), str(target)])
    return target


def _write_tree(tree: Path, deb: Deb) -> None:
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    tree.chmod(0o755)
    (control / "control").write_text(deb.control(), encoding="utf-8")
    for name, body in deb.scripts.items():
        script = control / name
        script.write_text(f"#!/bin/sh\nset -e\n{body}", encoding="utf-8")
        script.chmod(0o755)
    for path, content in deb.files.items():
        _write_content(tree / path.lstrip("/"), path, content)


def _write_content(target: Path, path: str, content: Content) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Link):
        target.symlink_to(content.target)
    elif isinstance(content, Path):
        shutil.copytree(content, target)
    else:
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        executable = any(folder in path for folder in EXECUTABLE_FOLDERS)
        target.chmod(0o755 if executable else 0o644)
