"""The PPA of google-drive-ocamlfuse: a stand-in of the program, and what its owner may put beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.lab.mirror.debs import Deb, write_deb
from tests.lab.mirror.relations import STAND_IN, depends
from tests.lab.mirror.repositories import write_suite
from tests.lab.mirror.signing import SigningKey
from tests.lab.mirror.sites import KEYSERVER, PPA

OWNER = "alessandro-strada"
# The fingerprint of the PPA's real key: who asks the keyserver for it gets the throw-away key.
REAL_FINGERPRINT = "9EA4D6FCA5D37A5D1CA9C09AAD5F235DF639B041"
PROGRAM = Path(__file__).with_name("payload") / "google_drive_ocamlfuse.py"


def drive_packages(version: str) -> Iterator[Deb]:
    """Yield the program, and an rclone above every real one that nobody has asked the PPA for."""
    yield Deb(
        "google-drive-ocamlfuse",
        version,
        section="ocaml",
        relations=depends(STAND_IN, "libfuse2", "python3", "bindfs"),
        files={"/usr/bin/google-drive-ocamlfuse": PROGRAM.read_text(encoding="utf-8")},
    )
    yield Deb("rclone", "99.0-0ubuntu1")


def build(sites: Path, content: Mapping[str, Any], keys: Path) -> dict[str, str]:
    """Write the PPA and its key, and return the key's fingerprint."""
    key = SigningKey(keys / "drives", "Launchpad PPA for Alessandro Strada")
    root = sites / PPA / OWNER / "ppa/ubuntu"
    for deb in drive_packages(content["google_drive_ocamlfuse"]):
        write_deb(root / "pool/main/g/google-drive-ocamlfuse", deb)
    write_suite(root, "jammy", key, origin=f"LP-PPA-{OWNER}")
    for fingerprint in (key.fingerprint, REAL_FINGERPRINT):
        key.export(sites / KEYSERVER / f"pks/0x{fingerprint}.asc", armor=True)
    key.close()
    return {"drives": key.fingerprint}
