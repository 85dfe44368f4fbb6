"""A role broken on purpose, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SHORT = ["destroy", "create", "prepare", "converge", "verify", "destroy"]


@dataclass(frozen=True)
class Mutant:
    """One edit, and what must notice it; mutants.yml explains the fields."""

    role: str
    name: str
    file: str
    old: str
    new: str
    caught_by: str

    @property
    def slug(self) -> str:
        """Name for files: the role and the first words of what is broken."""
        return re.sub(r"\W+", "-", f"{self.role}-{self.name}").lower()[:48].strip("-")

    @property
    def steps(self) -> list[str]:
        """The steps of the scenario that are needed to notice it."""
        steps = list(SHORT)
        if "check_mode" in self.caught_by:
            steps.insert(steps.index("converge"), "check")
        if self.caught_by == "idempotence":
            steps.insert(steps.index("verify"), "idempotence")
        return steps

    def mutate(self, text: str) -> str:
        """Return the file's text with the edit.

        Raises:
            ValueError: the text to replace is not there exactly once.
        """
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {found} times, not once")
        return text.replace(self.old, self.new)


def load() -> list[Mutant]:
    """Read mutants.yml."""
    rows = yaml.safe_load(Path(__file__).with_name("mutants.yml").read_text(encoding="utf-8"))
    return [Mutant(**row) for row in rows]
