"""The search: resolvelib over components, with rules as requirements.

Components are decided in a fixed order, each as well as the earlier choices allow. A choice
therefore puts requirements on later components only (a Link is turned round as needed), so that no
later wish ever moves an earlier choice; where a later component finds nothing, resolvelib goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from resolvelib import (
    AbstractProvider,
    BaseReporter,
    ResolutionImpossible,
    ResolutionTooDeep,
    Resolver,
)
from resolvelib.resolvers import RequirementInformation

from dlconf.resolve.candidates import PYTHON, Candidate
from dlconf.resolve.links import Link, is_native
from dlconf.resolve.rules import Refusal, Rule

FEW_ROUNDS = 40
MAX_ROUNDS = 100_000


@dataclass(frozen=True, eq=False, slots=True)
class Requirement:
    """A rule on one component.

    `owner` is what asks for it: an Atom of the problem (a pin, a wish, a GPU) or None for what
    nobody can take back; it names the guilty when nothing fits.
    """

    component: str
    refuse: Rule
    owner: Atom | None = None
    chosen: Candidate | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Atom:
    """Something that can be taken back: `kind` is pin, wish, framework, gpu or source."""

    kind: str
    label: str
    component: str
    key: str


@dataclass(frozen=True, eq=False)
class Problem:
    """Components in the order of decision, what is asked of each, and rules between them.

    Attributes:
        candidates: component -> all its candidates, the preferred first.
    """

    candidates: Mapping[str, Sequence[Candidate]]
    requirements: Sequence[Requirement]
    links: Sequence[Link]
    atoms: Sequence[Atom] = ()
    order: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", {name: i for i, name in enumerate(self.candidates)})

    def refusal_alone(self, candidate: Candidate) -> tuple[Refusal, Atom | None] | None:
        """Say what forbids a candidate whatever else is chosen, and who asks for that."""
        for requirement in self.requirements:
            if requirement.component == candidate.component:
                refusal = requirement.refuse(candidate)
                if refusal is not None:
                    return refusal, requirement.owner
        return None

    def dead_end(self, candidate: Candidate) -> Refusal | None:
        """Say what forbids a candidate alone, or with every choice for some other component."""
        alone = self.refusal_alone(candidate)
        if alone is not None:
            return alone[0]
        # Python last: which one is taken follows from the rest, so that tells least.
        for link in sorted(self.links, key=lambda link: PYTHON in (link.first, link.second)):
            other = {link.first: link.second, link.second: link.first}.get(candidate.component)
            if other is None:
                continue
            refusals = [
                _refused_by_link(link, candidate, {other: item})
                for item in self.allowed_alone(other)
            ]
            if all(refusals):
                return next(iter(refusals), None)
        return None

    def allowed_alone(self, component: str) -> list[Candidate]:
        """Candidates that nothing forbids by themselves, the preferred first."""
        rules = [item.refuse for item in self.requirements if item.component == component]
        return [
            item for item in self.candidates[component] if all(rule(item) is None for rule in rules)
        ]

    def refusal(
        self,
        candidate: Candidate,
        chosen: Mapping[str, Candidate],
    ) -> tuple[Refusal, Atom | None] | None:
        """Say what forbids a candidate, given the choices for other components; None = nothing."""
        alone = self.refusal_alone(candidate)
        if alone is not None:
            return alone
        for link in self.links:
            refusal = _refused_by_link(link, candidate, chosen)
            if refusal is not None:
                return replace(refusal, is_between=True), None
        return None


def _refused_by_link(
    link: Link,
    candidate: Candidate,
    chosen: Mapping[str, Candidate],
) -> Refusal | None:
    if link.first == candidate.component and link.second in chosen:
        return link.refuse(candidate, chosen[link.second])
    if link.second == candidate.component and link.first in chosen:
        return link.refuse(chosen[link.first], candidate)
    return None


def solve(problem: Problem) -> Mapping[str, Candidate] | None:
    """Choose a candidate for every component; None when nothing fits.

    The first search is short, which nearly always does; where it goes back too often, candidates
    that no other component has a partner for are removed first.
    """
    allowed = {name: problem.allowed_alone(name) for name in problem.candidates}
    try:
        return _search(problem, allowed, FEW_ROUNDS)
    except ResolutionTooDeep:
        return _search(problem, consistent(problem, allowed), MAX_ROUNDS)


def _search(
    problem: Problem,
    allowed: Mapping[str, list[Candidate]],
    rounds: int,
) -> Mapping[str, Candidate] | None:
    if not all(allowed.values()):
        return None
    roots = [Requirement(component, _accept) for component in problem.candidates]
    provider = _Provider(problem, allowed)
    resolver = Resolver(provider, BaseReporter[Requirement, Candidate, str]())
    try:
        mapping = resolver.resolve(roots, max_rounds=rounds).mapping
    except ResolutionImpossible:
        return None
    return {component: mapping[component] for component in problem.candidates}


def consistent(
    problem: Problem, given: Mapping[str, list[Candidate]]
) -> dict[str, list[Candidate]]:
    """Give those candidates that have a partner in every link (arc consistency, AC-3).

    What can be in no solution is gone before the search, which then hardly ever goes back.
    """
    allowed = dict(given)
    stale = set(allowed)
    while stale:
        changed = set()
        for link in problem.links:
            if link.first in stale or link.second in stale:
                changed |= _revise(link, allowed)
        stale = changed
    return allowed


def _revise(link: Link, allowed: dict[str, list[Candidate]]) -> set[str]:
    firsts, seconds = allowed[link.first], allowed[link.second]
    refuse = link.refuse
    kept_firsts = [
        one
        for one in firsts
        if not link.applies(one) or any(refuse(one, two) is None for two in seconds)
    ]
    kept_seconds = [
        two
        for two in seconds
        if any(not link.applies(one) or refuse(one, two) is None for one in kept_firsts)
    ]
    allowed[link.first], allowed[link.second] = kept_firsts, kept_seconds
    return {
        name
        for name, before in ((link.first, firsts), (link.second, seconds))
        if len(allowed[name]) != len(before)
    }


def _accept(candidate: Candidate) -> Refusal | None:
    del candidate
    return None


class _Provider(AbstractProvider[Requirement, Candidate, str]):
    def __init__(self, problem: Problem, allowed: Mapping[str, list[Candidate]]) -> None:
        self._problem = problem
        self._allowed = allowed

    def identify(self, requirement_or_candidate: Requirement | Candidate) -> str:
        return requirement_or_candidate.component

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: Mapping[str, Iterator[Any]],
        backtrack_causes: Sequence[RequirementInformation[Requirement, Candidate]],
    ) -> Any:
        return self._problem.order[identifier]

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Requirement]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> list[Candidate]:
        asked = list(requirements[identifier])
        excluded = set(incompatibilities[identifier])
        found = self._allowed[identifier]
        for item in asked:
            if item.chosen is not None:  # the others are roots
                found = [candidate for candidate in found if item.refuse(candidate) is None]
        if excluded:
            found = [candidate for candidate in found if candidate not in excluded]
        drivers = [
            item.chosen
            for item in asked
            if item.chosen is not None and item.chosen.component == "driver"
        ]
        if identifier == "cuda" and drivers:
            found = sorted(found, key=lambda item: not is_native(item, drivers[0]))
        return found

    def is_satisfied_by(self, requirement: Requirement, candidate: Candidate) -> bool:
        return requirement.refuse(candidate) is None

    def get_dependencies(self, candidate: Candidate) -> Iterable[Requirement]:
        place = self._problem.order[candidate.component]
        return [
            Requirement(other, rule, None, candidate)
            for other, rule in self._links_of(candidate)
            if self._problem.order[other] > place
        ]

    def _links_of(self, candidate: Candidate) -> Iterator[tuple[str, Rule]]:
        for link in self._problem.links:
            if link.first == candidate.component:
                if link.applies(candidate):
                    yield link.second, _with_first(link, candidate)
            elif link.second == candidate.component:
                yield link.first, _with_second(link, candidate)


def _with_first(link: Link, first: Candidate) -> Callable[[Candidate], Refusal | None]:
    return lambda second: link.refuse(first, second)


def _with_second(link: Link, second: Candidate) -> Callable[[Candidate], Refusal | None]:
    return lambda first: link.refuse(first, second)
