"""What weak GPUs cost the others of a machine, by the answer without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from dlconf.resolve.candidates import DRIVER, Candidate, DriverCandidate, FrameworkCandidate
from dlconf.resolve.cards import Card
from dlconf.resolve.question import Question
from dlconf.resolve.reasons import named
from dlconf.resolve.search import solve

KEEP_ALL = "none"
"""The word in ignore_gpus that keeps every GPU: none is left out by itself."""


@dataclass(frozen=True, slots=True)
class Cost:
    """GPUs that hold the others back, and what these would get: names for people, better ones first."""

    cards: tuple[Card, ...]
    gains: tuple[str, ...]

    @property
    def names(self) -> str:
        """The GPUs, for people."""
        return " and ".join(f"the {card.label}" for card in self.cards)

    @property
    def options(self) -> str:
        """How to leave them out."""
        return " ".join(f"--ignore-gpu {slot}" for card in self.cards for slot in card.slots)

    @property
    def text(self) -> str:
        """One sentence for a user who keeps them."""
        verb = "cost" if len(self.cards) > 1 else "costs"
        return (
            f"{self.names} {verb} the other GPUs much: without, they get {', '.join(self.gains)}; "
            f"{self.options} (dlconf_ignore_gpus) leaves out what is not needed"
        )

    @property
    def left_out_text(self) -> str:
        """One sentence for a user who did not ask for them to be left out."""
        verb = "are" if len(self.cards) > 1 else "is"
        return (
            f"{self.names} {verb} left out, and will have no driver: else the other GPUs would not "
            f"get {', '.join(self.gains)}; --ignore-gpu {KEEP_ALL} (dlconf_ignore_gpus) keeps every GPU"
        )


def costs_of(question: Question, chosen: Mapping[str, Candidate] | None) -> Iterator[Cost]:
    """Compare an answer with those without its weakest GPUs; one that gains nothing more is not told.

    Args:
        question: as it was answered.
        chosen: the answer; None where there is none.
    """
    lowest = sorted({min(card.codes, default=0) for card in question.cards})
    told: tuple[str, ...] = ()
    for code in lowest[:-1]:
        weak = tuple(card for card in question.cards if min(card.codes, default=0) <= code)
        rest = tuple(card for card in question.cards if card not in weak)
        better = solve(replace(question, cards=rest).problem())
        gains = tuple(_gains(chosen, better)) if better else ()
        if gains and gains != told:
            told = gains
            yield Cost(weak, gains)


def without_spare(question: Question, cost: Cost) -> Question | None:
    """Give the question without GPUs that are there for a screen at best; None where one is more."""
    if KEEP_ALL in question.wishes.ignore_gpus or not all(map(_is_spare, cost.cards)):
        return None
    rest = tuple(card for card in question.cards if card not in cost.cards)
    return replace(question, cards=rest, left_out=cost.cards)


def _is_spare(card: Card) -> bool:
    """Whether a card is a small one that shows no picture, as far as its machine is known."""
    return card.shows_nothing and card.is_small


def _gains(
    chosen: Mapping[str, Candidate] | None, better: Mapping[str, Candidate]
) -> Iterator[str]:
    for name, item in better.items():
        now = chosen.get(name) if chosen else None
        if name == DRIVER and isinstance(item, DriverCandidate):
            if not isinstance(now, DriverCandidate) or item.number > now.number:
                yield _instead(item, now)
        elif isinstance(item, FrameworkCandidate) and (
            now is None or item.version.release[0] > now.version.release[0]
        ):
            yield _instead(item, now)


def _instead(better: Candidate, now: Candidate | None) -> str:
    return f"{named(better)} instead of {named(now)}" if now else named(better)
