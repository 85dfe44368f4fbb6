"""Nothing fits: which wishes and GPUs clash, through which rows, and the smallest way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from dlconf.errors import NoCompatibleStack
from dlconf.resolve.candidates import (
    DRIVER,
    PYTHON,
    Absent,
    Candidate,
    DriverCandidate,
    universe_of,
)
from dlconf.resolve.cards import Card
from dlconf.resolve.links import framework_backend
from dlconf.resolve.patches import with_patch_releases
from dlconf.resolve.question import Question
from dlconf.resolve.reasons import named
from dlconf.resolve.rules import Refusal
from dlconf.resolve.search import Atom, Problem, solve
from dlconf.stack import Machine

MAX_LINES = 4
SUPPORTED = (
    "ubuntu-20.04",
    "ubuntu-22.04",
    "ubuntu-24.04",
    "ubuntu-26.04",
    "debian-12",
    "debian-13",
)
LINE = "\n  - "


def no_stack(question: Question) -> NoCompatibleStack:
    """Explain why a question has no answer."""
    core = minimal_conflict(question)
    alone = {
        atom: chosen
        for atom in core
        if (chosen := solve(question.without(atom).problem())) is not None
    }
    small = only(question, [*core, *(atom for atom in question.atoms() if atom.kind == "gpu")])
    lines = list(dict.fromkeys(line for atom in core for line in _forbids(small, atom, core)))
    names = " and ".join(atom.label for atom in core) or "this host"
    verb = "do not fit together" if len(core) > 1 else "cannot be served"
    message = f"no compatible stack: {names} {verb} on {question.machine.os}"
    return NoCompatibleStack(
        LINE.join([f"{message}:", *lines]) if lines else message, hint=_hint(question, core, alone)
    )


def minimal_conflict(question: Question) -> list[Atom]:
    """Find parts that cannot all hold: with any one of them taken back, the rest can."""
    core = list(question.atoms())
    for atom in list(core):
        rest = [item for item in core if item is not atom]
        if solve(only(question, rest).problem()) is None:
            core = rest
    return core


def only(question: Question, core: Sequence[Atom]) -> Question:
    """Give the question with these parts alone."""
    kept = {atom.key for atom in core}
    for atom in question.atoms():
        # a wish with a version keeps its framework, else it would have nothing to clash with
        if atom.key not in kept and not (
            atom.kind == "framework" and any(item.component == atom.component for item in core)
        ):
            question = question.without(atom)
    return question


def _forbids(question: Question, atom: Atom, core: Sequence[Atom]) -> list[str]:
    """Say through which rows the rest forbids one part."""
    rest = question.without(atom)
    chosen = solve(rest.problem()) or {}
    if all(item is atom or item.kind == "gpu" for item in core):  # nobody asks for that Python
        chosen = {name: item for name, item in chosen.items() if name != PYTHON}
    problem = question.problem()
    if atom.kind != "gpu":
        asked = [
            item for item in problem.candidates[atom.component] if _allowed_by(problem, item, atom)
        ]
        if not asked and atom.component == DRIVER:
            source = f"of {question.wishes.driver_source} " if atom.kind == "source" else ""
            return [f"no driver package {source}is known for {question.machine.os}: {atom.label}"]
        if not asked:
            device = "an NVIDIA GPU" if question.has_gpu else "the CPU"
            return [f"{atom.component} has no such build for {device}"]
        backend = question.backends().get(atom.component, "")
        return _lines(asked, problem, chosen) or _lines(
            [item for item in problem.candidates.get(backend, ()) if _carries(item, asked)],
            problem,
            chosen,
        )
    empty = [name for name in problem.candidates if not problem.allowed_alone(name)]
    lines = [
        f"{named(item)} would do without {atom.label}, but {refusal.text} [{refusal.source}]"
        for item in chosen.values()
        if item.component in empty
        if (refusal := _refused_by(problem, item, atom)) is not None
    ]
    return lines or (
        _lines(problem.candidates.get(DRIVER, ()), problem, {}) if len(core) == 1 else []
    )


def _carries(back: Candidate, fronts: Sequence[Candidate]) -> bool:
    """Whether one of these front ends runs on a build."""
    return any(framework_backend(front, back) is None for front in fronts)


def _allowed_by(problem: Problem, candidate: Candidate, atom: Atom) -> bool:
    return _refused_by(problem, candidate, atom) is None


def _refused_by(problem: Problem, candidate: Candidate, atom: Atom) -> Refusal | None:
    for requirement in problem.requirements:
        if (
            requirement.component == candidate.component
            and requirement.owner is not None
            and requirement.owner.key == atom.key
        ):
            refusal = requirement.refuse(candidate)
            if refusal is not None:
                return refusal
    return None


def _lines(
    candidates: Sequence[Candidate],
    problem: Problem,
    chosen: Mapping[str, Candidate],
) -> list[str]:
    """One line for each different cause, the newest candidate standing for the rest."""
    found: dict[str, str] = {}
    for item in candidates:
        refused = problem.dead_end(item) or _with_others(problem, item, chosen)
        if refused is None:
            continue
        text, source = refused.text, refused.source
        line = text if named(item) in text else f"{named(item)}: {text}"
        found.setdefault(_cause(item, text), f"{line} [{source}]")
    return list(found.values())[:MAX_LINES]


def _with_others(
    problem: Problem,
    item: Candidate,
    chosen: Mapping[str, Candidate],
) -> Refusal | None:
    others = {name: other for name, other in chosen.items() if name != item.component}
    refused = problem.refusal(item, others)
    return refused[0] if refused else None


def _cause(candidate: Candidate, text: str) -> str:
    """The text without what differs between versions of one component."""
    cause = text.replace(named(candidate), "").replace(candidate.text, "").partition(" (it has")[0]
    if isinstance(candidate, DriverCandidate):
        cause = cause.replace(candidate.package.branch, "")
    return cause


def _hint(
    question: Question, core: Sequence[Atom], alone: Mapping[Atom, Mapping[str, Candidate]]
) -> str:
    ways = [_way(question, atom, chosen) for atom, chosen in alone.items()]
    if not ways:
        pair = next(
            (
                pair
                for pair in combinations(question.atoms(), 2)
                if solve(question.without(pair[0]).without(pair[1]).problem()) is not None
            ),
            None,
        )
        ways = [" and ".join(_take_back(question, atom) for atom in pair)] if pair else []
    if len(core) == 1 and core[0].kind == "gpu":
        ways += _other_systems(question)
    elif any(atom.kind in ("pin", "wish") for atom in core):
        names = _systems_with_answer(question)
        ways += [f"use {' or '.join(names)}, where all of it fits"] if names else []
    ways += [way for atom in core if (way := _successor(question, atom))]
    ways += [way for atom in core if (way := _container(question, atom))]
    return "; or ".join(ways) if ways else "no single change of the wishes helps"


def _successor(question: Question, atom: Atom) -> str:
    """Say which framework took the place of one that does not fit, where that one does."""
    known = question.universe.catalogue.rules["successors"].values
    name = known.get(atom.component, "")
    if not name or name in question.frameworks:
        return ""
    names = tuple(name if item == atom.component else item for item in question.frameworks)
    fits = solve(replace(question, frameworks=names).problem()) is not None
    return f"want {name} instead, which succeeds {atom.component}" if fits else ""


def _container(question: Question, atom: Atom) -> str:
    """Say which container of NVIDIA's runs on GPUs for which no build of a framework has code."""
    image = question.universe.catalogue.rules["containers"].values.get(atom.component, "")
    if not image or atom.kind not in ("framework", "wish") or not question.has_gpu:
        return ""
    for card in question.cards:
        alone = replace(question, cards=(card,), pins=(), frameworks=(atom.component,)).problem()
        if not alone.allowed_alone(atom.component):
            break
    else:
        return ""
    return f"run it in NVIDIA's container {image}, which has code for these GPUs"


