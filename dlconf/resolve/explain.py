"""Why not the newer ones: for each component the choice, and each newer version with the row that rejected it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dlconf.resolve.candidates import PYTHON, Absent, Candidate, DriverCandidate
from dlconf.resolve.keep import NEW, WORDS
from dlconf.resolve.question import Question
from dlconf.resolve.ranking import DEFAULT_PYTHON
from dlconf.resolve.reasons import (
    best_of_each_version,
    named,
    newer_than,
    reasons_for,
    second_best,
)
from dlconf.resolve.search import Problem
from dlconf.stack import Reason


@dataclass(frozen=True, slots=True)
class Rejected:
    """A newer version that was not chosen: one clause, and the row that says so."""

    choice: str
    because: str
    source: str


@dataclass(frozen=True, slots=True)
class Explained:
    """The reason of a choice, and the newer versions, the newest first."""

    reason: Reason
    rejected: tuple[Rejected, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the explanation as plain JSON data: the fields of the reason, and the rejected."""
        return {**asdict(self.reason), "rejected": [asdict(item) for item in self.rejected]}


def explained(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate]
) -> tuple[Explained, ...]:
    """Explain each component, in the order of decision."""
    return tuple(
        Explained(reason, tuple(_rejected(question, problem, chosen, chosen[reason.component])))
        for reason in reasons_for(question, problem, chosen)
    )


def _rejected(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate], candidate: Candidate
) -> Iterator[Rejected]:
    ranking = question.ranking()
    newer = best_of_each_version(newer_than(problem, candidate), ranking)
    for item in reversed(newer):
        yield Rejected(named(item), *_cause(question, problem, chosen, item))


def _cause(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate], item: Candidate
) -> tuple[str, str]:
    """Say what is against a newer candidate, and which row says so."""
    others = {name: other for name, other in chosen.items() if name != item.component}
    refused = problem.refusal(item, others)
    if refused is not None:
        return refused[0].text, refused[0].source
    candidate = chosen[item.component]
    why = second_best(item, candidate, others) or question.ranking().less_preferred_because(item)
    if why:
        return why, item.branch.source if isinstance(item, DriverCandidate) else item.source
    return _preferred(question, chosen, candidate), item.source


def _preferred(question: Question, chosen: Mapping[str, Candidate], candidate: Candidate) -> str:
    """Say why a candidate comes before newer ones that nothing is against."""
    level = question.kept.level(candidate)
    if level != NEW:
        return (
            f"nothing is against it, but {named(candidate)} is {WORDS[level]}; --upgrade moves on"
        )
    if candidate.component == PYTHON and not question.frameworks:
        return f"nothing is against it, but {DEFAULT_PYTHON} is the default without frameworks"
    if isinstance(candidate, Absent):
        return "nothing is against it by itself, but no version fits all the other choices"
    return f"nothing is against it by itself, but {_first(question, chosen, candidate)}"


def _first(question: Question, chosen: Mapping[str, Candidate], candidate: Candidate) -> str:
    ranking = question.ranking()
    preferred = ranking.default_source
    if getattr(getattr(candidate, "package", None), "source_name", "") == preferred:
        return f"{named(candidate)} comes from {preferred}, which is preferred on this system"
    decided = [name for name in chosen if name != candidate.component]
    return f"{named(candidate)} fits the choices for {', '.join(decided)} better"
