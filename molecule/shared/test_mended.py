"""What the side effect broke was something that the role mends (callback `changes`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Run = dict[str, Any]


def test_converge_changed_something_after_the_side_effect(
    runs: list[Run], converge_after: Callable[[int], Run]
) -> None:
    for index, run in enumerate(runs):
        if run["playbook"] == "side_effect":
            assert converge_after(index)["changed"]
