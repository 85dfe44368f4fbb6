"""Time commands in turn and compare their medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One run of a command.

    Attributes:
        wall_s, cpu_s: wall and CPU seconds, children included.
        peak_mib: the most memory that its process had.
        machine_cpu_s: CPU seconds of this machine, on which the hosts are containers.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float = 0.0
    machine_cpu_s: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the results: a measure, what it is compared with, and whether its goal was met.

    Attributes:
        measure: what was timed.
        against: the other command, or the limit.
        ratio: how many times faster than `against`; for a limit, limit over measured.
        goal: the least ratio wanted.
        runs: timed runs of each side, after a warm-up.
        wall_s: median, lowest and highest wall seconds of the measured side.
        against_wall_s: the same of the other side; empty for a limit.
        cpu_s: median CPU seconds of the measured side, on this machine and without what SSH starts.
        against_cpu_s: the same of the other side, or None.
        peak_mib: the most memory of the largest process of any run of the measured side, in MiB; None = not measured.
        against_peak_mib: the same of the other side.
        machine_cpu_s: median CPU seconds of the whole machine for the measured side, None = not measured.
        against_machine_cpu_s: the same of the other side.
        run: when the run of the benchmark began, in UTC: what one run measured is alike in it.
    """

    measure: str
    against: str
    ratio: float
    goal: float
    runs: int
    wall_s: tuple[float, ...]
    against_wall_s: tuple[float, ...]
    cpu_s: float
    against_cpu_s: float | None
    peak_mib: float | None = None
    against_peak_mib: float | None = None
    machine_cpu_s: float | None = None
    against_machine_cpu_s: float | None = None
    run: str = ""

    @property
    def met(self) -> bool:
        """Whether the goal was reached."""
        return self.ratio >= self.goal


def run(command: Sequence[str], cwd: Path, log: Path) -> Sample:
    """Run a command once and return its times.

    Raises:
        subprocess.CalledProcessError: the command failed, so its time means nothing.
    """
    started, busy = time.perf_counter(), machine_cpu_s()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    own_s = used.ru_utime + used.ru_stime
    return Sample(wall_s, own_s, used.ru_maxrss / 1024, machine_cpu_s() - busy)


def machine_cpu_s() -> float:
    """Return the CPU seconds of this machine since it started (proc(5): user, nice, system, irq, softirq)."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split()[1:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def spread(samples: Sequence[Sample]) -> tuple[float, ...]:
    """Return median, lowest and highest wall seconds."""
    walls = [sample.wall_s for sample in samples]
    return tuple(round(value, 4) for value in (statistics.median(walls), min(walls), max(walls)))


def cpu(samples: Sequence[Sample]) -> float:
    """Return the median CPU seconds."""
    return round(statistics.median(sample.cpu_s for sample in samples), 4)


def of_machine(samples: Sequence[Sample]) -> float:
    """Return the median CPU seconds of the whole machine."""
    return round(statistics.median(sample.machine_cpu_s or 0.0 for sample in samples), 4)


def within(
    measure: str, command: Sequence[str], limit_s: float, *, runs: int, cwd: Path, log: Path
) -> Row:
    """Time a command against a limit in seconds."""
    run(command, cwd, log)
    return limited(measure, [run(command, cwd, log) for _ in range(runs)], limit_s)


def limited(measure: str, samples: Sequence[Sample], limit_s: float) -> Row:
    """Compare samples with a limit in seconds."""
    ratio = round(limit_s / statistics.median(sample.wall_s for sample in samples), 2)
    walls = spread(samples)
    return Row(measure, f"{limit_s} s", ratio, 1.0, len(samples), walls, (), cpu(samples), None)


def in_memory(measure: str, samples: Sequence[Sample], limit_mib: float) -> Row:
    """Compare the most memory that a command had with a limit in MiB."""
    peak = max(sample.peak_mib for sample in samples)
    ratio, walls = round(limit_mib / peak, 2), spread(samples)
    against = f"{limit_mib:.0f} MiB"
    return Row(
        measure, against, ratio, 1.0, len(samples), walls, (), cpu(samples), None, round(peak)
    )


def peak(samples: Sequence[Sample]) -> float:
    """Return the most memory of any run, in MiB."""
    return round(max(sample.peak_mib for sample in samples))


def in_turn(
    commands: Mapping[str, Sequence[str]],
    *,
    runs: int,
    cwd: Path,
    log: Path,
    before: Mapping[str, Callable[[], None]] | None = None,
    warm_up: bool = True,
) -> dict[str, list[Sample]]:
    """Time commands in rounds, so that a change of the machine's speed meets all of them.

    Args:
        commands: name -> command, in the order of a round.
        runs: timed rounds.
        before: name -> what makes ready for each of its runs, untimed.
        warm_up: begin with a round that does not count.
    """
    ready = before or {}
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(0 if warm_up else 1, runs + 1):
        for name, command in commands.items():
            ready.get(name, lambda: None)()
            sample = run(command, cwd, log)
            print(f"  round {number}, {name}: {sample.wall_s:.2f} s", file=sys.stderr, flush=True)
            if number:
                samples[name].append(sample)
    return samples


def compared(
    measure: tuple[str, Sequence[Sample]], against: tuple[str, Sequence[Sample]], goal: float
) -> Row:
    """Compare the samples of two commands, round by round.

    Args:
        measure: name and samples of the measured side.
        against: the same of the other.
        goal: the least ratio wanted.
    """
    ours, theirs = measure[1], against[1]
    ratio = statistics.median(b.wall_s / a.wall_s for a, b in zip(ours, theirs, strict=True))
    return Row(
        measure[0],
        against[0],
        round(ratio, 2),
        round(goal, 2),
        len(ours),
        spread(ours),
        spread(theirs),
        cpu(ours),
        cpu(theirs),
        peak(ours),
        peak(theirs),
        of_machine(ours),
        of_machine(theirs),
    )


def rescaled(row: Row, factor: float, name: str) -> Row:
    """Return a row whose measured side did so many times the work of the other, under another name."""
    return replace(row, measure=name, ratio=round(row.ratio * factor, 2))
