"""The traps that break real machines: each is a row with a source, and without the row the answer is another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dlconf.catalogue import Catalogue, load
from dlconf.catalogue.model import DriverPackage, FrameworkBuild, HostTrap, Row, Rule
from dlconf.errors import NoCompatibleStack
from dlconf.resolve import resolve
from dlconf.resolve.candidates import universe_of
from dlconf.resolve.conflict import SUPPORTED
from dlconf.stack import Machine, Resolution
from dlconf.wishes import Wishes

CATALOGUE = load()
SMI = (
    "nvidia-utils",
    "nvidia-smi",
    "nvidia-driver-bin",
    "cuda-drivers",
    "nvidia-open",
    "nvidia-driver",
)
"""Packages with nvidia-smi, or that depend on it: Ubuntu's, Debian's, and NVIDIA's metapackages."""


@dataclass(frozen=True)
class Trap:
    """A machine that would fall in, what is said or done there, and the rows that know of it."""

    gpus: tuple[str, ...]
    os: str
    section: str
    rows: Callable[[Row], bool]
    seen: Callable[[Resolution | str], bool]
    frameworks: tuple[str, ...] = ()
    pins: tuple[tuple[str, str], ...] = ()
    change: Callable[[Any], Row | None] = lambda row: None
    kernel: str = ""
    glibc: str | None = None


def version(component: str, text: str) -> Callable[[Resolution | str], bool]:
    def seen(found: Resolution | str) -> bool:
        if isinstance(found, str):
            return False
        frameworks = {item.name: item.version for item in found.stack.frameworks}
        chosen = getattr(found.stack, component, None)
        return (chosen.version if chosen else frameworks.get(component)) == text

    return seen


def requires(framework: str, text: str) -> Callable[[Resolution | str], bool]:
    return lambda found: (
        not isinstance(found, str)
        and any(
            item.name == framework and text in item.requirements for item in found.stack.frameworks
        )
    )


def fails(*words: str) -> Callable[[Resolution | str], bool]:
    return lambda found: isinstance(found, str) and all(word in found for word in words)


def notes(*words: str) -> Callable[[Resolution | str], bool]:
    return lambda found: (
        not isinstance(found, str)
        and any(all(word in note for word in words) for note in found.notes)
    )


def build(framework: str, matches: Callable[[FrameworkBuild], bool]) -> Callable[[Row], bool]:
    return lambda row: (
        isinstance(row, FrameworkBuild) and row.framework == framework and matches(row)
    )


def is_rule(name: str) -> Callable[[Row], bool]:
    return lambda row: isinstance(row, Rule) and row.id == name


def values(**changed: str) -> Callable[[Rule], Row]:
    return lambda row: replace(row, values={**row.values, **changed})


TRAPS = {
    "a package name that is only a transition to another branch": Trap(
        ("Tesla K80",),
        "ubuntu-24.04",
        "driver_packages",
        lambda row: (
            isinstance(row, DriverPackage)
            and (row.os, row.branch) == ("ubuntu-24.04", "470")
            and row.transitional_to is not None
        ),
        fails("nvidia-driver-470 on ubuntu-24.04 is only a transition"),
        change=lambda row: replace(row, transitional_to=None),
    ),
    "PyPI's torch from 2.11 on needs 7.5, so an older card has the cu126 build of at most 2.14.1": Trap(
        ("GTX 1080 Ti",),
        "ubuntu-22.04",
        "frameworks",
        build("pytorch", lambda row: row.build == "cu126"),
        version("pytorch", "2.14.1+cu126"),
        frameworks=("pytorch",),
    ),
    "JAX on a card before Turing needs cuDNN capped": Trap(
        ("Tesla V100-PCIE-32GB",),
        "ubuntu-24.04",
        "frameworks",
        build("jax", lambda row: bool(row.requirements_below_cc_7_5)),
        requires("jax", "nvidia-cudnn-cu12<9.11"),
        frameworks=("jax",),
        change=lambda row: replace(row, requirements_below_cc_7_5=()),
    ),
    "TensorFlow on a card before Turing needs cuDNN capped, and that is said": Trap(
        ("GTX 1080 Ti",),
        "ubuntu-22.04",
        "rules",
        is_rule("cudnn-pre-turing-cap"),
        notes("nvidia-cudnn-cu12<9.11", "no code for these GPUs"),
        frameworks=("tensorflow",),
        change=values(below_compute_capability="6.0"),
    ),
    "TensorFlow on Maxwell stops at 2.16.2": Trap(
        ("GeForce GTX 980",),
        "ubuntu-22.04",
        "frameworks",
        build("tensorflow", lambda row: row.version > "2.16.2" and row.device == "cuda"),
        version("tensorflow", "2.16.2"),
        frameworks=("tensorflow",),
        change=lambda row: replace(row, sm=None, min_compute_capability=None),
    ),
    "CUDA up to 12.9 does not compile against glibc 2.41": Trap(
        ("RTX 3090",),
        "ubuntu-24.04",
        "host_traps",
        lambda row: isinstance(row, HostTrap) and row.id == "glibc-cospi",
        fails("cuda=12.9", "glibc-cospi"),
        pins=(("cuda", "12.9"),),
        glibc="2.41",
    ),
    "no flavour drives a card before Turing and a Blackwell card": Trap(
        ("GTX 1080 Ti", "RTX 5090"),
        "ubuntu-22.04",
        "gpus",
        lambda row: getattr(row, "id", "") == "2b85",
        fails("only open kernel modules drive", "branch 580 is the last"),
        change=lambda row: replace(row, kernel_modules="both"),
    ),
    "Blackwell in a wheel that only carries PTX, which fails there": Trap(
        ("RTX 5090",),
        "ubuntu-24.04",
        "frameworks",
        build("tensorflow", lambda row: row.ptx is not None),
        fails("PTX of sm_90 only, which was seen to fail", "nvcr.io/nvidia/tensorflow"),
        frameworks=("tensorflow",),
        change=lambda row: replace(row, sm=(*row.sm, 120)),
    ),
    "a kernel too new for a legacy branch": Trap(
        ("Tesla K80",),
        "debian-12",
        "rules",
        is_rule("legacy-kernel"),
        fails("do not build on kernel 6.12 and newer", "boot an older kernel"),
        change=lambda row: replace(row, values={}),
        kernel="6.12.38+deb13-amd64",
    ),
}


