"""The resolver: facts, wishes and the catalogue in, a stack with reasons out. Pure.

`resolve` does no I/O and reads no clock: the catalogue's date is its today. The same input gives
the same output, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

from dlconf.catalogue import Catalogue
from dlconf.errors import DlconfError, NoCompatibleStack, UsageError
from dlconf.gpunames import arm_refused, vgpu_refused
from dlconf.resolve.candidates import (
    CUDA,
    CUDNN,
    DRIVER,
    PYTHON,
    Absent,
    Candidate,
    DriverCandidate,
    universe_of,
)
from dlconf.resolve.cards import Card, cards_of, reported
from dlconf.resolve.conflict import SUPPORTED, no_stack
from dlconf.resolve.costs import costs_of, without_spare
from dlconf.resolve.explain import Explained, explained
from dlconf.resolve.install import Install, install_of
from dlconf.resolve.keep import NEW, Kept
from dlconf.resolve.notes import notes_for
from dlconf.resolve.patches import with_patch_releases
from dlconf.resolve.pins import ANACONDA, check_versions, parse_wishes
from dlconf.resolve.question import Question
from dlconf.resolve.reasons import reasons_for
from dlconf.resolve.record import as_planned, record
from dlconf.resolve.search import Problem, solve
from dlconf.stack import Chosen, Driver, Framework, Machine, Resolution, Stack
from dlconf.wishes import Wishes

__all__ = ["as_planned", "explain", "question_of", "record", "resolve"]

ARCHITECTURE = "x86_64"


def resolve(facts: Machine | Mapping[str, Any], wishes: Wishes, catalogue: Catalogue) -> Resolution:
    """Choose a version of everything for one host.

    Args:
        facts: collected facts (dlconf.facts), or a machine made from them or described.
        wishes: what the user asks for.
        catalogue: what is known.

    Raises:
        DlconfError: the operating system or the processor is not supported.
        UsageError: a wish names a component, framework or version that does not exist.
        NoCompatibleStack: nothing fits; the message says what clashes, the hint what would work.
    """
    asked, problem, chosen, costs = _solved(facts, wishes, catalogue)
    install = install_of(asked, chosen)
    return Resolution(
        _stack(chosen, install),
        install,
        reasons_for(asked, problem, chosen),
        notes_for(asked, problem, chosen),
        reported(list(asked.cards)),
        costs,
        asked.wishes.standing,
    )


def explain(
    facts: Machine | Mapping[str, Any], wishes: Wishes, catalogue: Catalogue
) -> tuple[Explained, ...]:
    """Say of each component why it got its version, and of each newer one what rejected it.

    Args and Raises: as `resolve`, of whose answer this is the explanation.
    """
    asked, problem, chosen, _ = _solved(facts, wishes, catalogue)
    return explained(asked, problem, chosen)


def _solved(
    facts: Machine | Mapping[str, Any], wishes: Wishes, catalogue: Catalogue
) -> tuple[Question, Problem, Mapping[str, Candidate], tuple[str, ...]]:
    """Give the question as it was answered, its problem, the choices, and what weak GPUs cost."""
    machine = facts if isinstance(facts, Machine) else Machine.from_facts(facts)
    _check_kind(cards_of(machine, catalogue, wishes.ignore_gpus))
    _check_system(machine)
    question = question_of(machine, wishes, catalogue)
    _check_cards(question.cards, catalogue)
    answer = _answer(question)
    costs = list(costs_of(question, answer[2] if answer else None))
    for cost in costs:
        fewer = without_spare(question, cost)
        better = _answer(fewer) if fewer else None
        if better is not None:
            return *better, (cost.left_out_text,)
    if answer is None:
        raise no_stack(question)
    return *answer, tuple(cost.text for cost in costs)


def _answer(question: Question) -> tuple[Question, Problem, Mapping[str, Candidate]] | None:
    """Answer a question, with whichever backend of a front end that gives an answer."""
    for asked in question.with_each_backend():
        problem = asked.problem()
        chosen = solve(problem)
        if chosen is not None:
            return _with_cuda(asked, chosen) or (asked, problem, chosen)
    return None


def _with_cuda(
    asked: Question, chosen: Mapping[str, Candidate]
) -> tuple[Question, Problem, Mapping[str, Candidate]] | None:
    """Give the answer with a CUDA toolkit where a preference among drivers would cost it."""
    if not isinstance(chosen.get(CUDA), Absent) or asked.kept.level(chosen[DRIVER]) != NEW:
        return None
    needed = replace(asked, cuda_needed=True)
    problem = needed.problem()
    better = solve(problem)
    return None if better is None else (needed, problem, better)


def question_of(machine: Machine, wishes: Wishes, catalogue: Catalogue) -> Question:
    """Read the wishes, and judge the GPUs.

    Raises:
        UsageError: as resolve does.
    """
    universe = universe_of(catalogue, machine.os)
    frameworks, pins = parse_wishes(wishes, catalogue)
    universe = with_patch_releases(universe, pins)
    check_versions(pins, universe)
    cards = cards_of(machine, catalogue, wishes.ignore_gpus)
    question = Question(
        machine,
        universe,
        Kept(machine, upgrade=wishes.upgrade),
        tuple(cards),
        tuple(frameworks),
        tuple(pins),
        wishes,
    )
    _check_set(question)
    _check_conda(question)
    return question


def _check_conda(question: Question) -> None:
    """Refuse frameworks without conda where it makes their environments.

    Raises:
        UsageError: naming the variable with which uv makes them.
    """
    if (
        question.is_left_out(ANACONDA)
        and question.frameworks
        and question.wishes.conda_environments
    ):
        raise UsageError(
            "anaconda is none, and conda makes the environments of the frameworks",
            hint="write frameworks_backend: venv, and uv makes them",
        )


def _check_set(question: Question) -> None:
    """Refuse a version, given on the command line, of a framework that is not wished.

    Raises:
        UsageError: naming it, and the option that wishes it.
    """
    pins = {pin.component: pin.text for pin in question.pins if pin.origin == "pin"}
    for name in sorted(question.wishes.set_here - question.can_be_chosen()):
        version = pins[name]
        raise UsageError(
            f"a version of {name} is set ({version}), and {name} is not wished here",
            hint=f"wish it: --want {quote(name + ('==' if version[0].isdigit() else '') + version)}",
        )


def _stack(chosen: Mapping[str, Candidate], install: Install) -> Stack:
    driver = chosen.get(DRIVER)
    return Stack(
        Driver(driver.package.branch, driver.package.flavour, driver.text)
        if isinstance(driver, DriverCandidate)
        else None,
        _version(chosen.get(CUDA)),
        _version(chosen.get(CUDNN)),
        Chosen(chosen[PYTHON].text),
        tuple(
            Framework(item.name, chosen[item.name].text, item.requirements)
            for item in install.frameworks
        ),
    )


def _version(candidate: Candidate | None) -> Chosen | None:
    return None if candidate is None or isinstance(candidate, Absent) else Chosen(candidate.text)


def _check_system(machine: Machine) -> None:
    if machine.architecture != ARCHITECTURE:
        raise DlconfError(
            f"{machine.architecture} is not supported",
            hint=f"dlconf sets up {ARCHITECTURE} machines",
        )
    if machine.os not in SUPPORTED and not machine.is_of_the_past:
        name = f"{machine.os_name} ({machine.os})" if machine.os_name else machine.os
        raise DlconfError(f"{name} is not supported", hint=f"supported: {', '.join(SUPPORTED)}")


def _check_kind(cards: Sequence[Card]) -> None:
    """Refuse what is no card of an x86-64 machine: a share of one, or a chip with an arm64 processor.

    Raises:
        NoCompatibleStack: says what it is, and where its driver comes from.
    """
    for card in cards:
        if card.is_vgpu:
            ignore = " ".join(f"--ignore-gpu {slot}" for slot in card.slots)
            raise vgpu_refused(f"the {card.label}", f"{ignore} gives the CPU builds; ")
        if card.host_architecture not in (None, ARCHITECTURE):
            raise arm_refused(f"the {card.label}", card.source)


def _check_cards(cards: Sequence[Card], catalogue: Catalogue) -> None:
    refused = [card for card in cards if not card.supported]
    if refused:
        card = refused[0]
        capability = (
            f"compute capability {card.capabilities[0]}"
            if card.capabilities
            else f"the {card.architecture} architecture"
        )
        raise NoCompatibleStack(
            f"the {card.label} has {capability}; frameworks and their drivers need 3.0 or newer "
            f"[{card.source}]",
            hint=" ".join(f"--ignore-gpu {slot}" for item in refused for slot in item.slots)
            + " leaves it out; the host then gets what its other GPUs, or the CPU, can run. "
            + _last_for(card, catalogue),
        )


def _last_for(card: Card, catalogue: Catalogue) -> str:
    """Say what a card below the oldest supported capability still runs with."""
    toolkits = catalogue.architectures[card.architecture].last_cuda
    capability = card.capabilities[0] if card.capabilities else ""
    parts = [f"driver branch {card.last_branch}"] if card.last_branch else []
    parts += [f"CUDA {toolkits[capability]}"] if capability in toolkits else []
    last = f"The last that drive it are {' and '.join(parts)}, by hand; " if parts else ""
    return f"{last}a GPU of compute capability 3.0 or newer works"
