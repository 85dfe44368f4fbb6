"""Prove that the scenarios notice a broken role: `python -m tests.mutants [ROLE...]`.

Each mutant is a copy of the tree with one edit. Its scenario runs there on fresh machines: a machine that the sound
role has been to would hide a removed task.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.mutants.mutant import ROOT, Mutant, load

WORK = ROOT / ".lab-mutants"
CONFIG = Path(".config/molecule/config.yml")


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the step where its scenario ended, and the tests that failed there."""

    mutant: Mutant
    step: str
    failed: tuple[str, ...]
    seconds: float
    log: Path

    @property
    def caught(self) -> bool:
        """Whether the scenario ended where, and by the test that, it must."""
        if self.step == "verify":
            return self.mutant.caught_by in self.failed
        return self.step == self.mutant.caught_by

    def line(self) -> str:
        """The verdict for people."""
        word = "caught" if self.caught else "NOT CAUGHT"
        where = ", ".join(self.failed) or self.step or "nothing failed"
        return (
            f"{word:11}{self.seconds:5.0f} s  {self.mutant.role}: {self.mutant.name} ({where})"
            + ("" if self.caught else f"\n  expected {self.mutant.caught_by}; log: {self.log}")
        )


def plant(mutant: Mutant, tree: Path) -> None:
    """Copy the tree and make the mutant's edit; its scenario runs only the steps that can notice."""
    shutil.rmtree(tree, ignore_errors=True)
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listing.splitlines():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    target = tree / mutant.file
    target.write_text(mutant.mutate(target.read_text(encoding="utf-8")), encoding="utf-8")
    config = yaml.safe_load((tree / CONFIG).read_text(encoding="utf-8"))
    config["scenario"]["test_sequence"] = mutant.steps
    if "check" not in mutant.steps:
        config["verifier"]["additional_files_or_dirs"] = []  # they compare with the check
    (tree / CONFIG).write_text(yaml.safe_dump(config), encoding="utf-8")


def try_out(mutant: Mutant) -> Verdict:
    """Run the mutant's scenario and say what became of it."""
    tree = WORK / mutant.slug
    log = WORK / f"{mutant.slug}.log"
    started = time.monotonic()
    plant(mutant, tree)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(tree),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(tree / ".lab-molecule" / "tmp"),
        "NO_COLOR": "1",
        "COLUMNS": "400",
    }
    with log.open("w", encoding="utf-8") as stream:
        # Molecule looks for its base configuration at the top of the git checkout, which is not the copy.
        command = ["molecule", f"--base-config={tree / CONFIG}", "test", "-s", mutant.role]
        subprocess.run(
            command, cwd=tree, env=environment, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    shutil.rmtree(tree, ignore_errors=True)
    text = log.read_text(encoding="utf-8", errors="replace")
    step = re.search(rf"\[{mutant.role} > (\w+)\] .*Executed: Failed", text)
    failed = dict.fromkeys(re.findall(r"^FAILED \S+::(\w+)", text, re.M))
    seconds = time.monotonic() - started
    return Verdict(mutant, step[1] if step else "", tuple(failed), seconds, log)


def main(roles: Sequence[str], words: str, workers: int) -> int:
    """Try the mutants of these roles, or all, with these words in their names; return 1 where one was not caught."""
    mutants = [
        mutant for mutant in load() if (not roles or mutant.role in roles) and words in mutant.name
    ]
    WORK.mkdir(exist_ok=True)
    survivors = 0
    with ThreadPoolExecutor(workers) as pool:
        for verdict in pool.map(try_out, mutants):
            survivors += not verdict.caught
            print(verdict.line(), flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants caught")
    return 1 if survivors or not mutants else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("roles", nargs="*", help="only these roles' mutants")
    parser.add_argument("--named", default="", help="only those with these words in their names")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time")
    arguments = parser.parse_args()
    sys.exit(main(arguments.roles, arguments.named, arguments.workers))
