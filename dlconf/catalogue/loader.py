"""Loading the catalogue: the bundled files, and a site's own rows over them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.model import Row
from dlconf.catalogue.problem import MISSING, CatalogueError, Place, Problem
from dlconf.catalogue.reader import Sections, read_sections
from dlconf.catalogue.references import all_problems, problems
from dlconf.catalogue.schema import build, default_of, row_problems
from dlconf.catalogue.sections import SECTIONS

DATA = Path(__file__).parent / "data"

Key = tuple[Any, ...]
RawRow = Mapping[str, Any]
RawRows = dict[Key, RawRow]


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
    sections = _LazySections(data, site_files, _refuse)
    catalogue = Catalogue(sections)
    for file in site_files:
        for name, keys in sections.site[file].items():
            rows = [sections.by_key(name)[key] for key in keys]
            for problem in problems(catalogue, name, rows, str(file)):
                _refuse(problem)
    return catalogue


def forget() -> None:
    """Let the next load read the files again, after they were written."""
    _load.cache_clear()


def check(site_files: Sequence[Path] = (), data: Path | None = None) -> list[Problem]:
    """List everything that is wrong with the catalogue and a site's files over it.

    A row that is wrong by itself is left out when the others are compared with one another.

    Args:
        site_files: later ones go over earlier.
        data: folder of the files below them; None = the bundled ones.

    Raises:
        CatalogueError: a file cannot be read at all.
    """
    found: list[Problem] = []
    sections = _LazySections(data or DATA, tuple(map(Path, site_files)), found.append)
    catalogue = Catalogue(sections)
    for name in SECTIONS:
        catalogue.rows(name)
    for problem in all_problems(catalogue):
        file = sections.places[problem.section, problem.row].file
        found.append(replace(problem, file=file))
    return found


def _refuse(problem: Problem) -> None:
    raise CatalogueError.of(problem)


class _LazySections(Mapping[str, Sequence[Row]]):
    """Sections by name; a file is read and its rows are built when first asked for.

    Args:
        data: folder of the bundled files.
        site_files: a site's files; they are read at once, and later ones go over earlier.
        report: is told of each problem, and may raise it; if it does not, the row is left out.
    """

    def __init__(
        self, data: Path, site_files: Sequence[Path], report: Callable[[Problem], None]
    ) -> None:
        self._data = data
        self._report = report
        self._files: dict[str, Sections] = {}
        self._rows: dict[str, dict[Key, Row]] = {}
        self.places: dict[tuple[str, str], Place] = {}
        """Where the row of a section with a label stands, once the section has been read."""
        self.site = {file: self._site_rows(file) for file in site_files}

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

    def _site_rows(self, file: Path) -> dict[str, RawRows]:
        found = {}
        for name, rows in read_sections(file).items():
            if name in SECTIONS and name != "meta":
                found[name] = self._by_key(name, rows, str(file))
            else:
                near = difflib.get_close_matches(name, list(SECTIONS), n=1, cutoff=0.5)
                hint = f"Did you mean {near[0]}?" if near else "Sections: " + ", ".join(SECTIONS)
                self._report(Problem(str(file), name, "", "", "", MISSING, hint))
        return found

    def _by_key(self, name: str, rows: Sequence[RawRow], file: str) -> RawRows:
        """Give rows as read by their keys; a row without one, or whose key is taken, is told of."""
        found: RawRows = {}
        for number, row in enumerate(rows, 1):
            key, missing = _key(name, row)
            if missing:
                expected = "a value, which is part of the row's name"
                self._report(Problem(file, name, f"row {number}", missing, expected, MISSING))
            elif key in found:
                self._report(Problem(file, name, _label(key), "", "one row of that name", 2))
            else:
                found[key] = row
        return found

    def _build(self, name: str) -> dict[Key, Row]:
        section = SECTIONS[name]
        if section.file not in self._files:
            self._files[section.file] = read_sections(self._data / section.file)
        raw = self._by_key(name, self._files[section.file].get(name, []), section.file)
        files = dict.fromkeys(raw, section.file)
        for file, sections in self.site.items():
            for key, row in sections.get(name, {}).items():
                files[key] = str(file)
                if "source" not in row and key in raw:
                    expected = "where the facts of this file come from"
                    place = Place(str(file), name, _label(key))
                    self._report(Problem(*place, "source", expected, MISSING))
                raw[key] = {**raw.get(key, {}), "verified": True, **row}
        return self._rows_of(name, raw, files)

    def _rows_of(self, name: str, raw: RawRows, files: Mapping[Key, str]) -> dict[Key, Row]:
        kind = SECTIONS[name].kind
        built: dict[Key, Row] = {}
        for key, row in raw.items():
            place = Place(files[key], name, _label(key))
            try:
                built[key] = build(kind, row, place)
            except CatalogueError:
                for problem in row_problems(kind, row, place):
                    self._report(problem)
            self.places[name, place.row] = place
        return built


def _key(name: str, row: RawRow) -> tuple[Key, str]:
    """Give the values of the key fields of a row, defaults filled in, and the field that lacks one."""
    kind = SECTIONS[name].kind
    values = []
    for field in SECTIONS[name].key:
        value = row[field] if field in row else default_of(kind, field)
        if not isinstance(value, (str, int)):
            return (), field
        values.append(value)
    return tuple(values), ""


def _label(key: Key) -> str:
    return " ".join(str(value) for value in key)
