"""What check mode says of bare machines is what converge then does there (callback `changes`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = dict[str, Any]


def changes(run: Run, machine: str) -> Counter[tuple[str, str]]:
    """Return how often each task, with its loop's item, changed a machine."""
    on_machine = [change for change in run["changed"] if change["host"] == machine]
    return Counter((change["task"], change["item"]) for change in on_machine)


def test_check_mode_announced_exactly_what_then_changed(
    runs: list[Run], converge_after: Callable[[int], Run], machine: str
) -> None:
    checks = [index for index, run in enumerate(runs) if run["check"]]
    if not checks:
        pytest.fail("no check run: `molecule test`, or `molecule check` before `molecule converge`")
    announced = changes(runs[checks[0]], machine)
    changed = changes(converge_after(checks[0]), machine)
    assert {"only announced": announced - changed, "only changed": changed - announced} == {
        "only announced": Counter(),
        "only changed": Counter(),
    }
