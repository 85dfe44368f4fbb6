"""Reading a catalogue file: sections of rows, one row a line.

The files are YAML. A row written as `- {"id": "1b06", ...}` with quoted names is JSON as well,
and a file of such rows only is read by the standard library's JSON reader, which is some forty
times faster than YAML's and gives the same values. Anything else goes to the YAML reader.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dlconf.catalogue.problem import CatalogueError

Sections = dict[str, list[dict[str, Any]]]

_HEADING = re.compile(r"([a-z_]+):( \[\])?")


def read_sections(path: Path) -> Sections:
    """Read a catalogue file.

    Returns:
        Section name -> rows as plain mappings, references to the file's `sources` resolved.

    Raises:
        CatalogueError: the file cannot be read, is no YAML, or is no mapping of lists of rows.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CatalogueError(f"{path}: cannot be read: {why}") from error
    sections = read_lines(text)
    if sections is None:
        sections = _read_yaml(text, path)
    return _resolve_sources(sections)


def read_lines(text: str) -> Sections | None:
    """Read rows of one JSON line each; None when the file is written in any other way."""
    sections: Sections = {}
    rows: list[dict[str, Any]] | None = None
    loads = json.loads
    for line in text.splitlines():
        if line.startswith("- {") and rows is not None:
            try:
                rows.append(loads(line[2:]))
            except ValueError:
                return None
        elif heading := _HEADING.fullmatch(line):
            if heading[1] in sections:
                return None
            rows = sections.setdefault(heading[1], [])
        elif line and not line.startswith("#"):
            return None
    return sections


def _read_yaml(text: str, path: Path) -> Sections:
    import yaml  # noqa: PLC0415 - the bundled files do not need it, and it is slow to load

    try:
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path}: not YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise CatalogueError(f"{path}: expected sections of rows, found {type(data).__name__}")
    for name, rows in data.items():
        if not isinstance(rows, list):
            raise CatalogueError(f"{path}: {name}: expected a list of rows, found {rows!r}")
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict):
                raise CatalogueError(f"{path}: {name} row {number}: expected a row, found {row!r}")
    return data


def _resolve_sources(sections: Sections) -> Sections:
    """Put the text of the file's `sources` section where a row's source is `@id`.

    An id without a text stays as it is: the form of a source forbids it.
    """
    texts = {row.get("id"): row.get("text") for row in sections.pop("sources", [])}
    for rows in sections.values():
        for row in rows:
            source = row.get("source")
            if isinstance(source, str) and source.startswith("@"):
                row["source"] = texts.get(source[1:], source)
    return sections
