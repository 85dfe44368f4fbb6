"""The cover: few cases in which every pair of system, card, source and state stands that has a stack."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tests.sandbox.case import Case

Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs_of(case: Case) -> frozenset[Pair]:
    """Return the pairs of values that a case tries together."""
    values = {
        "system": case.system.os,
        "card": case.card,
        "source": case.source or "default",
        "state": case.state,
    }
    return frozenset(itertools.combinations(sorted(values.items()), 2))


def cover(cases: Iterable[Case]) -> list[Case]:
    """Return cases that hold every pair which any case holds; always the same ones.

    The next is the one with most pairs that none before it has.
    """
    left = {case: pairs_of(case) for case in cases}
    missing = set().union(*left.values())
    chosen: list[Case] = []
    while missing:
        best = max(left, key=lambda case: len(left[case] & missing))
        chosen.append(best)
        missing -= left.pop(best)
    return chosen
