"""What serves one GPU: the catalogue asked with the rules of the resolver, each component by itself.

No machine is asked about, so nothing is said of what fits together; that is what resolve does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from packaging.version import Version

from dlconf.catalogue import Catalogue, model
from dlconf.resolve.candidates import (
    Candidate,
    CudaCandidate,
    CudnnCandidate,
    FrameworkCandidate,
    Universe,
    universe_of,
)
from dlconf.resolve.cards import Card, cards_of
from dlconf.resolve.conflict import SUPPORTED
from dlconf.resolve.links import framework_backend, framework_cuda, needs_system_cuda
from dlconf.resolve.rules import (
    Refusal,
    cuda_compiles_for,
    cudnn_serves,
    driver_package_is_real,
    driver_serves,
    framework_fits_system,
    framework_runs_on,
)
from dlconf.stack import Machine, PciGpu

C = TypeVar("C", bound=Candidate)
Rule = Callable[[Candidate], Refusal | None]


@dataclass(frozen=True, slots=True)
class Served:
    """What the catalogue has for one GPU.

    Attributes:
        card: how the resolver judges it. row: its row; None for an id without one.
        branches: driver branches that drive it, oldest first.
        packaged: operating system -> those of them whose packages were seen there, newest first.
        cuda, cudnn: the newest that make or have code for it; None where none does.
        frameworks: name -> the newest build with code for it that can be installed.
        lost: names of those that have none.
    """

    card: Card
    row: model.Gpu | None
    branches: tuple[model.DriverBranch, ...]
    packaged: Mapping[str, tuple[str, ...]]
    cuda: CudaCandidate | None
    cudnn: CudnnCandidate | None
    frameworks: Mapping[str, FrameworkCandidate]
    lost: tuple[str, ...]


def served_by(device: str, catalogue: Catalogue) -> Served:
    """Say what serves the GPU of a PCI device id; an unknown id is judged as the resolver does."""
    machine = Machine(os="", gpus=(PciGpu("", device),))
    card = cards_of(machine, catalogue, ())[0]
    universe = universe_of(catalogue, "")
    toolkits = [item for item in universe.cuda if cuda_compiles_for(card)(item) is None]
    rules = (
        framework_runs_on(card, catalogue),
        framework_fits_system(None),
        _finds_its_cuda(toolkits),
    )
    fit = {name: _fit(universe.framework(name), *rules) for name in catalogue.frameworks}
    backends = [build for builds in fit.values() for build in builds]
    newest = {name: _newest(_fit(fit[name], _finds_a_backend(backends))) for name in fit}
    return Served(
        card,
        catalogue.gpu(device),
        tuple(row for row in catalogue.drivers.values() if _drives(row, card, catalogue)),
        {os: _packaged(universe_of(catalogue, os), card) for os in SUPPORTED},
        _newest(toolkits),
        _newest(_fit(reversed(universe.cudnn), cudnn_serves(card, catalogue))),
        {name: build for name, build in sorted(newest.items()) if build},
        tuple(name for name, build in sorted(newest.items()) if build is None),
    )


def _finds_its_cuda(toolkits: Sequence[CudaCandidate]) -> Rule:
    """Make the rule that a build without CUDA of its own finds its own among these toolkits."""

    def rule(candidate: Candidate) -> Refusal | None:
        refused = [framework_cuda(candidate, toolkit) for toolkit in toolkits]
        return None if None in refused or not needs_system_cuda(candidate) else refused[-1]

    return rule


def _finds_a_backend(builds: Sequence[FrameworkCandidate]) -> Rule:
    """Make the rule that a front end (Keras) finds one it runs on among these builds."""

    def rule(candidate: Candidate) -> Refusal | None:
        refused = [framework_backend(candidate, build) for build in builds]
        return None if None in refused else refused[-1]

    return rule


def _fit(candidates: Iterable[C], *rules: Rule) -> list[C]:
    """Give the candidates for a GPU that no rule refuses."""
    return [
        item
        for item in candidates
        if not _is_cpu_build(item) and all(rule(item) is None for rule in rules)
    ]


def _newest(candidates: Iterable[C]) -> C | None:
    """Give the newest, one that was verified before any other; the first where several are."""
    return max(
        candidates, key=lambda item: (item.verified, Version(item.version.public)), default=None
    )


def _is_cpu_build(candidate: Candidate) -> bool:
    return isinstance(candidate, FrameworkCandidate) and candidate.row.device == "cpu"


def _drives(branch: model.DriverBranch, card: Card, catalogue: Catalogue) -> bool:
    number = int(branch.branch)
    generation = catalogue.architectures.get(card.architecture)
    if generation is not None and card.architecture not in branch.architectures:
        return False
    return (
        card.first_branch <= number
        and (card.last_branch is None or number <= card.last_branch)
        and bool(card.flavours & set(branch.flavours))
    )


def _packaged(universe: Universe, card: Card) -> tuple[str, ...]:
    drives = driver_serves(card, universe.catalogue)
    found = {
        item.number
        for item in universe.drivers
        if item.seen and drives(item) is None and driver_package_is_real(item) is None
    }
    return tuple(str(number) for number in sorted(found, reverse=True))
