"""What of an inventory's folder travels to a worker, and why the rest stays here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlconf.ansiblesettings import config_of, said

WHOLE = ("group_vars", "host_vars", "files")
"""Folders of which Ansible, or a variable, may read a file of any name."""
_UNREAD = (
    ".pyc",
    ".pyo",
    ".swp",
    ".bak",
    "~",
    ".rpm",
    ".md",
    ".txt",
    ".rst",
    ".orig",
    ".cfg",
    ".retry",
)
"""INVENTORY_IGNORE_EXTS of ansible-core 2.19."""
_UNREAD_SAID = "Ansible does not read it"
UNREMARKABLE = (_UNREAD_SAID,)
"""Reasons that only the log need name."""
_PRIVATE_KEY = re.compile(rb"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----|^PuTTY-User-Key-File-")
# In `files` lies what variables name, such as the key of a certificate in PEM. SSH keys are used where ssh runs.
_SSH_KEY = re.compile(rb"-----BEGIN OPENSSH PRIVATE KEY-----|^PuTTY-User-Key-File-")
_HEAD_BYTES = 2**16
# Setting by environment, and its key and section in an ansible.cfg: a path, or paths that names may stand before.
_SECRET_FILES = (
    ("ANSIBLE_VAULT_PASSWORD_FILE", "vault_password_file", "defaults"),
    ("ANSIBLE_VAULT_IDENTITY_LIST", "vault_identity_list", "defaults"),
    ("ANSIBLE_BECOME_PASSWORD_FILE", "become_password_file", "privilege_escalation"),
    ("ANSIBLE_BECOME_PASSWORD_FILE", "become_password_file", "defaults"),
    ("ANSIBLE_CONNECTION_PASSWORD_FILE", "connection_password_file", "defaults"),
    ("ANSIBLE_PRIVATE_KEY_FILE", "private_key_file", "defaults"),
)


@dataclass(frozen=True)
class Sieve:
    """Decides for each file below an inventory's folder.

    Attributes:
        root: the inventory's folder.
        secrets: files that the user's settings name as passwords or keys.
    """

    root: Path
    secrets: frozenset[Path]

    @classmethod
    def of(cls, root: Path, environ: Mapping[str, str]) -> Sieve:
        """Return the sieve for a folder with the user's settings."""
        return cls(root, frozenset(_secret_files(environ)))

    def why_not(self, path: Path) -> str:
        """Return why a file or folder stays here; nothing where it travels."""
        if path.name.startswith("."):
            return "a dot file"
        if path.is_dir():
            return _UNREAD_SAID if path.name == "__pycache__" else ""
        if not path.is_file():
            return "no file"
        if path.resolve() in self.secrets:
            return "your Ansible settings name it as a secret"
        folders = path.relative_to(self.root).parts[:-1]
        if path.name.endswith(_UNREAD) and not set(WHOLE) & set(folders):
            return _UNREAD_SAID
        return _of_content(path, _SSH_KEY if "files" in folders else _PRIVATE_KEY)

    def ignore(self, folder: str, names: Iterable[str]) -> list[str]:
        """Return the names of a folder that stay here, as `shutil.copytree` asks for them."""
        return [name for name in names if self.why_not(Path(folder) / name)]

    def left_out(self, folder: Path) -> Iterator[tuple[str, str]]:
        """Return what below a folder stays here, each with the reason."""
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names are what is wanted
            path = folder / name
            if reason := self.why_not(path):
                yield str(path.relative_to(self.root)), reason
            elif path.is_dir() and not path.is_symlink():
                yield from self.left_out(path)


def _of_content(path: Path, secret: re.Pattern[bytes]) -> str:
    try:
        with path.open("rb") as file:
            return "a private key" if secret.search(file.read(_HEAD_BYTES)) else ""
    except OSError:
        return "it cannot be read"


def _secret_files(environ: Mapping[str, str]) -> Iterator[Path]:
    config = config_of(environ) or Path("ansible.cfg")
    for variable, key, section in _SECRET_FILES:
        folder = Path() if environ.get(variable) else config.parent
        for entry in (said(environ, variable, key, section) or "").split(","):
            if name := entry.strip().rpartition("@")[2]:
                yield (folder / os.path.expandvars(Path(name).expanduser())).resolve()
