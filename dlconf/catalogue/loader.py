"""Loading the catalogue: the bundled files, and a site's own rows over them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.model import Row
from dlconf.catalogue.reader import Sections, read_sections
from dlconf.catalogue.references import problems
from dlconf.catalogue.schema import CatalogueError, build, default_of
from dlconf.catalogue.sections import SECTIONS

DATA = Path(__file__).parent / "data"

Key = tuple[Any, ...]


def load(site_files: Sequence[Path] = ()) -> Catalogue:
    """Give the catalogue, with a site's files over the bundled rows, later files over earlier.

    A site row whose key is known replaces the fields it gives and keeps the rest; it must have a
    source of its own, and counts as verified unless it says otherwise. The same files give the
    same catalogue object for the life of the process. Sections are read when first asked for.

    Raises:
        CatalogueError: a row cannot be used; at once for the site's files, and for the bundled
            ones when their section is first read.
    """
    return _load(tuple(Path(file) for file in site_files), DATA)


@cache
def _load(site_files: tuple[Path, ...], data: Path) -> Catalogue:
    sections = _LazySections(data, [(file, _site_sections(file)) for file in site_files])
    catalogue = Catalogue(sections)
    for file in site_files:
        for name, keys in sections.site_keys[file].items():
            rows = [sections.by_key(name)[key] for key in keys]
            for problem in problems(catalogue, name, rows):
                raise CatalogueError(f"{file}: {problem}")
    return catalogue


def _site_sections(file: Path) -> Sections:
    sections = read_sections(file)
    for name in sections:
        if name not in SECTIONS or name == "meta":
            near = difflib.get_close_matches(name, list(SECTIONS), n=1, cutoff=0.5)
            raise CatalogueError(
                f"{file}: {name}: unknown section",
                hint=f"Did you mean {near[0]}?" if near else "Sections: " + ", ".join(SECTIONS),
            )
    return sections


class _LazySections(Mapping[str, Sequence[Row]]):
    """Sections by name; a file is read and its rows are built when first asked for."""

    def __init__(self, data: Path, site: Sequence[tuple[Path, Sections]]) -> None:
        self._data = data
        self._site = site
        self._files: dict[str, Sections] = {}
        self._rows: dict[str, dict[Key, Row]] = {}
        self.site_keys: dict[Path, dict[str, list[Key]]] = {
            file: {
                name: [
                    _key(name, row, f"{file}: {name} row {number}")
                    for number, row in enumerate(rows, 1)
                ]
                for name, rows in sections.items()
            }
            for file, sections in site
        }

    def __getitem__(self, name: str) -> Sequence[Row]:
        return tuple(self.by_key(name).values())

    def __iter__(self) -> Iterator[str]:
        return iter(SECTIONS)

    def __len__(self) -> int:
        return len(SECTIONS)

    def by_key(self, name: str) -> dict[Key, Row]:
        """Give the rows of a section by key, in order: bundled first, then the site's new ones."""
        if name not in self._rows:
            self._rows[name] = self._build(name)
        return self._rows[name]

    def _build(self, name: str) -> dict[Key, Row]:
        section = SECTIONS[name]
        if section.file not in self._files:
            self._files[section.file] = read_sections(self._data / section.file)
        raw: dict[Key, Mapping[str, Any]] = {}
        places: dict[Key, str] = {}
        for number, row in enumerate(self._files[section.file].get(name, []), 1):
            key = _key(name, row, f"{section.file}: {name} row {number}")
            places[key] = f"{section.file}: {name} {_label(key)}"
            if key in raw:
                raise CatalogueError(f"{places[key]}: the row stands there twice")
            raw[key] = row
        for file, sections in self._site:
            self._overlay(name, file, sections.get(name, []), raw, places)
        return {key: build(section.kind, row, places[key]) for key, row in raw.items()}

    def _overlay(
        self,
        name: str,
        file: Path,
        rows: Sequence[Mapping[str, Any]],
        raw: dict[Key, Mapping[str, Any]],
        places: dict[Key, str],
    ) -> None:
        for key, row in zip(self.site_keys[file].get(name, []), rows, strict=False):
            places[key] = f"{file}: {name} {_label(key)}"
            if "source" not in row:
                raise CatalogueError(f"{places[key]}: source: missing; say where the row is from")
            raw[key] = {**raw.get(key, {}), "verified": True, **row}


def _key(name: str, row: Mapping[str, Any], where: str) -> Key:
    """Give the values of the key fields of a row as read, defaults filled in."""
    kind = SECTIONS[name].kind
    values = []
    for field in SECTIONS[name].key:
        value = row[field] if field in row else default_of(kind, field)
        if not isinstance(value, (str, int)):
            raise CatalogueError(f"{where}: {field}: missing; it is part of the row's name")
        values.append(value)
    return tuple(values)


def _label(key: Key) -> str:
    return " ".join(str(value) for value in key)
