"""Properties of every answer of the resolver, on machines and wishes that nobody wrote down."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from dlconf.catalogue import Catalogue, load
from dlconf.catalogue.model import FrameworkBuild, Gpu
from dlconf.errors import DlconfError, NoCompatibleStack
from dlconf.resolve import question_of, resolve
from dlconf.resolve.conflict import minimal_conflict, only
from dlconf.resolve.search import solve
from dlconf.stack import Machine, PciGpu, Resolution
from dlconf.wishes import Wishes

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


def machine(ids: list[str], os: str) -> Machine:
    return Machine(
        os=os,
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
machines = st.builds(machine, ids, st.sampled_from(SYSTEMS))
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
def test_a_stack_violates_no_row(host: Machine, wanted: Wishes) -> None:
    found = answer(host, wanted)
    if found is not None:
        assert list(violations(host, found)) == []


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
    larger = machine([*(gpu.device for gpu in host.gpus), more], host.os)
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


def violations(host: Machine, found: Resolution) -> list[str]:
    """Check a stack against the rows, with nothing of the resolver's."""
    rows = [CATALOGUE.gpus[gpu.device] for gpu in host.gpus if gpu.device in CATALOGUE.gpus]
    stack = found.stack
    if not host.gpus:
        return [] if not (stack.driver or stack.cuda or stack.cudnn) else ["driver without a GPU"]
    return [
        *driver_violations(host, found, rows),
        *cuda_violations(host, found, rows),
        *framework_violations(found, rows),
    ]


def driver_violations(host: Machine, found: Resolution, rows: list[Gpu]) -> list[str]:
    driver = found.stack.driver
    if driver is None:
        return ["no driver"]
    broken = []
    branch = CATALOGUE.drivers[driver.branch]
    if driver.flavour not in branch.flavours:
        broken.append(f"{driver.branch} has no {driver.flavour} modules")
    for row in rows:
        if row.architecture not in branch.architectures:
            broken.append(f"{driver.branch} does not list {row.architecture}")
        if row.last_branch and int(driver.branch) > int(row.last_branch):
            broken.append(f"{driver.branch} dropped {row.id}")
        if row.kernel_modules not in ("both", driver.flavour):
            broken.append(f"{driver.flavour} on {row.id}")
        if row.min_driver and Version(driver.version) < Version(row.min_driver):
            broken.append(f"{driver.version} is older than {row.min_driver} of {row.id}")
    packages = [
        row
        for row in CATALOGUE.packages_for(host.os, driver.branch)
        if row.flavour == driver.flavour and row.packages == found.install.driver.packages
    ]
    if not any(row.transitional_to is None for row in packages):
        broken.append("no real package")
    return broken


def cuda_violations(host: Machine, found: Resolution, rows: list[Gpu]) -> list[str]:
    stack, broken = found.stack, []
    if stack.cuda is None or stack.driver is None:
        return [] if stack.cudnn is None else ["cuDNN without CUDA"]
    toolkit = CATALOGUE.cuda[stack.cuda.version]
    distro = CATALOGUE.distro_of(host.os)
    assert distro is not None
    if distro.id not in toolkit.distros:
        broken.append(f"CUDA {toolkit.version} is not for {host.os}")
    least = toolkit.min_driver_minor_compat or toolkit.min_driver_native
    if Version(stack.driver.version) < Version(least):
        broken.append(f"driver {stack.driver.version} is too old for CUDA {toolkit.version}")
    if Version(distro.glibc) >= Version("2.41") and Version(toolkit.release) <= Version("12.9"):
        broken.append("nvcc does not compile on this C library")
    for row in rows:
        if code(row) not in toolkit.sm:
            broken.append(f"CUDA {toolkit.version} has no code for {row.id}")
    if stack.cudnn is not None:
        broken += cudnn_violations(found, rows, toolkit.version)
    return broken


def cudnn_violations(found: Resolution, rows: list[Gpu], toolkit: str) -> list[str]:
    assert found.stack.cudnn is not None
    version = Version(found.stack.cudnn.version)
    builds = [
        row
        for row in CATALOGUE.cudnn
        if row.version == found.stack.cudnn.version and row.cuda_major == Version(toolkit).major
    ]
    broken = [] if builds else [f"cuDNN {version} has no build for CUDA {toolkit}"]
    for row in rows:
        if code(row) < 75 and version >= Version("9.11"):
            broken.append(f"cuDNN {version} on {row.id}")
        if code(row) >= 100 and version < Version("9.7"):
            broken.append(f"cuDNN {version} on {row.id}")
    return broken


def framework_violations(found: Resolution, rows: list[Gpu]) -> list[str]:
    broken = []
    for item in found.install.frameworks:
        builds = builds_of(item.requirements)
        broken += [] if builds else [f"no build has the requirements of {item.name}"]
        for build in builds:
            if found.stack.python.version not in build.python:
                broken.append(f"{build.framework} {build.version} on {found.stack.python.version}")
            for row in rows if build.device == "cuda" else []:
                broken += build_violations(build, row, item.requirements)
    return broken


def builds_of(requirements: Sequence[str]) -> list[FrameworkBuild]:
    """The builds whose requirements an environment has."""
    return [
        row
        for rows in CATALOGUE.frameworks.values()
        for row in rows
        if row.requirements and set(row.requirements) <= set(requirements)
    ]


def build_violations(build: FrameworkBuild, row: Gpu, requirements: Sequence[str]) -> list[str]:
    found, broken = code(row), []
    compiled = build.sm is None or any(
        item // 10 == found // 10 and item <= found for item in build.sm
    )
    if not compiled and not (build.ptx is not None and build.ptx <= found):
        broken.append(f"{build.framework} {build.version} has no code for {row.id}")
    if found < 75 and not set(build.requirements_below_cc_7_5) <= set(requirements):
        broken.append(f"{build.framework} {build.version} lacks its cap on {row.id}")
    return broken


def code(row: Gpu) -> int:
    assert row.compute_capability is not None
    return round(float(row.compute_capability) * 10)
