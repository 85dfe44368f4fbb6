"""Why each component got its version: what forced it, or what ruled out the next newer one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
from dlconf.resolve.install import usable_local_cudnn
from dlconf.resolve.keep import NEW, WORDS
from dlconf.resolve.links import is_native
from dlconf.resolve.question import Question
from dlconf.resolve.ranking import Ranking, has_local
from dlconf.resolve.search import Problem
from dlconf.stack import Reason

NAMES = {DRIVER: "driver", CUDA: "CUDA", CUDNN: "cuDNN", PYTHON: "Python"}


def named(candidate: Candidate) -> str:
    """Name a candidate for people: "CUDA 12.9.1", "driver 580.178.04 (open)"."""
    if isinstance(candidate, FrameworkCandidate):
        return candidate.name
    flavour = f" ({candidate.package.flavour})" if isinstance(candidate, DriverCandidate) else ""
    return f"{NAMES[candidate.component]} {candidate.text}{flavour}"


def reasons_for(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate]
) -> tuple[Reason, ...]:
    """Give one reason for each component, in the order of decision."""
    found = []
    for component, candidate in chosen.items():
        because, source = _because(question, problem, chosen, candidate)
        text = because + _about(question, chosen, candidate)
        found.append(Reason(component, _choice(candidate), text, source or "your wish"))
    return tuple(found)


def _choice(candidate: Candidate) -> str:
    if isinstance(candidate, DriverCandidate):
        return f"{candidate.package.branch} {candidate.package.flavour}"
    return candidate.text


def _because(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate], candidate: Candidate
) -> tuple[str, str]:
    pins = [pin.label for pin in question.active_pins if pin.component == candidate.component]
    newer, source = _newer(problem, chosen, candidate, question.ranking())
    level = question.kept.level(candidate)
    if level != NEW:
        return (
            f"{WORDS[level]} and still fits{_and(newer)}; --upgrade moves on"
            if newer
            else f"{WORDS[level]} and still the best that fits"
        ), source or candidate.source
    if isinstance(candidate, Absent):
        return f"left out{_and(newer)}", source
    lead = f"what {' and '.join(pins)} asks for" if pins else "the newest that fits everything"
    if candidate.component == PYTHON and not question.frameworks and not pins:
        return "the default where no framework is wished", candidate.source
    if isinstance(candidate, DriverCandidate) and not pins:
        lead = _driver_lead(question, candidate)
    return lead + _and(newer), source or candidate.source


def _and(newer: str) -> str:
    return f"; {newer}" if newer else ""


def _driver_lead(question: Question, candidate: DriverCandidate) -> str:
    kind = candidate.branch.type.replace("_", "-")
    end = candidate.branch.end_of_life
    until = (
        f", maintained until {end}" if end and question.ranking().is_maintained(candidate) else ""
    )
    cards = ", ".join(dict.fromkeys(card.name for card in question.cards))
    return f"the preferred {kind} branch that drives the {cards}{until}"


def _newer(
    problem: Problem, chosen: Mapping[str, Candidate], candidate: Candidate, ranking: Ranking
) -> tuple[str, str]:
    """Say what rules out the next newer version, and the row that says so."""
    others = {name: item for name, item in chosen.items() if name != candidate.component}
    causes = [
        cause
        for item in best_of_each_version(newer_than(problem, candidate), ranking)
        if (cause := _cause(problem, item, candidate, others, ranking)) is not None
    ]
    if not causes:
        return "", ""
    _, text, source = min(causes, key=lambda cause: cause[0])
    return text, source


def newer_than(problem: Problem, candidate: Candidate) -> list[Candidate]:
    """List the newer candidates of the same component, the oldest first."""
    newer = (
        item
        for item in problem.candidates[candidate.component]
        if _key(item) > _key(candidate) and not isinstance(item, Absent)
    )
    return sorted(newer, key=_key)


def _cause(
    problem: Problem,
    item: Candidate,
    candidate: Candidate,
    others: Mapping[str, Candidate],
    ranking: Ranking,
) -> tuple[int, str, str] | None:
    """What is against a newer candidate, with how telling it is (0 = most)."""
    refused = problem.refusal(item, others)
    if refused is None:
        why = second_best(item, candidate, others) or ranking.less_preferred_because(item)
        return (2, f"{named(item)} is newer, but {why}", item.source) if why else None
    refusal, owner = refused
    if owner is not None and owner.kind != "gpu":
        return None  # the lead says already what the user asked for
    weight = 0 if owner is not None else 1 if refusal.is_between else 3
    return weight, f"{named(item)} is ruled out: {refusal.text}", refusal.source


def second_best(item: Candidate, candidate: Candidate, others: Mapping[str, Candidate]) -> str:
    """Say what a newer, allowed candidate would lack that the chosen one has; "" for nothing."""
    driver = others.get(DRIVER)
    if not isinstance(item, CudaCandidate) or driver is None:
        return ""
    if is_native(candidate, driver) and not is_native(item, driver):
        return f"it needs driver {item.row.min_driver_native} for its full feature set"
    return ""


def _key(candidate: Candidate) -> tuple[object, ...]:
    if isinstance(candidate, DriverCandidate):
        return (candidate.number,)
    return (candidate.version.release,)


def best_of_each_version(candidates: Iterable[Candidate], ranking: Ranking) -> list[Candidate]:
    """Keep the preferred candidate of each version (a driver's: of each branch), in order."""
    best: dict[object, Candidate] = {}
    for item in candidates:
        known = best.get(_key(item))
        if known is None or ranking.rank(item) < ranking.rank(known):
            best[_key(item)] = item
    return list(best.values())


def _about(question: Question, chosen: Mapping[str, Candidate], candidate: Candidate) -> str:
    if isinstance(candidate, DriverCandidate):
        return _about_driver(question, candidate)
    if isinstance(candidate, FrameworkCandidate):
        return _about_framework(chosen, candidate)
    if isinstance(candidate, CudaCandidate):
        return _about_cuda(question, candidate)
    if isinstance(candidate, CudnnCandidate):
        return _about_cudnn(question, candidate)
    return ""


def _about_cuda(question: Question, candidate: CudaCandidate) -> str:
    if question.wishes.cuda_source == "network":
        return "; from the network repository, as wished"
    if has_local(candidate):
        return "; from its local repository, whose checksum is known"
    return "; from the network repository: no local one with a known checksum"


def _about_cudnn(question: Question, candidate: CudnnCandidate) -> str:
    distro = question.universe.distro
    if usable_local_cudnn(candidate, distro.id if distro else "", question):
        return "; from its local repository"
    if question.wishes.cudnn_source == "network":
        return "; from the network repository, as wished"
    return "; from the network repository: no checksum of a local one is known"


def _about_driver(question: Question, candidate: DriverCandidate) -> str:
    kinds = frozenset.intersection(*(card.flavours for card in question.cards))
    flavour = candidate.package.flavour
    if len(kinds) == 1:
        return f"; only {flavour} kernel modules drive this hardware"
    if candidate.number >= question.ranking().open_from and flavour == "open":
        return f"; open kernel modules are NVIDIA's default from {question.ranking().open_from} on"
    return f"; {flavour} kernel modules"


def _about_framework(chosen: Mapping[str, Candidate], candidate: FrameworkCandidate) -> str:
    if candidate.row.device == "cuda":
        where = "the system's" if candidate.row.needs_system_cuda else "its own"
        return f"; built for CUDA {candidate.row.cuda}, {where}"
    if candidate.row.device == "any":
        return ""
    why = "there is none for a GPU" if DRIVER in chosen else "there is no NVIDIA GPU"
    return f"; the CPU build, as {why}"
