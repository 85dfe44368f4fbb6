"""The explanation of one stack, as lines and as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from dlconf.report.text import PLAIN, Paint, one_line
from dlconf.resolve.explain import Explained, Rejected

_VERSION = re.compile(r"\d+(\.\w+)+(\+\w+)?|\b\d{3}\b")


def component_lines(found: Sequence[Explained], paint: Paint = PLAIN) -> list[str]:
    """Return each component with its choice, the reason, and what is against the newer versions."""
    lines: list[str] = []
    for item in found:
        reason = item.reason
        lines += [
            f"  {paint(one_line(reason.component), 'bold')}  {one_line(reason.choice)}",
            f"      {one_line(reason.because)}" + _source(reason.source, paint),
            *(f"      not {line}" for line in rejected_lines(item.rejected, paint)),
        ]
    return lines or ["  not part of this host's stack"]


def rejected_lines(rejected: Iterable[Rejected], paint: Paint = PLAIN) -> list[str]:
    """Return one line for each run of versions that the same thing is against, the newest first.

    The words and the source are those of the version nearest to the choice.
    """
    lines = []
    for _, run in groupby(rejected, key=lambda item: _VERSION.sub("", item.because)):
        items = list(run)
        nearest = items[-1]
        span = (
            nearest.choice
            if len(items) == 1
            else f"{items[0].choice} to {nearest.choice} ({len(items)} versions)"
        )
        lines.append(
            one_line(f"{span}: {nearest.because}") + _source(nearest.source, paint),
        )
    return lines


def _source(source: str, paint: Paint) -> str:
    return paint(f" [{one_line(source)}]", "dim")


def explanation_data(found: Sequence[Explained]) -> list[dict[str, Any]]:
    """Return one explanation as JSON data."""
    return [item.as_json() for item in found]
