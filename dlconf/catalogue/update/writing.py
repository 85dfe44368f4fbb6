"""Writing changes into data files of one row a line, and checking them before they are kept."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from dlconf.catalogue import loader
from dlconf.catalogue.problem import CatalogueError, Problem
from dlconf.catalogue.reader import read_lines
from dlconf.catalogue.sections import SECTIONS
from dlconf.catalogue.update.comparison import Change

Row = dict[str, Any]
_LAST = ("notes", "source", "verified")


def write(changes: Sequence[Change], site_file: Path | None = None) -> list[Path]:
    """Write changes into the bundled files, or over them into a site's file; return what was written.

    All or nothing: the result is checked as `dlconf catalogue check` does before it is kept.

    Raises:
        CatalogueError: the result would have a problem, the site's file is not written one row a
            line, or a file cannot be written.
    """
    data = loader.DATA
    with tempfile.TemporaryDirectory(prefix="dlconf-catalogue-") as name:
        folder = Path(name)
        if site_file is None:
            shutil.copytree(data, folder, dirs_exist_ok=True)
            written = {SECTIONS[change.section].file for change in changes}
            for file in written:
                _rewrite(folder / file, [c for c in changes if SECTIONS[c.section].file == file])
            _refuse(loader.check(data=folder))
            targets = {folder / file: data / file for file in sorted(written)}
        else:
            copy = folder / site_file.name
            if site_file.exists():
                shutil.copyfile(site_file, copy)
            _rewrite(copy, changes)
            _refuse(loader.check([copy]))
            targets = {copy: site_file}
        for made, target in targets.items():
            _put(made, target)
    loader.forget()
    return list(targets.values())


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise CatalogueError(
            f"nothing was written, since the catalogue would not be sound any more: {problems[0]}{more}",
            hint="look at the source, or change the row by hand; docs/catalogue.md says how",
        )


def _put(made: Path, target: Path) -> None:
    """Put a file in the place of another in one step."""
    beside = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(made, beside)
        beside.replace(target)
    except OSError as error:
        raise CatalogueError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def _rewrite(file: Path, changes: Iterable[Change]) -> None:
    """Change the rows of a file, and add new ones where they belong; other lines stay as they are."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    if read_lines("\n".join(lines)) is None:
        raise CatalogueError(
            f"{file.name}: not written one row a line, so it cannot be changed without losing its form",
            hint="name another file with --to; dlconf_catalogue takes several",
        )
    for change in changes:
        _apply(lines, change)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _apply(lines: list[str], change: Change) -> None:
    first = next((i for i, line in enumerate(lines, 1) if line == f"{change.section}:"), None)
    if first is None:
        lines.append(f"{change.section}:")
        first = len(lines)
    rows: list[tuple[int, Row]] = []
    for number in range(first, len(lines)):
        if not lines[number].startswith("- {"):
            if lines[number].strip() and not lines[number].startswith("#"):
                break
            continue
        rows.append((number, json.loads(lines[number][2:])))
    names = SECTIONS[change.section].key
    named = dict(zip(names, change.key, strict=True))
    for number, row in rows:
        if all(row.get(name) == value for name, value in named.items()):
            lines[number] = _line({**row, **change.new, "source": change.source})
            return
    place = next((n for n, row in rows if _BEFORE[change.section](named, row)), None)
    beside = [n for n, row in rows if _is_beside(change.section, named, row)] or [
        n for n, _ in rows
    ]
    end = beside[-1] + 1 if beside else first
    fresh = {**named, "source": change.source, **change.new}
    lines.insert(end if place is None else place, _line(fresh))


def _is_beside(section: str, new: Row, row: Row) -> bool:
    """Whether a row is of the same build of a framework."""
    return section == "frameworks" and (row["framework"], row["build"]) == (
        new["framework"],
        new["build"],
    )


def _line(row: Mapping[str, Any]) -> str:
    ordered = {name: value for name, value in row.items() if name not in _LAST}
    ordered |= {name: row[name] for name in _LAST if name in row}
    return f"- {json.dumps(ordered, ensure_ascii=False)}"


_BEFORE: Mapping[str, Callable[[Row, Row], bool]] = {
    "gpus": lambda new, row: bool(row["id"] > new["id"]),
    "drivers": lambda new, row: int(row["branch"]) > int(new["branch"]),
    "frameworks": lambda new, row: (
        _is_beside("frameworks", new, row) and Version(row["version"]) < Version(new["version"])
    ),
}
"""Section -> whether a new row belongs before a row: by id, by branch, newest first of a build."""
