"""What is wrong with a row: where it stands, which field, what was expected and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from dlconf.errors import DlconfError


class _Missing:
    """Stands for a value that is not there, which null is not."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


class Place(NamedTuple):
    """Where a row stands: its file, its section, and the values that name it ("" = the section)."""

    file: str
    section: str
    row: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file, section, row: where, as Place says it; each may be empty.
        field: the field; empty for the whole row.
        expected: what should be there; empty where the field itself should not.
        found: what is there, or MISSING.
        hint: what to do about it; may be empty.
    """

    file: str
    section: str
    row: str
    field: str
    expected: str
    found: Any
    hint: str = ""

    def __str__(self) -> str:
        """Write it on one line: FILE: SECTION ROW: FIELD: expected ..., found ..."""
        where = f"{self.section} {self.row}".strip()
        return ": ".join(part for part in (self.file, where, self.field, self._what()) if part)

    def _what(self) -> str:
        if not self.expected:
            return f"unknown {'field' if self.field else 'section'}"
        if self.found is MISSING:
            return f"missing; expected {self.expected}"
        return f"expected {self.expected}, found {self.found!r}"

    def data(self) -> dict[str, str]:
        """Give it as JSON data, the found value as it is written."""
        names = ("file", "section", "row", "field", "expected")
        known = {name: getattr(self, name) for name in names}
        return known | {"found": repr(self.found), "hint": self.hint, "message": str(self)}


class CatalogueError(DlconfError):
    """A row of the catalogue, or of a site's file, cannot be used."""

    exit_code = 2

    @classmethod
    def of(cls, problem: Problem) -> CatalogueError:
        """Make the error that says a problem."""
        return cls(str(problem), hint=problem.hint)
