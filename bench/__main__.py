"""`python -m bench`: start a lab, converge it, measure, and write bench/results.json and docs/benchmarks.md."""

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
from contextlib import contextmanager
from pathlib import Path

from bench import collect, measure, stored
from bench.measure import Row, Sample

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DLCONF, PLAYBOOK = str(BIN / "dlconf"), str(BIN / "ansible-playbook")
RESOLVE = ["resolve", "--gpu", "RTX 3090", "--os", "ubuntu-22.04", "--want", "pytorch"]


def lab(state: Path, *words: str) -> None:
    """Run a verb of the container lab."""
    command = [sys.executable, "-m", "tests.lab", *words, "--name", "bench", "--state", str(state)]
    subprocess.run(command, cwd=ROOT, check=True)


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


@contextmanager
def running_lab(state: Path, hosts: int, *, stays: bool) -> Iterator[str]:
    """Bring a lab up where it is not yet, and give its inventory; one that does not stay is ended."""
    lab(state, "up", "--hosts", str(hosts))
    try:
        yield str(state / "hosts.ini")
    finally:
        if not stays:
            lab(state, "down")


def rerun(inventory: str, hosts: int, runs: int, log: Path) -> list[Row]:
    """Time a second apply beside every task of every role, on the same converged hosts."""
    subprocess.run([DLCONF, "apply", inventory, "--yes"], cwd=ROOT, check=True)
    every_task = [PLAYBOOK, "-i", inventory, "playbooks/site.yml", "-e", "dlconf_all=true"]
    return [
        measure.beside(
            ("second apply, nothing to change", [DLCONF, "apply", inventory, "--yes"]),
            ("ansible-playbook, every task", [*every_task, "-f", str(hosts)]),
            20.0,
            runs=runs,
            cwd=ROOT,
            log=log,
        )
    ]


def describe() -> str:
    """Return the machine in one line, without its name."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def as_page(rows: list[Row], machine: str) -> str:
    """Return docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`: medians of runs taken in turn after a warm-up, all in one run. The ratio says",
        "how many times faster the measure is than what it is set against; for a limit, how often it fits in.",
        "",
        f"Machine: {machine}. The hosts are containers on the same machine.",
        "",
        "| measure | against | ratio | goal | met | runs | wall s (lowest-highest) | against | CPU s | against | MiB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        walls = [
            f"{wall[0]:.3g} ({wall[1]:.3g}-{wall[2]:.3g})" if wall else ""
            for wall in (row.wall_s, row.against_wall_s)
        ]
        against_cpu = "" if row.against_cpu_s is None else f"{row.against_cpu_s:.3g}"
        peak = "" if row.peak_mib is None else f"{row.peak_mib:.0f}"
        lines.append(
            f"| {row.measure} | {row.against} | {row.ratio} | {row.goal} | {'yes' if row.met else 'no'} | {row.runs} "
            f"| {walls[0]} | {walls[1]} | {row.cpu_s:.3g} | {against_cpu} | {peak} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all, print and write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side (default 5)")
    parser.add_argument("--hosts", type=int, default=4, help="hosts of the lab (default 4)")
    parser.add_argument("--lab", type=Path, help="folder of a lab that is up, or stays up for more")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dlconf-bench-") as folder:
        log = Path(folder, "commands.log")
        try:
            rows = processes(options.runs, log)
            rows += resolving(options.runs, log)
            rows += planning(Path(folder, "stored"), options.runs, log)
            rows += collect.rows(4 * options.runs, log)
            state = (options.lab or Path(folder, "lab")).absolute()
            with running_lab(state, options.hosts, stays=bool(options.lab)) as inventory:
                rows += rerun(inventory, options.hosts, options.runs, log)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error}\n{log.read_text(errors='replace')[-3000:] if log.exists() else ''}")
    results = [dataclasses.asdict(row) | {"met": row.met} for row in rows]
    (ROOT / "bench" / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    page = as_page(rows, describe())
    (ROOT / "docs" / "benchmarks.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
