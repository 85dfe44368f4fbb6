"""What the reports share: words, colours that never stand alone, and text from hosts made safe to print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dlconf.withheld import without_logins

# C0 without tab and end of line, DEL, C1, and what turns the direction of text (Unicode's Bidi_Control).
_STEERING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[{_STEERING}]")
_NOT_A_COLOUR = re.compile(rf"(\x1b\[[0-9;]*m)|[{_STEERING}]")
_COLOURS = {
    "add": "32",
    "change": "33",
    "remove": "31",
    "good": "32",
    "bad": "31",
    "dim": "2",
    "bold": "1",
}
SIGNS = {"add": "+", "change": "~", "remove": "-"}


@dataclass(frozen=True)
class Paint:
    """Colours text for a terminal, or leaves it as it is."""

    enabled: bool = False

    def __call__(self, text: str, colour: str) -> str:
        """Return the text in a colour of the table above."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.enabled else text


PLAIN = Paint()


def clean(text: Any) -> str:
    """Return text from a host without logins, and without the control characters that could steer a terminal."""
    return _CONTROL.sub(
        "\N{REPLACEMENT CHARACTER}", without_logins(str(text)).replace("\r\n", "\n")
    )


def printable(text: str) -> str:
    """Return text as `clean` does, with its colours: for whole outputs, whose parts have been cleaned."""
    return _NOT_A_COLOUR.sub(lambda found: found[1] or "\N{REPLACEMENT CHARACTER}", text)


def json_text(value: Any) -> str:
    """Return a value as JSON: no logins, and no control characters, not even those that JSON takes as they are."""
    text = without_logins(json.dumps(value, ensure_ascii=False))
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: Any) -> str:
    """Return text from a host on one line."""
    return " ".join(clean(text).split())


def indented(text: Any, by: int) -> str:
    """Return text from a host with each line moved to the right."""
    return "\n".join(" " * by + line for line in clean(text).splitlines())


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 host`, `2 hosts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def columns(rows: Iterable[tuple[str, ...]], indent: int = 2) -> list[str]:
    """Return rows as lines whose columns begin below each other."""
    table = list(rows)
    if not table:
        return []
    widths = [max(len(row[index]) for row in table) for index in range(len(table[0]))]
    return [
        (
            " " * indent
            + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def gib(mib: float) -> str:
    """Return a size given in MiB as text in GiB."""
    return f"{mib / 1024:.0f} GiB" if mib >= 10 * 1024 else f"{mib / 1024:.1f} GiB"


def stack_versions(stack: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the components of a stack with their versions, in the order in which they are chosen."""
    driver = stack.get("driver")
    rows = [
        (
            "driver",
            f"{driver['version']} ({driver['flavour']} kernel modules)" if driver else "none",
        )
    ]
    for name in ("cuda", "cudnn", "python"):
        component = stack.get(name)
        rows.append((name, str(component["version"]) if component else "none"))
    rows += [
        (str(framework["name"]), str(framework["version"]))
        for framework in stack.get("frameworks", ())
    ]
    return [(name, one_line(version)) for name, version in rows]
