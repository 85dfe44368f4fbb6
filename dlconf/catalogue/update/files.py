"""Reading the files of a folder or a URL."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from dlconf.catalogue.problem import CatalogueError

TIMEOUT_S = 30
LARGEST_MIB = 64
"""PyPI's answer on a framework with many releases is some 3 MiB; nothing that is read is near this."""
SUFFIXES = (".json", ".md")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as read: where from (a path or a URL), and what is in it."""

    place: str
    text: str


def read(location: str) -> list[SourceFile]:
    """Read the .json and .md files below a folder, one file, or what a URL answers with.

    Raises:
        CatalogueError: there is nothing, it is no text, or the URL does not answer.
    """
    if "://" in location:
        return [SourceFile(location, _text(_fetch(location), location))]
    path = Path(location)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
        if not files:
            raise CatalogueError(f"{path}: no .json or .md file below it", hint=_HINT)
    else:
        files = [path]
    return [SourceFile(str(file), _text(_bytes(file), str(file))) for file in files]


_HINT = (
    "give a folder with supported-gpus.json, releases.json, the README.md of"
    " open-gpu-kernel-modules or PyPI's JSON of a framework, or the URL of one of them"
)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CatalogueError(f"{file}: cannot be read: {error.strerror}", hint=_HINT) from error


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{place}: not text: {error}", hint=_HINT) from error


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only where it keeps to https."""

    def redirect_request(self, *given: Any, **named: Any) -> urllib.request.Request | None:
        """Refuse a new address that is not https; it is the last of what urllib gives."""
        _check_scheme(str(given[-1]))
        return super().redirect_request(*given, **named)


def _check_scheme(url: str) -> None:
    if not url.lower().startswith("https://"):
        raise CatalogueError(f"{url}: only https URLs are read", hint=_HINT)


def _fetch(url: str) -> bytes:
    _check_scheme(url)
    opener = urllib.request.build_opener(_OnlyHttps)
    most = LARGEST_MIB * 1024 * 1024
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read(most + 1)
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise CatalogueError(
            f"{url}: cannot be read: {reason}",
            hint="look at the address and the network, or fetch the file and name its folder",
        ) from error
    if len(content) > most:
        raise CatalogueError(f"{url}: larger than {LARGEST_MIB} MiB, which no such list is")
    return content
