"""The page of the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.measure import Row

HEAD = """\
# Benchmarks

Written by `make bench`: medians of runs taken in turn after a warm-up, all in one run. The ratio says
how many times faster the measure is than what it is set against; for a limit, how often it fits in.
`.venv/bin/python -m bench --only ping --hosts 2` measures some rows only, and prints them.

Machine: {machine}. The hosts are containers on the same machine, so what runs on them takes
its share of these cores. CPU is that of the command and of all it starts here; memory that of its largest process.

| measure | against | ratio | goal | met | runs | wall s (lowest-highest) | against | CPU s | against | MiB | against |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def text(rows: Iterable[Row], machine: str) -> str:
    """Return docs/benchmarks.md."""
    return HEAD.format(machine=machine) + "".join(line(row) + "\n" for row in rows)


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
    cells += [number(row.peak_mib), number(row.against_peak_mib)]
    return "| " + " | ".join(cells) + " |"


def wall(seconds: Sequence[float]) -> str:
    """Return median, lowest and highest."""
    return "{:.3g} ({:.3g}-{:.3g})".format(*seconds) if seconds else ""


def number(value: float | None) -> str:
    """Return a number, or nothing where it was not measured."""
    return "" if value is None else f"{value:.3g}"
