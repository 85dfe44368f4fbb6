"""All cases, those of the cover, and running them: equal inputs once."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.sandbox.bed import Bed
from tests.sandbox.case import Case, Outcome, Run, ended
from tests.sandbox.stacks import resolution_of
from tests.sandbox.states import states_of
from tests.sandbox.systems import SYSTEMS

CARDS = ("GTX 980", "GTX 1080 Ti", "RTX 3090", "RTX 5090", "Tesla K80")
SOURCES = (None, "ppa", "distribution", "nvidia")
"""Where the driver comes from; None leaves it to the catalogue."""


def cases(sources: Iterable[str | None] = (None,)) -> Iterator[Case]:
    """Yield every case of these sources that has a stack."""
    for system, card, source in itertools.product(SYSTEMS.values(), CARDS, sources):
        if resolution_of(system, card, source) is not None:
            for state in states_of(system, source):
                yield Case(system, card, source, state)


def outcomes(bed: Bed, wanted: Iterable[Case]) -> Iterator[tuple[Case, Outcome]]:
    """Run cases, as many at a time as there are processors; those with equal inputs share one run."""
    bed.network(day_after=False)
    bed.network(day_after=True)
    same = {case: inputs(case) for case in wanted}
    first = {text: case for case, text in reversed(same.items())}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(
            zip(first, pool.map(lambda case: run_case(bed, case), first.values()), strict=True)
        )
    for case, text in same.items():
        yield case, found[text]


def run_case(bed: Bed, case: Case) -> Outcome:
    """Run one case and forget its host."""
    return ended(bed, Run(bed, case, case.stack()))


def inputs(case: Case) -> str:
    """Return all that a case's outcome depends on, as text."""
    stack = case.stack()
    install = stack.resolution["install"]
    return json.dumps(
        [case.system.os, case.state, case.source, stack.contracts, install], sort_keys=True
    )
