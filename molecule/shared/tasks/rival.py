"""Make a flat apt repository of empty packages, of a version above every real one: rival.py FOLDER LABEL NAME..."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = os.environ.get("RIVAL_VERSION", "999:1")


def main(folder: Path, label: str, names: list[str]) -> None:
    """Write the packages, their list and what says whose they are."""
    folder.mkdir(parents=True, exist_ok=True)
    listing = "\n".join(stanza(folder, name) for name in names).encode()
    (folder / "Packages").write_bytes(listing)
    digest = hashlib.sha256(listing).hexdigest()
    (folder / "Release").write_text(f"Label: {label}\nSHA256:\n {digest} {len(listing)} Packages\n")


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
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
