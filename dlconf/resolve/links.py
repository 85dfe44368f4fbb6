"""The rules between two components: given one choice, is the other fine?

Each is a function of a pair; Link says for which pair of components. The first component of a link
is the one whose side the sentence takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from dlconf.resolve.candidates import (
    CUDA,
    CUDNN,
    DRIVER,
    PYTHON,
    Absent,
    Candidate,
    CudaCandidate,
    CudnnCandidate,
    DriverCandidate,
    FrameworkCandidate,
)
from dlconf.resolve.cards import Card
from dlconf.resolve.rules import MINOR_COMPATIBLE_FROM, Refusal, runs_compiled
from dlconf.wishes import canonical

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PairRule = Callable[[Candidate, Candidate], Refusal | None]


def always(candidate: Candidate) -> bool:
    """Say that a link counts whatever is chosen."""
    return isinstance(candidate, Candidate)


@dataclass(frozen=True, eq=False, slots=True)
class Link:
    """A rule between two components; `applies` says for which candidates of the first."""

    first: str
    second: str
    refuse: PairRule
    applies: Callable[[Candidate], bool] = always


def links_between(
    cards: Sequence[Card], frameworks: Sequence[str], *, has_gpu: bool, backends: Mapping[str, str]
) -> list[Link]:
    """List the links of a problem.

    Args:
        cards: GPUs of the machine; frameworks: names, backends included.
        has_gpu: driver, CUDA and cuDNN are part of the problem.
        backends: front end -> the framework it is to run on.
    """
    links = [Link(name, PYTHON, framework_python) for name in frameworks]
    links += [Link(front, back, framework_backend) for front, back in backends.items()]
    if has_gpu:
        links += [
            Link(CUDA, DRIVER, cuda_driver),
            Link(CUDNN, CUDA, cudnn_cuda),
            Link(CUDNN, DRIVER, cudnn_driver),
        ]
        for name in frameworks:
            links += [
                Link(name, DRIVER, framework_driver(cards)),
                Link(name, CUDA, framework_cuda, needs_system_cuda),
                Link(name, CUDNN, framework_cudnn, needs_system_cuda),
            ]
    return links


def cuda_driver(toolkit: Candidate, driver: Candidate) -> Refusal | None:
    """The driver must be new enough for the toolkit, at least by minor-version compatibility."""
    if not isinstance(toolkit, CudaCandidate) or driver.version >= toolkit.native:
        return None
    if toolkit.minor_compat is not None and driver.version >= toolkit.minor_compat:
        return None
    least = toolkit.row.min_driver_minor_compat or toolkit.row.min_driver_native
    return Refusal(
        f"CUDA {toolkit.text} needs driver {least} or newer, and driver {driver.text} is older",
        toolkit.source,
    )


def is_native(toolkit: Candidate, driver: Candidate) -> bool:
    """Whether the driver has all that the toolkit needs, its PTX too."""
    return isinstance(toolkit, CudaCandidate) and driver.version >= toolkit.native


def cudnn_cuda(library: Candidate, toolkit: Candidate) -> Refusal | None:
    """CuDNN must be of the toolkit's CUDA major, or release where it serves only one."""
    if not isinstance(library, CudnnCandidate):
        return None
    if not isinstance(toolkit, CudaCandidate):
        return Refusal("cuDNN is of no use without a CUDA toolkit", library.source)
    if library.row.cuda_major != toolkit.major or (
        library.cuda is not None and library.cuda != toolkit.release
    ):
        return Refusal(
            f"cuDNN {library.text} is built for CUDA {library.row.built_for}, "
            f"not {toolkit.row.release}",
            library.source,
        )
    return None


def cudnn_driver(library: Candidate, driver: Candidate) -> Refusal | None:
    """The driver must be new enough for cuDNN."""
    if isinstance(library, CudnnCandidate) and driver.version < library.min_driver:
        return Refusal(
            f"cuDNN {library.text} needs driver {library.row.min_driver} or newer, and "
            f"driver {driver.text} is older",
            library.source,
        )
    return None