def outcome(trap: Trap, catalogue: Catalogue) -> Resolution | str:
    machine = Machine.described(gpus=trap.gpus, os=trap.os, kernel=trap.kernel, catalogue=catalogue)
    machine = replace(machine, glibc=trap.glibc)
    wanted = Wishes(frameworks=trap.frameworks, pins=dict(trap.pins))
    try:
        return resolve(machine, wanted, catalogue)
    except NoCompatibleStack as error:
        return f"{error.message}\n{error.hint}"


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_avoided_because_a_row_says_so(name: str) -> None:
    trap = TRAPS[name]
    rows = CATALOGUE.rows(trap.section)
    known = [row for row in rows if trap.rows(row)]
    assert known
    assert all(row.source for row in known)
    assert trap.seen(outcome(trap, CATALOGUE))
    changed = [trap.change(row) if trap.rows(row) else row for row in rows]
    without = CATALOGUE.with_rows(trap.section, [row for row in changed if row is not None])
    assert not trap.seen(outcome(trap, without))


def test_a_row_of_a_trap_is_named_with_its_source() -> None:
    """What the user reads has the row's own source in it."""
    for name in ("a package name that is only a transition to another branch", *list(TRAPS)[-1:]):
        trap = TRAPS[name]
        row = next(row for row in CATALOGUE.rows(trap.section) if trap.rows(row))
        assert row.source in str(outcome(trap, CATALOGUE))


@pytest.mark.parametrize("os", SUPPORTED)
def test_no_set_of_packages_lacks_nvidia_smi(os: str) -> None:
    """A headless metapackage alone has none (ubuntu-drivers-common)."""
    for item in universe_of(CATALOGUE, os).drivers:
        names = item.package.packages
        assert any(name.startswith(SMI) or name.endswith("-smi") for name in names), names


def test_an_open_module_is_never_chosen_before_turing_nor_a_proprietary_one_from_blackwell_on() -> (
    None
):
    for row in CATALOGUE.architectures.values():
        before, after = row.kernel_modules == "proprietary", row.kernel_modules == "open"
        order = list(CATALOGUE.architectures)
        assert before == (order.index(row.name) < order.index("turing")), row.name
        assert after == (order.index(row.name) >= order.index("blackwell")), row.name


def test_nvswitches_need_the_fabric_manager_and_that_is_said() -> None:
    machine = Machine.described(
        gpus=["NVIDIA H100 80GB HBM3"], os="ubuntu-22.04", catalogue=CATALOGUE
    )
    row = CATALOGUE.rules["fabric-manager"]
    for switches in (0, 4):
        found = resolve(replace(machine, nvswitches=switches), Wishes(), CATALOGUE)
        assert any(row.source in note for note in found.notes) == bool(switches)


@pytest.mark.parametrize(
    ("kernel", "driver_names", "fits"),
    [
        ("6.12.0", {}, False),
        ("6.11.9-1-generic", {}, True),
        ("", {}, True),
        ("5.15.0-91-generic", {}, True),
        ("6.12.0", {"0000:01:00.0": "Tesla K80"}, True),  # loaded: it was built, whoever patched it
    ],
)
def test_a_legacy_branch_ends_with_a_kernel(
    kernel: str, driver_names: dict[str, str], fits: bool
) -> None:
    machine = Machine.described(
        gpus=["Tesla K80"], os="ubuntu-22.04", kernel=kernel, catalogue=CATALOGUE
    )
    machine = replace(machine, driver_names=driver_names)
    if fits:
        driver = resolve(machine, Wishes(), CATALOGUE).stack.driver
        assert driver is not None
        assert driver.branch == "470"
        return
    with pytest.raises(NoCompatibleStack) as caught:
        resolve(machine, Wishes(), CATALOGUE)
    assert CATALOGUE.rules["legacy-kernel"].source in caught.value.message
