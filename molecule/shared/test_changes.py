"""What every scenario proves of its role, from the record of its runs (callback `changes`)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

Run = dict[str, Any]


def converge_after(runs: list[Run], index: int) -> Run:
    """Return the first real run of the converge playbook after the run at `index`."""
    return next(run for run in runs[index:] if run["playbook"] == "converge" and not run["check"])


def changes(run: Run, machine: str) -> Counter[tuple[str, str]]:
    """Return how often each task, with its loop's item, changed a machine."""
    on_machine = [change for change in run["changed"] if change["host"] == machine]
    return Counter((change["task"], change["item"]) for change in on_machine)


def test_check_mode_announced_exactly_what_then_changed(runs: list[Run], machine: str) -> None:
    checks = [index for index, run in enumerate(runs) if run["check"]]
    if not checks:
        pytest.fail("no check run: `molecule test`, or `molecule check` before `molecule converge`")
    announced = changes(runs[checks[0]], machine)
    changed = changes(converge_after(runs, checks[0]), machine)
    assert {"only announced": announced - changed, "only changed": changed - announced} == {
        "only announced": Counter(),
        "only changed": Counter(),
    }


def test_the_role_mended_what_the_side_effect_broke(runs: list[Run]) -> None:
    for index, run in enumerate(runs):
        if run["playbook"] == "side_effect":
            assert converge_after(runs, index)["changed"]
