"""Throw-away keys: OpenPGP for the repositories, and a TLS authority for the mirror."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.lab.command import LabError, run

VALID_DAYS = "3650"
_FINGERPRINT = re.compile(r"^fpr:+([0-9A-F]{40}):", re.MULTILINE)


class SigningKey:
    """An OpenPGP key pair without a passphrase, in a folder of its own.

    Args:
        home: folder for gpg; made when missing. Its path must be short: gpg puts sockets there.
        owner: the user id of the key, as the vendor's reads.
    """

    def __init__(self, home: Path, owner: str) -> None:
        self._home = home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._gpg("--quick-gen-key", owner, "rsa2048", "sign", "never")
        listing = self._gpg("--with-colons", "--list-keys")
        found = _FINGERPRINT.search(listing)
        if not found:
            raise LabError(f"gpg made no key in {home}")
        self.fingerprint = found[1]

    @property
    def short_id(self) -> str:
        """The last eight digits, which NVIDIA puts into the names of its keyrings."""
        return self.fingerprint[-8:]

    def export(self, target: Path, *, armor: bool) -> Path:
        """Write the public key to `target`, as text with `armor` or as a keyring without."""
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = ["--armor"] if armor else []
        self._gpg("--yes", *flags, "--output", str(target), "--export", self.fingerprint)
        return target

    def exported(self) -> bytes:
        """Return the public key as a keyring has it."""
        with tempfile.TemporaryDirectory() as folder:
            return self.export(Path(folder) / "key", armor=False).read_bytes()

    def shown(self, file: Path) -> str:
        """Return the fingerprint of the key in a file, "" for none."""
        listing = self._gpg("--with-colons", "--show-keys", str(file))
        found = _FINGERPRINT.search(listing)
        return found[1] if found else ""

    def sign_release(self, folder: Path) -> None:
        """Write `InRelease` and `Release.gpg` beside `folder`/Release."""
        release = str(folder / "Release")
        self._gpg("--yes", "--clearsign", "--output", str(folder / "InRelease"), release)
        detached = ["--armor", "--detach-sign", "--output", str(folder / "Release.gpg")]
        self._gpg("--yes", *detached, release)

    def close(self) -> None:
        """End the agent that gpg started for the folder."""
        run(["gpgconf", "--homedir", str(self._home), "--kill", "all"], check=False)

    def _gpg(self, *arguments: str) -> str:
        base = ["gpg", "--homedir", str(self._home), "--batch", "--quiet"]
        return run([*base, "--pinentry-mode", "loopback", "--passphrase", "", *arguments]).stdout


def write_tls(folder: Path, hosts: Sequence[str]) -> None:
    """Write `ca.crt`, `site.crt` and `site.key`: an authority and one certificate for all hosts."""
    folder.mkdir(parents=True, exist_ok=True)
    curve = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority = ["-days", VALID_DAYS, "-keyout", "ca.key", "-out", "ca.crt"]
    extensions = [
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign",
    ]
    subject = ["-subj", "/CN=dlconf lab throw-away authority"]
    _openssl(folder, "req", "-x509", "-newkey", *curve, *authority, *subject, *extensions)
    request = ["-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=dlconf lab mirror"]
    _openssl(folder, "req", "-newkey", *curve, *request)
    names = ",".join(f"DNS:{host}" for host in hosts)
    (folder / "extensions").write_text(
        f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n", encoding="ascii"
    )
    signer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", VALID_DAYS]
    certificate = ["-in", "site.csr", "-extfile", "extensions", "-out", "site.crt"]
    _openssl(folder, "x509", "-req", *certificate, *signer)
    for name in ("ca.key", "ca.srl", "site.csr", "extensions"):
        (folder / name).unlink(missing_ok=True)


def _openssl(folder: Path, *arguments: str) -> None:
    run(["openssl", *arguments], cwd=folder)
