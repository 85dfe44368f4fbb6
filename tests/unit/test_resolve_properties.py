"""Properties of every answer of the resolver, on machines and wishes that nobody wrote down."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlconf.catalogue import Catalogue, load
from dlconf.errors import DlconfError, NoCompatibleStack
from dlconf.resolve import question_of, resolve
from dlconf.resolve.conflict import minimal_conflict, only
from dlconf.resolve.search import solve
from dlconf.stack import Machine, PciGpu, Resolution
from dlconf.wishes import Wishes
from tests.unit.stackcheck import violations

CATALOGUE = load()
SYSTEMS = ("ubuntu-20.04", "ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04", "debian-12", "debian-13")
IDS = sorted(CATALOGUE.gpus)
FRAMEWORKS = (
    "pytorch",
    "tensorflow",
    "jax",
    "keras",
    "pytorch==2.14.1",
    "tensorflow==2.16.2",
    "jax==0.10.2",
    "mxnet",
)
PINS = {
    "cuda": ("12", "12.4", "11.8", "13", ">=12.4,<13"),
    "driver": ("580", "535", "470", "595"),
    "cudnn": ("9", "9.10.2.21", "8"),
    "python": ("3.10", "3.12", "3.14"),
}


KERNELS = ("", "5.15.0-91-generic", "6.8.0-40-generic", "6.12.9+bpo-amd64")


def machine(ids: list[str], os: str, kernel: str = "") -> Machine:
    return Machine(
        os=os,
        kernel=kernel,
        gpus=tuple(
            PciGpu(f"0000:{index:02x}:00.0", device) for index, device in enumerate(ids, start=1)
        ),
    )


ids = st.lists(
    st.one_of(
        st.sampled_from(IDS),
        st.sampled_from(("1b06", "2204", "2b85", "102d")),
        st.integers(0, 0xFFFF).map(lambda number: f"{number:04x}"),
    ),
    max_size=3,
)
machines = st.builds(machine, ids, st.sampled_from(SYSTEMS), st.sampled_from(KERNELS))
wishes = st.builds(
    Wishes,
    frameworks=st.lists(st.sampled_from(FRAMEWORKS), max_size=3).map(tuple),
    pins=st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in PINS.items()}
    ),
)


def answer(host: Machine, wanted: Wishes, catalogue: Catalogue = CATALOGUE) -> Resolution | None:
    try:
        return resolve(host, wanted, catalogue)
    except NoCompatibleStack:
        return None


@settings(max_examples=150, deadline=None)
@given(machines, wishes)
@example(machine(["2204"], "ubuntu-22.04"), Wishes(("pytorch",), {"driver": "535"}))
@example(machine(["102d"], "ubuntu-22.04", "6.12.9+bpo-amd64"), Wishes())
@example(machine(["1b06", "2204"], "ubuntu-26.04"), Wishes(("tensorflow", "jax", "keras")))
@example(machine(["102d"], "ubuntu-22.04"), Wishes(("pytorch", "tensorflow"), {"cuda": "11.8"}))
def test_a_stack_violates_no_row(host: Machine, wanted: Wishes) -> None:
    found = answer(host, wanted)
    if found is not None:
        assert list(violations(host, found, CATALOGUE)) == []


@settings(max_examples=40, deadline=None)
@given(machines, wishes)
def test_the_same_input_gives_the_same_bytes(host: Machine, wanted: Wishes) -> None:
    def as_bytes(catalogue: Catalogue) -> str:
        try:
            return json.dumps(resolve(host, wanted, catalogue).as_json())
        except DlconfError as error:
            return f"{error.message}\n{error.hint}"

    assert as_bytes(CATALOGUE) == as_bytes(CATALOGUE) == as_bytes(load())


@settings(max_examples=80, deadline=None)
@given(machines.filter(lambda host: bool(host.gpus)), st.sampled_from(IDS))
def test_a_further_gpu_loosens_nothing(host: Machine, more: str) -> None:
    """What the larger machine gets, the smaller one can be given too."""
    larger = machine([*(gpu.device for gpu in host.gpus), more], host.os, host.kernel)
    found = answer(larger, Wishes())
    if found is None:
        return
    assert answer(host, Wishes()) is not None
    assert found.stack.driver is not None
    pins = {"driver": found.stack.driver.version}
    if found.stack.cuda is not None:
        pins["cuda"] = found.stack.cuda.version
    again = answer(host, Wishes(pins=pins, driver_flavour=found.stack.driver.flavour))
    assert again is not None


@settings(max_examples=60, deadline=None)
@given(machines, wishes)
def test_a_failure_names_a_minimal_conflict(host: Machine, wanted: Wishes) -> None:
    """With any one of the named parts taken back, the others can hold together."""
    if answer(host, wanted) is not None:
        return
    question = question_of(host, wanted, CATALOGUE)
    if any(not card.supported for card in question.cards):
        return
    core = minimal_conflict(question)
    assert solve(only(question, core).problem()) is None
    for atom in core:
        rest = [item for item in core if item is not atom]
        assert solve(only(question, rest).problem()) is not None
    with pytest.raises(NoCompatibleStack) as caught:
        resolve(host, wanted, CATALOGUE)
    for atom in core:
        assert atom.label in caught.value.message