def framework_driver(cards: Sequence[Card]) -> PairRule:
    """Make the rule that the driver is new enough for a build, and for its PTX where that runs.

    PTX is compiled by the driver, which knows no PTX newer than its own CUDA.
    """
    codes = [(code, card) for card in cards for code in card.codes]

    def rule(framework: Candidate, driver: Candidate) -> Refusal | None:
        if not isinstance(framework, FrameworkCandidate) or not isinstance(driver, DriverCandidate):
            return None
        if framework.min_driver is not None and driver.version < framework.min_driver:
            return Refusal(
                f"{framework.name} needs driver {framework.row.min_driver} or newer, and "
                f"driver {driver.text} is older",
                framework.source,
            )
        if framework.cuda is None or not framework.row.sm or not driver.branch.cuda:
            return None
        if Version(driver.branch.cuda) >= framework.cuda:
            return None
        for code, card in codes:
            if not runs_compiled(framework.row.sm, code):
                return Refusal(
                    f"{framework.name} runs on the {card.label} through PTX of CUDA "
                    f"{framework.cuda} only, newer than the {driver.branch.cuda} of "
                    f"driver {driver.text}",
                    framework.source,
                )
        return None

    return rule


def framework_python(framework: Candidate, python: Candidate) -> Refusal | None:
    """The build must exist for the Python version."""
    if isinstance(framework, FrameworkCandidate) and python.text not in framework.pythons:
        return Refusal(
            f"{framework.name} has no wheel for Python {python.text} "
            f"(it has: {framework.python_span})",
            framework.source,
        )
    return None


def needs_system_cuda(candidate: Candidate) -> bool:
    """Whether a build brings no CUDA of its own."""
    return isinstance(candidate, FrameworkCandidate) and candidate.row.needs_system_cuda


def framework_cuda(framework: Candidate, toolkit: Candidate) -> Refusal | None:
    """A build without CUDA of its own needs that toolkit on the system."""
    if not isinstance(framework, FrameworkCandidate) or not framework.row.needs_system_cuda:
        return None
    needed = framework.cuda
    if needed is None or (isinstance(toolkit, CudaCandidate) and _loads(needed, toolkit)):
        return None
    found = "has none" if isinstance(toolkit, Absent) else f"has {toolkit.text}"
    return Refusal(
        f"{framework.name} brings no CUDA and needs {needed} on the system, which {found}",
        framework.source,
    )


def _loads(needed: Version, toolkit: CudaCandidate) -> bool:
    if toolkit.major != needed.major:
        return False
    if needed.major >= MINOR_COMPATIBLE_FROM:
        return toolkit.release >= needed
    return toolkit.release == needed


def framework_cudnn(framework: Candidate, library: Candidate) -> Refusal | None:
    """A build without cuDNN of its own needs the same major on the system, not older."""
    if not isinstance(framework, FrameworkCandidate) or not framework.row.needs_system_cuda:
        return None
    needed = _plain_version(framework.row.cudnn)
    if needed is None or (
        isinstance(library, CudnnCandidate)
        and library.version >= needed
        and library.version.major == needed.major
    ):
        return None
    return Refusal(f"{framework.name} needs cuDNN {needed} on the system", framework.source)


def _plain_version(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:  # a specifier: the wheel's own requirement, not one on the system
        return None


@cache
def requirement_of(text: str) -> Requirement:
    """Read a requirement of a row, once in a process: parsing costs more than a search."""
    from packaging.requirements import (  # noqa: PLC0415 - 15 ms, for front ends only
        Requirement,
    )

    return Requirement(text)


def framework_backend(front: Candidate, back: Candidate) -> Refusal | None:
    """A front end (Keras) must know the backend it is given, in that version."""
    if not isinstance(front, FrameworkCandidate) or not front.row.backends:
        return None
    known = [requirement_of(item) for item in front.row.backends]
    for item in known:
        if canonical(item.name) == back.component and item.specifier.contains(
            back.version, prereleases=True
        ):
            return None
    return Refusal(
        f"{front.name} runs on {', '.join(front.row.backends)}, not on "
        f"{back.component} {back.text}",
        front.source,
    )
