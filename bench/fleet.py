"""Many hosts: this machine under many names, over local connections. `collect` really runs for each."""

from __future__ import annotations

import os
from pathlib import Path

from bench import measure
from bench.lab import DLCONF, ROOT
from bench.measure import Row

FEW, MANY = 25, 200
VARIABLES = """
[all:vars]
ansible_connection=local
ansible_python_interpreter=/usr/bin/python3
dlconf_become=false
"""


def inventory(folder: Path, hosts: int) -> str:
    """Write an inventory of so many hosts, and return its path."""
    path = folder / f"fleet{hosts}.ini"
    names = "".join(f"host{number:03}\n" for number in range(hosts))
    path.write_text(names + VARIABLES)
    return str(path)


def row(folder: Path, runs: int, log: Path) -> Row:
    """Set the seconds a host of many against those of few.

    A plan and no apply: it takes the same look, and these hosts are in nobody's order.
    """
    few, many = f"{FEW} hosts, a host", f"a look at {MANY} hosts, local connections"
    commands = {
        name: [DLCONF, "plan", "--json", inventory(folder, hosts)]
        for name, hosts in ((few, FEW), (many, MANY))
    }
    samples = measure.in_turn(commands, runs=runs, cwd=ROOT, log=log)
    found = measure.compared((many, samples[many]), (few, samples[few]), 0.9)
    rate = MANY / found.wall_s[0] / (os.cpu_count() or 1)
    return measure.rescaled(
        found, MANY / FEW, f"{found.measure}: {rate:.2f} hosts a second and core"
    )
