"""Every change of mind ends in order: there, and back again.

What each transition holds is in transitions.py. The sample has the two failures of converged hosts that began it: CUDA
back to the major before, after which cuDNN could not follow, and the driver from 580 back to 570.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.lab.mirror.answers import ANSWERS, NARROW, Answers
from tests.sandbox.bases import machine_base
from tests.sandbox.bed import Bed
from tests.sandbox.case import Outcome
from tests.sandbox.transitions import Transition, outcomes, transitions

ALL = {str(one): one for one in transitions()}
SAMPLE = (
    "driver branch: ubuntu-22.04 ppa driver=570 to ppa driver=580",
    "source: debian-12 distribution to nvidia",
    "flavour: debian-13 nvidia proprietary driver=595 to nvidia open driver=595",
    "cuda: ubuntu-22.04 cuda=12.9 to cuda=13.0",
    "cudnn: ubuntu-22.04 cuda=12.8 cudnn=9.10.2.21 to cuda=12.8 cudnn=9.28.0.42",
)


def _found(names: Mapping[str, Transition], answers: Answers) -> Mapping[str, Outcome]:
    bed = Bed(answers, machine_base().root)
    try:
        return {str(one): outcome for one, outcome in outcomes(bed, names.values())}
    finally:
        bed.close()


@pytest.fixture(scope="module")
def of_sample() -> Mapping[str, Outcome]:
    return _found({name: ALL[name] for name in SAMPLE}, NARROW)


@pytest.fixture(scope="module", params=ANSWERS, ids=lambda answers: answers.name)
def of_all(request: pytest.FixtureRequest) -> Mapping[str, Outcome]:
    return _found(ALL, request.param)


@pytest.mark.lab
@pytest.mark.parametrize("name", SAMPLE)
def test_a_change_of_mind_ends_in_order(name: str, of_sample: Mapping[str, Outcome]) -> None:
    assert of_sample[name].problems == []


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_change_of_mind_ends_in_order(name: str, of_all: Mapping[str, Outcome]) -> None:
    assert of_all[name].problems == []


def test_the_sample_has_every_kind() -> None:
    assert {ALL[name].kind for name in SAMPLE} == {one.kind for one in ALL.values()}


def test_every_system_has_transitions() -> None:
    assert len({one.system.os for one in ALL.values()}) == 6
