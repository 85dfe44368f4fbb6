"""Why each version, and why none of the newer ones: as text and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlconf.hosts import Survey
from dlconf.report import problems
from dlconf.report.explanation import component_lines, explanation_data
from dlconf.report.stack import gpu_names
from dlconf.report.text import PLAIN, Paint, clean
from dlconf.resolve.explain import Explained

Explanations = Mapping[str, Sequence[Explained]]
"""Host -> the explanation of its stack."""


def text(survey: Survey, explanations: Explanations, log: Path, paint: Paint = PLAIN) -> str:
    """Return one block a host, then the hosts without a stack."""
    lines: list[str] = []
    for host in survey.hosts.values():
        if host.name in explanations:
            lines.append(paint(clean(host.name), "bold") + f"  {gpu_names(host.resolution)}")
            lines += [*component_lines(explanations[host.name], paint), ""]
    without = [host for host in survey.hosts.values() if host.name not in explanations]
    return "\n".join([*lines, *problems.of_states(without, log, paint)]).rstrip("\n")


def data(survey: Survey, explanations: Explanations, log: Path) -> dict[str, Any]:
    """Return the explanations as JSON data."""
    hosts = {
        host.name: {
            "status": host.status,
            "explanation": explanation_data(explanations[host.name])
            if host.name in explanations
            else None,
            "notes": list((host.resolution or {}).get("notes", ())),
            "failure": problems.as_data(host.status, host.failure, problems.hint_of(host, log)),
        }
        for host in survey.hosts.values()
    }
    return {"schema": 1, "command": "explain", "hosts": hosts, "log": str(log)}
