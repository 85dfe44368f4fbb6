"""Errors the user can act on. This module imports nothing from the package."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_NAMES = 8


class DlconfError(Exception):
    """An error with a message, a hint on the next step, and the exit code of the command.

    Args:
        message: what is wrong, naming the thing.
        hint: what to do about it; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DlconfError):
    """The command line or a variable names something that does not exist."""

    exit_code = 2


class NoCompatibleStack(DlconfError):
    """No set of versions satisfies the machine and the wishes."""

    exit_code = 3


def nearest_names(name: str, known: Iterable[str]) -> str:
    """Return the hint for a name that does not exist: those like it, or else the first that there are."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=_MOST_NAMES, cutoff=0.5) or names[:_MOST_NAMES]
    return f"nearest names: {', '.join(near)}"