def _way(question: Question, atom: Atom, chosen: Mapping[str, Candidate]) -> str:
    action = _take_back(question, atom)
    if atom.kind in ("pin", "wish") and atom.component in chosen:
        return f"{action} ({named(chosen[atom.component])} fits)"
    if atom.kind == "gpu":
        return f"{action} ({_rest_of(chosen)})"
    return action


def _rest_of(chosen: Mapping[str, Candidate]) -> str:
    """Say the best answer of a host without one of its GPUs."""
    if DRIVER not in chosen:
        return "the host then gets CPU builds"
    versions = (named(item) for item in chosen.values() if not isinstance(item, Absent))
    return f"the rest gets {', '.join(versions)}"


def _take_back(question: Question, atom: Atom) -> str:
    if atom.kind == "gpu":
        card = _card(question, atom)
        return " ".join(f"--ignore-gpu {slot}" for slot in card.slots)
    if atom.kind == "framework":
        return f"leave out {atom.component}"
    return f"take back {atom.label}"


def _card(question: Question, atom: Atom) -> Card:
    return next(card for card in question.cards if f"gpu {card.slots[0]}" == atom.key)


def _other_systems(question: Question) -> list[str]:
    """Say on which other system, or below which kernel, the same question has an answer."""
    machine = question.machine
    names = _systems_with_answer(question)
    ways = [f"use {' or '.join(names)}, which has a driver for it"] if names else []
    if machine.kernel and _has_answer(question, replace(machine, kernel="")):
        ways.append(f"boot an older kernel than {machine.kernel}")
    return ways


def _systems_with_answer(question: Question) -> list[str]:
    """Name the other systems on which the same question has an answer."""
    machine = question.machine
    return [
        os
        for os in SUPPORTED
        if os != machine.os and _has_answer(question, replace(machine, os=os, glibc=None))
    ]


def _has_answer(question: Question, machine: Machine) -> bool:
    universe = universe_of(question.universe.catalogue, machine.os)
    universe = with_patch_releases(universe, question.pins)
    return solve(replace(question, universe=universe, machine=machine).problem()) is not None
