"""Whatever is wished, on whatever card: what is given has code for it, or was seen to run on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from packaging.version import Version

from dlconf.catalogue import load
from dlconf.catalogue.model import Gpu
from dlconf.resolve.candidates import FrameworkCandidate, universe_of
from dlconf.resolve.cards import cards_of
from dlconf.resolve.rules import framework_runs_on
from dlconf.stack import Machine, PciGpu
from tests.unit.stackcheck import build_violations

CATALOGUE = load()
UNIVERSE = universe_of(CATALOGUE, "ubuntu-22.04")
CARDS = {
    (row.architecture, row.compute_capability): row
    for row in CATALOGUE.gpus.values()
    if row.compute_capability and CATALOGUE.architectures[row.architecture].supported
}
"""One card of each compute capability: a build is asked for no more of a card."""


def given(row: Gpu) -> Iterator[FrameworkCandidate]:
    """The builds that the resolver would give a card."""
    machine = Machine(os="ubuntu-22.04", gpus=(PciGpu("0000:01:00.0", row.id),))
    rule = framework_runs_on(cards_of(machine, CATALOGUE, ())[0], CATALOGUE)
    for name in CATALOGUE.frameworks:
        for build in UNIVERSE.framework(name):
            if build.row.device == "cuda" and rule(build) is None:
                yield build


@pytest.mark.parametrize("row", CARDS.values(), ids=[f"{a} {c}" for a, c in CARDS])
def test_what_is_given_runs(row: Gpu) -> None:
    for build in given(row):
        cap = build.row.requirements_below_cc_7_5
        assert build_violations(build.row, row, (*build.row.requirements, *cap), CATALOGUE) == []


def test_every_kind_of_card_is_asked_about() -> None:
    assert {capability for _, capability in CARDS} >= {"3.5", "3.7", "6.1", "8.6", "9.0", "12.0"}


def test_blackwell_is_given_no_build_of_a_cuda_before_it() -> None:
    blackwell = next(row for (_, capability), row in CARDS.items() if capability == "12.0")
    for build in given(blackwell):
        if build.row.sm_source or build.row.needs_system_cuda or build.cuda is None:
            continue  # read, or compiled by the system's CUDA, or by another framework's
        seen = CATALOGUE.sightings.get((build.component, "12.0"), ())
        assert build.cuda >= Version("12.8") or any(item.runs for item in seen), build.name


def test_every_build_that_can_be_installed_can_be_chosen() -> None:
    for rows in CATALOGUE.frameworks.values():
        for row in rows:
            assert not row.installable or row.python, row


def test_what_was_read_says_how() -> None:
    for rows in CATALOGUE.frameworks.values():
        for row in rows:
            assert not row.sm_source or row.sm, row
            assert row.device == "cuda" or not row.sm_source, row
