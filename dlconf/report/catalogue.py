"""Rows of the catalogue as tables and as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dlconf.catalogue import Catalogue, model
from dlconf.catalogue.sections import SECTIONS
from dlconf.report.text import columns, count

Cells = tuple[str, ...]


def _gpu(row: model.Gpu) -> Cells:
    sizes = "/".join(str(size) for size in row.memory_mib)
    capability = row.compute_capability or ""
    modules, last = row.kernel_modules, row.last_branch or ""
    return row.id, row.name, row.chip or "", row.architecture, capability, sizes, modules, last


def _driver(row: model.DriverBranch) -> Cells:
    drives = " to ".join(dict.fromkeys((row.architectures[0], row.architectures[-1])))
    flavours = ", ".join(row.flavours)
    kind, end = row.type.replace("_", "-"), row.end_of_life or "not published"
    return row.branch, row.latest_version, kind, end, drives, flavours, row.cuda or ""


def _cuda(row: model.CudaRelease) -> Cells:
    codes = f"sm_{min(row.sm)} to sm_{max(row.sm)}"
    least = row.min_driver_minor_compat or ""
    gcc = str(row.gcc_max)
    return row.version, row.min_driver_native, least, codes, gcc, ", ".join(row.distros)


def _cudnn(row: model.CudnnBuild) -> Cells:
    serves = row.cuda or f"{row.cuda_major}.x"
    return row.version, serves, row.min_compute_capability, row.min_driver, row.packages[0]


def _framework(row: model.FrameworkBuild) -> Cells:
    pythons = " to ".join(dict.fromkeys((row.python[0], row.python[-1]))) if row.python else ""
    codes = "" if row.sm is None else f"sm_{min(row.sm)} to sm_{max(row.sm)}"
    state = "" if row.installable else "cannot be installed any more"
    return row.framework, row.version, row.build, row.cuda or row.device, pythons, codes, state


TABLES: Mapping[str, tuple[Cells, Callable[[Any], Cells]]] = {
    "gpus": (
        ("id", "name", "chip", "architecture", "capability", "MiB", "modules", "last branch"),
        _gpu,
    ),
    "drivers": (
        ("branch", "newest", "type", "end of life", "architectures", "modules", "CUDA"),
        _driver,
    ),
    "cuda": (("version", "driver", "at least", "code", "gcc", "systems"), _cuda),
    "cudnn": (("version", "CUDA", "capability from", "driver from", "package"), _cudnn),
    "frameworks": (("framework", "version", "build", "CUDA", "Python", "code", ""), _framework),
}
"""The kinds that are listed -> the heads of the columns, and the cells of a row."""


def table(catalogue: Catalogue, kind: str) -> str:
    """Return the rows of a kind below their heads, in the order of the data file."""
    heads, cells = TABLES[kind]
    rows = catalogue.rows(kind)
    lines = [(*cells(row), "" if row.verified else "not verified") for row in rows]
    return "\n".join([*columns([(*heads, ""), *lines], indent=0), count(len(rows), "row")])


def overview(catalogue: Catalogue) -> str:
    """Return the sections with their files, how many rows they have and how many are not verified."""
    lines = [
        (row["section"], str(row["rows"]), str(row["not_verified"]), row["file"])
        for row in _sections(catalogue)
    ]
    heads = ("section", "rows", "not verified", "file")
    known = f"as of {catalogue.as_of}; list one of: {', '.join(TABLES)}"
    return "\n".join([*columns([heads, *lines], indent=0), known])


def rows_data(catalogue: Catalogue, kind: str | None) -> dict[str, Any]:
    """Return the rows of a kind as JSON data, or the overview where none is named."""
    if kind is None:
        return {"schema": 1, "as_of": catalogue.as_of, "sections": _sections(catalogue)}
    return {"schema": 1, kind: [asdict(row) for row in catalogue.rows(kind)]}


def _sections(catalogue: Catalogue) -> Sequence[dict[str, Any]]:
    return [
        {
            "section": name,
            "rows": len(rows),
            "not_verified": sum(not row.verified for row in rows),
            "file": SECTIONS[name].file,
        }
        for name in catalogue.sections()
        for rows in [catalogue.rows(name)]
    ]
