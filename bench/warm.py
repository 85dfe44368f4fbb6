"""`python -m bench.warm`: times resolves in a process that has done some, and prints each in seconds as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from dlconf.catalogue import load
from dlconf.resolve import resolve
from dlconf.stack import Machine
from dlconf.wishes import Wishes

CASES = Path(__file__).resolve().parents[1] / "tests" / "cases" / "resolve"


def main() -> None:
    """Resolve the described machines of the tests that have a stack, as often as the first argument says."""
    catalogue = load()
    asked = []
    for path in sorted(CASES.glob("*.yml")):
        for case in yaml.safe_load(path.read_text()):
            if "facts" in case["machine"] or "error" in case:
                continue
            wishes: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in (case.get("wishes") or {}).items()
            }
            machine = Machine.described(catalogue=catalogue, **case["machine"])
            asked.append((machine, Wishes(**wishes)))
    seconds: list[float] = []
    for turn in range(int(sys.argv[1]) + 1):
        for machine, wanted in asked:
            started = time.perf_counter()
            resolve(machine, wanted, catalogue)
            if turn:  # the first is the warm-up
                seconds.append(time.perf_counter() - started)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
