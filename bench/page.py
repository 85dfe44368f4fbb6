"""The results that are kept: bench/results.json, and docs/benchmarks.md, which shows them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.measure import Row

HEAD = """\
# Benchmarks

Written by `make bench`: medians of rounds in which each command runs once, after a round to warm up; rows with one date
are of one run. The ratio says how many times faster the measure is than what it is set against, as the median of the
rounds; for a limit, how often it fits in. Re-runs and ping use the connections that Ansible keeps open for a minute;
pyinfra opens its own each time. Plain Ansible is timed with nothing to do for both kinds of re-run.
`.venv/bin/python -m bench --only ping --hosts 2` measures some rows only, and prints them; with `--keep` they replace
those of an earlier run here.

Machine: {machine}. The hosts are containers on the same machine, so what runs on them takes
its share of these cores. CPU is that of the command and of all it starts here, all CPU that of the whole machine with
the hosts; memory is that of the command's largest process.

"""
COLUMNS = (
    *("measure", "against", "ratio", "goal", "met", "runs", "wall s (range)", "against"),
    *("CPU s", "against", "all CPU s", "against", "MiB", "against", "run"),
)
FIELDS = {field.name for field in dataclasses.fields(Row)}


def load(path: Path) -> list[Row]:
    """Return the rows of bench/results.json."""
    rows = json.loads(path.read_text())
    return [Row(**{name: row[name] for name in row.keys() & FIELDS}) for row in rows]


def merge(rows: Iterable[Row], new: Row) -> list[Row]:
    """Return the rows with a new one in the place of the same measure against the same, or at the end."""
    rows = list(rows)
    known = [(row.measure, row.against) for row in rows]
    key = new.measure, new.against
    at = known.index(key) if key in known else len(rows)
    return [*rows[:at], new, *rows[at + 1 :]]


def write(rows: Iterable[Row], machine: str, results: Path, page: Path) -> None:
    """Write both files."""
    rows = list(rows)
    told = [dataclasses.asdict(row) | {"met": row.met} for row in rows]
    results.write_text(json.dumps(told, indent=2) + "\n")
    page.write_text(text(rows, machine))


def text(rows: Iterable[Row], machine: str) -> str:
    """Return docs/benchmarks.md."""
    head = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    return HEAD.format(machine=machine) + "\n".join([*head, *map(line, rows)]) + "\n"


def line(row: Row) -> str:
    """Return a row's line of the table."""
    cells = [
        row.measure,
        row.against,
        f"{row.ratio:g}",
        f"{row.goal:g}",
        "yes" if row.met else "no",
    ]
    cells += [str(row.runs), wall(row.wall_s), wall(row.against_wall_s)]
    cells += [f"{row.cpu_s:.3g}", number(row.against_cpu_s)]
    cells += [number(row.machine_cpu_s), number(row.against_machine_cpu_s)]
    cells += [number(row.peak_mib), number(row.against_peak_mib), row.run]
    return _line(cells)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def wall(seconds: Sequence[float]) -> str:
    """Return median, lowest and highest."""
    return "{:.3g} ({:.3g}-{:.3g})".format(*seconds) if seconds else ""


def number(value: float | None) -> str:
    """Return a number, or nothing where it was not measured."""
    return "" if value is None else f"{value:.3g}"
