"""A chosen stack as lines of text: GPUs, versions with their reasons, notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlconf.report.text import PLAIN, Paint, columns, one_line, stack_versions


def stack_lines(resolution: Mapping[str, Any], paint: Paint = PLAIN, indent: int = 2) -> list[str]:
    """Return each component of a stack with its version, and below it the reasons for it; then the notes.

    What weak GPUs cost stands before all.
    """
    lines = cost_lines(resolution, indent)
    reasons = list(resolution.get("reasons", ()))
    versions = stack_versions(resolution["stack"])
    for (name, _), line in zip(versions, columns(versions, indent), strict=True):
        lines.append(line)
        lines += [
            " " * (indent + 4) + _reason(reason, paint)
            for reason in reasons
            if reason["component"] == name
        ]
    shown = {name for name, _ in versions}
    lines += [
        " " * indent
        + f"{one_line(reason['component'])}  {one_line(reason['choice'])}: {_reason(reason, paint)}"
        for reason in reasons
        if reason["component"] not in shown
    ]
    return lines + [
        " " * indent + f"note: {one_line(note)}" for note in resolution.get("notes", ())
    ]


def cost_lines(resolution: Mapping[str, Any] | None, indent: int = 2) -> list[str]:
    """Return what weak GPUs of a host cost the others, a line each."""
    return [" " * indent + one_line(cost) for cost in (resolution or {}).get("costs", ())]


def _reason(reason: Mapping[str, Any], paint: Paint) -> str:
    source = f" [{one_line(reason['source'])}]" if reason.get("source") else ""
    return one_line(reason["because"]) + paint(source, "dim")


def gpu_names(resolution: Mapping[str, Any] | None) -> str:
    """Return the GPUs of a host with their compute capability."""
    gpus = (resolution or {}).get("gpus") or ()
    if not gpus:
        return "no NVIDIA GPU: CPU builds"
    return ", ".join(
        one_line(f"{gpu['name']} (sm_{str(gpu.get('compute_capability') or '?').replace('.', '')})")
        for gpu in gpus
    )
