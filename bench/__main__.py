"""`python -m bench`: measure beside what a user would run instead; writes bench/results.json, docs/benchmarks.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from bench import collect, first, fleet, measure, page, rerun, stored
from bench.lab import DLCONF, ROOT, Lab
from bench.measure import Row, Sample

RESULTS = ROOT / "bench" / "results.json"
RESOLVE = ["resolve", "--gpu", "RTX 3090", "--os", "ubuntu-22.04", "--want", "pytorch"]
OF_A_LAB = ("ping", "pyinfra", "mitogen", "plain", "drift")
NAMES = ("commands", "stored", "collect", "fleet", *OF_A_LAB, "first")


def processes(runs: int, log: Path) -> list[Row]:
    """Time the commands that touch no host."""
    return [
        measure.within("dlconf --help", [DLCONF, "--help"], 0.2, runs=4 * runs, cwd=ROOT, log=log),
        measure.within("dlconf resolve", [DLCONF, *RESOLVE], 0.5, runs=2 * runs, cwd=ROOT, log=log),
    ]


def resolving(runs: int, log: Path) -> list[Row]:
    """Time one resolve in a process that has done some."""
    command = [sys.executable, "-m", "bench.warm", str(runs)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    log.write_text(done.stderr)
    samples = [Sample(seconds, seconds) for seconds in json.loads(done.stdout)]
    return [measure.limited("one resolve, warm", samples, 0.005)]


def planning(folder: Path, runs: int, log: Path) -> list[Row]:
    """Time the plans of ten thousand stored hosts of two hundred kinds, and see how much memory they take."""
    stored.make(folder, hosts=10_000, kinds=200)
    command = [DLCONF, "plan", "--facts", str(folder)]
    samples = [measure.run(command, ROOT, log) for _ in range(runs)]
    return [
        measure.limited("dlconf plan --facts, 10,000 hosts", samples, 10.0),
        measure.in_memory("the same, memory", samples, 400),
    ]


def describe() -> str:
    """Return the machine in one line, without its name."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def measured(options: argparse.Namespace, folder: Path, log: Path) -> Iterator[Row]:
    """Measure what is wanted, row by row."""

    def wanted(name: str) -> bool:
        return not options.only or name in options.only

    runs = options.runs
    if wanted("commands"):
        yield from processes(runs, log)
        yield from resolving(runs, log)
    if wanted("stored"):
        yield from planning(folder / "stored", runs, log)
    if wanted("collect"):
        yield from collect.rows(4 * runs, log)
    if wanted("fleet"):
        yield fleet.row(folder, runs, log)
    if any(map(wanted, OF_A_LAB)):
        lab = Lab((options.lab or folder / "lab").absolute(), options.hosts)
        with nullcontext() if options.lab else lab.up():
            rerun.prepare(lab, folder, log)
            yield from rerun.rows(wanted, lab, folder, runs, log)
    if wanted("first"):
        bare = Lab(folder / "bare", options.hosts, "bench-first")
        warm = any(map(wanted, OF_A_LAB))  # bringing that lab in order was a first apply too
        yield first.row(bare, folder / "first", options.first_runs, log, warm_up=not warm)


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", choices=NAMES, help="print only these rows; may be repeated")
    add("--keep", action="store_true", help="write them, in place of those of an earlier run")
    add("--runs", type=int, default=5, help="timed runs of each side (default 5)")
    add("--first-runs", type=int, default=5, help="the same of first applies (default 5)")
    add("--hosts", type=int, default=8, help="hosts of the lab (default 8)")
    add("--lab", type=Path, help="folder of a lab that is up and stays up, instead of a new one")
    options = parser.parse_args()
    started = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    rows = page.load(RESULTS) if options.keep else []
    with tempfile.TemporaryDirectory(prefix="dlconf-bench-") as folder:
        log = Path(folder, "commands.log")
        try:
            for row in measured(options, Path(folder), log):
                print(page.line(row), flush=True)
                rows = page.merge(rows, dataclasses.replace(row, run=started))
                if options.keep or not options.only:  # at once: the next row may take an hour
                    page.write(rows, describe(), RESULTS, ROOT / "docs" / "benchmarks.md")
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error}\n{log.read_text(errors='replace')[-3000:] if log.exists() else ''}")


if __name__ == "__main__":
    main()
