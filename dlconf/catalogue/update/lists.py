"""Recognising a list by what is in it, and what it states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.problem import CatalogueError
from dlconf.catalogue.update import drivers, gpus, pypi
from dlconf.catalogue.update.files import SourceFile
from dlconf.catalogue.update.stated import Stated

_README = re.compile(r"^\|\s*Product Name\s*\|\s*PCI ID\s*\|", re.M)


def statements(file: SourceFile, catalogue: Catalogue, today: str) -> Iterator[Stated] | None:
    """Give what a file states of rows; None where it is not a list that is known.

    Args:
        file: as read.
        catalogue: what is known so far.
        today: "YYYY-MM-DD", for the sources of rows.

    Raises:
        CatalogueError: it is such a list by its name or form, but cannot be understood.
    """
    if _README.search(file.text):
        return gpus.from_readme(file, catalogue, today)
    if not file.place.endswith(".md"):
        data = _json(file)
        for fits, statements_of in _KINDS:
            if isinstance(data, dict) and fits(data):
                return statements_of(file, data, catalogue, today)
    return None


def _json(file: SourceFile) -> Any:
    try:
        return json.loads(file.text)
    except ValueError as error:
        raise CatalogueError(f"{file.place}: not JSON: {error}") from error


def _has_branches(data: Mapping[str, Any]) -> bool:
    return bool(data) and all(
        isinstance(value, dict) and "driver_info" in value for value in data.values()
    )


_Statements = Callable[[SourceFile, Mapping[str, Any], Catalogue, str], Iterator[Stated]]
_KINDS: tuple[tuple[Callable[[Mapping[str, Any]], bool], _Statements], ...] = (
    (lambda data: "chips" in data, gpus.from_supported_gpus),
    (lambda data: "info" in data and "releases" in data, pypi.from_metadata),
    (_has_branches, drivers.from_releases),
)
"""Forms of JSON lists -> what reads them."""
