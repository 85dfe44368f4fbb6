"""A resolution as text and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlconf.report import stack
from dlconf.report.explanation import component_lines, explanation_data
from dlconf.report.text import PLAIN, Paint, one_line
from dlconf.resolve.explain import Explained


def text(
    resolution: Mapping[str, Any],
    explanation: Sequence[Explained] | None = None,
    paint: Paint = PLAIN,
) -> str:
    """Return the GPUs, the stack with the reason of each choice, and the notes.

    With an explanation, the newer versions stand below each choice with what rejected them.
    """
    lines = [stack.gpu_names(resolution)]
    if explanation is None:
        return "\n".join([*lines, *stack.stack_lines(resolution, paint)])
    notes = [f"  note: {one_line(note)}" for note in resolution["notes"]]
    lines += stack.cost_lines(resolution)
    return "\n".join([*lines, *component_lines(explanation, paint), *notes])


def data(
    resolution: Mapping[str, Any], explanation: Sequence[Explained] | None = None
) -> dict[str, Any]:
    """Return the resolution as JSON data; what weak GPUs cost are the first notes."""
    keys = ("stack", "reasons", "notes", "gpus", "install")
    found: dict[str, Any] = {"schema": 1} | {key: resolution[key] for key in keys}
    found["notes"] = [*resolution.get("costs", ()), *resolution["notes"]]
    return found if explanation is None else found | {"explanation": explanation_data(explanation)}
