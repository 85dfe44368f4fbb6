"""How a variable's value is written in an inventory: where it stands, and the line that would be right.

YAML and the two kinds of line in an INI file read one and the same text in different ways: in a section of variables
(`[lab:vars]`) a value is a Python literal or else text; on a host's line a shell's quotes are taken off before that
(docs.ansible.com, ansible.builtin.ini inventory, notes on values).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dlconf.errors import UsageError

Form = Literal["yaml", "section", "host"]
_NEAR_LINES = 12
"""How far below a variable's name its value is looked for."""


class WrongValue(UsageError):
    """A variable's value is not what it must be.

    Args:
        variable: its name.
        message: what is wrong with it.
        right: a value that would be right, numbers as they were read; None where none can be told.
        hint: what to do, where a line is not all of it.
    """

    def __init__(self, variable: str, message: str, *, right: Any = None, hint: str = "") -> None:
        self.variable, self.right, self.words = variable, right, hint
        super().__init__(message, hint=self._hint("yaml", str))

    def at(self, place: Place | None) -> UsageError:
        """Return the error with the file that sets the variable, and the line in that file's form."""
        if place is None:
            return self
        spelled: dict[str, str] = {}

        def spell(number: Any) -> str:
            text = place.spelling(number)
            if text != str(number):
                spelled[text] = str(number)
            return text

        hint = self._hint(place.form, spell)
        told = "".join(f"; {text} without quotes is {number}" for text, number in spelled.items())
        return UsageError(f"{self.message}{told} ({place.text})", hint=hint)

    def _hint(self, form: Form, spell: Callable[[Any], str]) -> str:
        if self.right is None:
            return self.words
        written = f"write {line(self.variable, _spelled(self.right, spell), form)}"
        return f"{self.words}; {written}" if self.words else written


@dataclass(frozen=True)
class Place:
    """Where an inventory sets a variable: a file, and a line of it, counted from 1 (0: not known)."""

    path: str
    number: int
    folder: str = ""

    @property
    def text(self) -> str:
        """The place for people: the path from the inventory's folder on, and the line."""
        path = Path(self.path)
        base = Path(self.folder)
        short = path.relative_to(base) if self.folder and path.is_relative_to(base) else path
        return f"{short}:{self.number}" if self.number else str(short)

    @property
    def form(self) -> Form:
        """How values are written there."""
        if Path(self.path).suffix in (".yml", ".yaml", ".json") or self._is_yaml_without_suffix():
            return "yaml"
        sections = [text.strip() for text in self._lines()[: self.number]]
        last = next((text for text in reversed(sections) if text.startswith("[")), "")
        return "section" if last.split("]")[0].endswith(":vars") else "host"

    def spelling(self, number: Any) -> str:
        """Return how a number is spelled there: of 12.1, `12.10` where that stands in the file."""
        lines = self._lines()[max(self.number - 1, 0) :][:_NEAR_LINES]
        for text in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", "\n".join(lines)):
            if float(text) == float(number):
                return str(text)
        return str(number)

    def _is_yaml_without_suffix(self) -> bool:
        return bool({"group_vars", "host_vars"} & set(Path(self.path).parts[:-1]))

    def _lines(self) -> list[str]:
        try:
            return Path(self.path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []


def line(name: str, value: Any, form: Form) -> str:
    """Return the line that gives a variable a value, as it is written in a form."""
    if form == "yaml":
        import yaml  # noqa: PLC0415 - 0.02 s, only where something is wrong

        text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
        return f"{name}: {text.removesuffix('...' + chr(10)).strip()}"
    text = repr(value) if isinstance(value, bool) else json.dumps(value)
    return f"{name}={shlex.quote(text) if form == 'host' else text}"


def _spelled(value: Any, spell: Callable[[Any], str]) -> Any:
    """Return a value whose numbers are text."""
    if isinstance(value, str):
        return str.__str__(value)  # without Ansible's tags, which YAML's writer does not take
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if isinstance(value, Amount) else spell(value)
    if isinstance(value, Mapping):
        return {_spelled(name, spell): _spelled(item, spell) for name, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item, spell) for item in value]
    if isinstance(value, Versioned):
        return value.text(spell)
    return value


class Amount(int):
    """A number that stays one: every other in what would be right is a version, and becomes text."""


@dataclass(frozen=True)
class Versioned:
    """A framework with a version, which may be a number that is yet to be spelled."""

    name: str
    version: Any

    def text(self, spell: Callable[[Any], str]) -> str:
        """Return both as they are written together; `spell` gives the text of a number."""
        return f"{self.name}{_compared(str(_spelled(self.version, spell)))}"


def _compared(version: str) -> str:
    """Return a version as it stands behind a framework's name: of fewer than three numbers it is the beginning."""
    if not version[:1].isdigit():
        return version
    return f"=={version}" + (".*" if re.fullmatch(r"\d+(\.\d+)?", version) else "")


def version_in(text: str) -> str | None:
    """Return the version that a text of another tool means, None where there is none.

    `cuda-toolkit=12.2.0-1` is apt's, `13-0` and `cuda-toolkit-13-0` the names of NVIDIA's packages, `cu128` PyTorch's,
    `=12.4` conda's, `v12.4` Git's (docs.nvidia.com, CUDA installation guide; pytorch.org, get started).
    """
    plain = (
        re.sub(r"\s+", ",", text.strip()) if re.match(r"\s*[<>=!~]=?\s*\d", text) else text.strip()
    )
    if plain != text.strip() and re.fullmatch(r"([<>=!~]=?\d[\w.*]*,?)+", plain):
        return plain
    if found := re.search(r"(?:^|[-_+])cu(\d{2})(\d)$", plain):
        return f"{found[1]}.{found[2]}"
    if found := re.fullmatch(r"v?(\d+(?:\.\d+)*)\+", plain):
        return f">={found[1]}"
    parts = re.split(r"[=@:\s]+", plain)  # conda's third part is a build
    behind = next((part for part in parts if re.match(r"v?\d+\.", part)), parts[-1])
    if found := re.search(r"(?<![\w.])v?(\d+(?:\.\d+)+)", behind):
        return found[1]
    if found := re.search(r"(?:^|-)(\d+)-(\d+)(?:$|-)", behind):
        return f"{found[1]}.{found[2]}"
    found = re.search(r"(?:^|[-v])(\d+)(?:$|[-.][a-z])", behind)
    return found[1] if found else None
