"""From a user's words to a GPU of the catalogue: a name, a part of one, or a PCI id."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from dlconf.errors import UsageError

if TYPE_CHECKING:
    from dlconf.catalogue import Catalogue
    from dlconf.catalogue.model import Gpu

_NVIDIA_VENDOR = "10de"


def device_id(words: str, catalogue: Catalogue) -> str:
    """Return the PCI device id that words mean; an id that the catalogue does not know is one too.

    Raises:
        UsageError: no GPU has that name (the nearest names are the hint), or several do.
    """
    plain = words.strip().lower()
    number = plain.removeprefix(f"{_NVIDIA_VENDOR}:").removeprefix("0x")
    is_number = len(number) == 4 and all(digit in "0123456789abcdef" for digit in number)
    named = (
        []
        if number != plain
        else [
            row
            for row in catalogue.gpus.values()
            if any(all(word in name.lower() for word in plain.split()) for name in _names(row))
        ]
    )
    if is_number and not named:
        return number
    if is_number and (row := catalogue.gpu(number)) and row not in named:
        raise UsageError(
            f"{words!r} is the PCI id of the {row.name} and a word in other names",
            hint=f"write 10de:{number} for the id, or the whole name",
        )
    if not named:
        known = {_bare(name): name for row in catalogue.gpus.values() for name in _names(row)}
        near = [known[name] for name in get_close_matches(_bare(plain), known, n=5, cutoff=0.5)]
        raise UsageError(
            f"no GPU is called {words!r}",
            hint=f"nearest names: {', '.join(near)}" if near else "give the PCI id",
        )
    exact = [row for row in named if _bare(plain) in map(_bare, _names(row))]
    return _one_of(words, exact or named).id


def _one_of(words: str, rows: Sequence[Gpu]) -> Gpu:
    if len({(row.architecture, row.compute_capability, row.last_branch) for row in rows}) > 1:
        names = ", ".join(f"{row.name} ({row.id})" for row in rows[:8])
        raise UsageError(
            f"{words!r} names {len(rows)} GPUs that need different stacks",
            hint=f"give one of these, or its PCI id: {names}",
        )
    return min(rows, key=lambda row: (not row.verified, len(row.name), row.id))


def _names(row: Gpu) -> tuple[str, ...]:
    return (row.name, *row.other_names)


def _bare(name: str) -> str:
    return name.lower().removeprefix("nvidia ").removeprefix("geforce ").strip()
