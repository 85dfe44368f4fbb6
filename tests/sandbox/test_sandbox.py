"""Every host of the cover, and on request of the whole matrix, gets exactly its stack from real apt, and keeps it.

What each case holds is in case.py: apt reads its sources; the chosen versions are installed throughout, nothing of
another branch and nothing that nobody asked for; an upgrade on the day after changes none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.lab.mirror.answers import NARROW, WIDE, Answers
from tests.sandbox.bases import Base, machine_base, trixie_base
from tests.sandbox.bed import Bed
from tests.sandbox.case import Case, Outcome
from tests.sandbox.cover import cover, pairs_of
from tests.sandbox.matrix import SOURCES, cases, outcomes

ALL = list(cases(SOURCES))
COVER = cover(ALL)
# `make test` asks a third of the cover, and the second apt a sixth: on a slow machine a case takes fifteen seconds.
SAMPLES = COVER[::3], COVER[1::6]
# Each apt and each answer to the open questions once: minutes for `make test`.
# The whole matrix has each with each.
BEDS: list[tuple[Callable[[], Base], Answers]] = [(machine_base, NARROW), (trixie_base, WIDE)]
OTHER_BEDS: list[tuple[Callable[[], Base], Answers]] = [
    (machine_base, WIDE),
    (trixie_base, NARROW),
]


def _name(bed: tuple[Callable[[], Base], Answers]) -> str:
    return f"{bed[0].__name__}-{bed[1].name}"


def _found(
    wanted: list[Case], bed: tuple[Callable[[], Base], Answers]
) -> tuple[str, Mapping[Case, Outcome]]:
    base = bed[0]()
    mirrors = Bed(bed[1], base.root)
    try:
        return base.apt, dict(outcomes(mirrors, wanted))
    finally:
        mirrors.close()


@pytest.fixture(scope="module")
def of_cover(request: pytest.FixtureRequest) -> tuple[str, Mapping[Case, Outcome]]:
    return _found(SAMPLES[BEDS.index(request.param)], request.param)


@pytest.fixture(scope="module", params=BEDS + OTHER_BEDS, ids=_name)
def of_all(request: pytest.FixtureRequest) -> tuple[str, Mapping[Case, Outcome]]:
    return _found(ALL, request.param)


def _hold(case: Case, found: tuple[str, Mapping[Case, Outcome]]) -> None:
    apt, of_case = found
    problems = of_case[case].problems
    assert not problems, f"{apt} in the place of {case.system.os}'s: " + "\n".join(problems)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("of_cover", "case"),
    [(bed, case) for bed, sample in zip(BEDS, SAMPLES, strict=True) for case in sample],
    ids=lambda value: str(value) if isinstance(value, Case) else _name(value),
    indirect=["of_cover"],
    scope="module",
)
def test_a_host_gets_exactly_its_stack(
    case: Case, of_cover: tuple[str, Mapping[Case, Outcome]]
) -> None:
    _hold(case, of_cover)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=str)
def test_every_host_gets_exactly_its_stack(
    case: Case, of_all: tuple[str, Mapping[Case, Outcome]]
) -> None:
    _hold(case, of_all)


def test_the_cover_has_every_pair() -> None:
    assert {pair for case in COVER for pair in pairs_of(case)} == {
        pair for case in ALL for pair in pairs_of(case)
    }
    assert len(COVER) < 60
