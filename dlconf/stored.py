"""Hosts as `dlconf detect --save` stores them: a folder with one JSON file a host, to plan from without any host.

A file holds `schema`, `host`, `facts` (dlconf.facts) and `variables`: those that inventory and command line set for
the host and that its plan reads (docs/architecture.md, the state task).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dlconf import facts as host_facts
from dlconf import shape
from dlconf.errors import DlconfError, UsageError
from dlconf.facts import Facts

SCHEMA = 1
AGAIN = "store the host again: dlconf detect INVENTORY --save FOLDER"
_FIELDS = {"host": str, "facts": dict, "variables": dict}


@dataclass(frozen=True, slots=True)
class StoredHost:
    """What is stored of one host."""

    name: str
    facts: Facts
    variables: Mapping[str, Any]


def files(folder: str) -> list[Path]:
    """List the files of a folder, in the order of their names.

    Raises:
        UsageError: there is no such folder, or it holds no host.
    """
    path = Path(folder)
    if not path.is_dir():
        raise UsageError(
            f"{folder} is not a folder of stored hosts",
            hint=f"make one: dlconf detect INVENTORY --save {folder}",
        )
    found = sorted(path.glob("*.json"))
    if not found:
        raise UsageError(
            f"{folder} holds no stored host",
            hint=f"store some: dlconf detect INVENTORY --save {folder}",
        )
    return found


def read(path: Path) -> StoredHost:
    """Read one file.

    Raises:
        DlconfError: it cannot be read, or is not what `save` writes.
    """
    try:
        if not path.is_file():  # a FIFO would be waited for, a device never ends
            raise OSError(errno.EINVAL, "it is no regular file")
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DlconfError(f"{path}: cannot be read: {error}", hint=AGAIN) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise DlconfError(f"{path}: no stored host of schema {SCHEMA}", hint=AGAIN)
    for field, kind in _FIELDS.items():
        if not isinstance(data.get(field), kind):
            raise DlconfError(f"{path}: {field} is missing or of the wrong type", hint=AGAIN)
    if wrong := shape.check_of(dict[str, Any])(data["variables"]):
        raise DlconfError(f"{path}: variables{wrong}", hint=AGAIN)
    try:
        return StoredHost(data["host"], host_facts.read(data["facts"]), data["variables"])
    except DlconfError as error:
        raise DlconfError(f"{path}: {error.message}", hint=AGAIN) from error


def prepare(folder: Path) -> None:
    """Make the folder that hosts are to be stored in, and see that a file can be written there.

    Raises:
        UsageError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _cannot_store(folder, error, UsageError) from error


def save(folder: Path, host: StoredHost) -> Path:
    """Write one host's file, which only its owner can read, in the place of an older one; return its path.

    The file is written under a name that nobody can foresee and renamed: it is whole or not there, and follows no link.

    Raises:
        DlconfError: it cannot be written.
    """
    path = folder / f"{quote(host.name, safe='')}.json"
    data = {
        "schema": SCHEMA,
        "host": host.name,
        "facts": dict(host.facts),
        "variables": dict(host.variables),
    }
    unfinished = None
    try:
        descriptor, unfinished = tempfile.mkstemp(prefix=".", suffix=".new", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False)
        Path(unfinished).replace(path)
    except OSError as error:
        if unfinished:
            with contextlib.suppress(OSError):
                Path(unfinished).unlink()
        raise _cannot_store(path, error, DlconfError) from error
    return path


def _cannot_store(path: Path, error: OSError, kind: type[DlconfError]) -> DlconfError:
    return kind(
        f"cannot store hosts in {path}: {error.strerror}", hint="give a folder that can be written"
    )
