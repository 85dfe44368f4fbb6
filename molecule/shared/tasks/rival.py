"""Make a flat apt repository of empty packages whose version is above every real one: rival.py FOLDER NAME..."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "999:1"


def main(folder: Path, names: list[str]) -> None:
    """Write the packages and their list."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Packages").write_text("\n".join(stanza(folder, name) for name in names))


def stanza(folder: Path, name: str) -> str:
    """Build one package and return its paragraph of the list."""
    control = (
        f"Package: {name}\nVersion: {VERSION}\nArchitecture: amd64\n"
        "Maintainer: nobody <nobody@invalid>\nDescription: must never be installed\n"
    )
    file = folder / f"{name}.deb"
    with tempfile.TemporaryDirectory() as tree:
        debian = Path(tree) / "DEBIAN"
        debian.mkdir()
        (debian / "control").write_text(control)
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, str(file)], check=True)
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return f"{control}Filename: ./{file.name}\nSize: {len(data)}\nSHA256: {digest}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
