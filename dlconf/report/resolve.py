"""A resolution as text and as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlconf.report import plan
from dlconf.report.text import PLAIN, Paint


def text(resolution: Mapping[str, Any], paint: Paint = PLAIN) -> str:
    """Return the GPUs, the stack with the reason of each choice, and the notes."""
    return "\n".join([plan.gpu_names(resolution), *plan.stack_lines(resolution, paint)])


def data(resolution: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolution as JSON data."""
    keys = ("stack", "reasons", "notes", "gpus", "install")
    return {"schema": 1} | {key: resolution[key] for key in keys}
