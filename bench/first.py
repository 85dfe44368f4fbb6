"""The first apply on bare hosts, beside a shell script for each over parallel SSH."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from bench import measure
from bench.lab import DLCONF, ROOT, Lab
from bench.measure import Row
from tests.lab.states import states

SCRIPT = Path(__file__).parent / "peers" / "first.sh"


def row(lab: Lab, folder: Path, runs: int, log: Path, *, warm_up: bool) -> Row:
    """Time both on new machines for each run."""

    def renew() -> None:
        lab.verb("down")
        lab.verb("up")

    folder.mkdir()
    with lab.up():
        for host, state in states(lab.inventory, folder / "contracts").items():
            wished = (lab.state / "host_vars" / f"{host}.yml").read_text()
            (folder / f"{host}.sh").write_text(script(state, yaml.safe_load(wished)))
        ours = f"first apply, {lab.size} hosts"
        theirs = "a shell script a host over parallel SSH"
        commands = {
            ours: [DLCONF, "apply", lab.inventory, "--yes"],
            theirs: [sys.executable, "-m", "bench.first", str(lab.state), str(folder)],
        }
        samples = measure.in_turn(
            commands,
            runs=runs,
            cwd=ROOT,
            log=log,
            before=dict.fromkeys(commands, renew),
            warm_up=warm_up,
        )
        return measure.compared((ours, samples[ours]), (theirs, samples[theirs]), 1 / 1.3)


def script(state: Mapping[str, Any], wished: Mapping[str, Any]) -> str:
    """Return the script of a host: its values, and what is done with them.

    Args:
        state: the result of the state task.
        wished: the host's variables.
    """
    install, facts = state["resolution"]["install"], state["facts"]
    driver, cuda, cudnn = (install[name] or {} for name in ("driver", "cuda", "cudnn"))
    environments = [
        "|".join(
            [
                framework["environment"],
                wished.get("frameworks_index_url") or framework["index_url"] or "",
                ",".join(framework["requirements"]),
            ]
        )
        for framework in install["frameworks"]
    ]
    values = {
        "codename": facts["os"]["codename"],
        "headers": "linux-headers-amd64",
        "driver_packages": " ".join(driver.get("packages", [])),
        "cuda_repository": cuda.get("repository_url", ""),
        "cuda_packages": " ".join(cuda.get("packages", [])),
        "cudnn_repository": cudnn.get("repository_url", ""),
        "cudnn_packages": " ".join(cudnn.get("packages", [])),
        "conda_url": install["anaconda"]["url"],
        "python": install["frameworks"][0]["python"] if environments else "",
        "environments": " ".join(environments),
    }
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    return "".join(lines) + SCRIPT.read_text()


def main() -> None:
    """Run the script of each host of a lab, all at a time: `python -m bench.first LAB SCRIPTS`."""
    lab, folder = Lab(Path(sys.argv[1]), 0), Path(sys.argv[2])

    def run(host: str) -> int:
        with (folder / f"{host}.sh").open() as text:
            return subprocess.run(lab.ssh(host, "bash", "-s"), stdin=text, check=False).returncode

    with ThreadPoolExecutor(len(lab.hosts)) as pool:
        failed = [
            host for host, code in zip(lab.hosts, pool.map(run, lab.hosts), strict=True) if code
        ]
    if failed:
        sys.exit(f"the script failed on {', '.join(failed)}")


if __name__ == "__main__":
    main()
