"""Data is held to the types that later code is written for, and what is wrong is named by its place."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

import pytest

from dlconf import shape


class Card(TypedDict):
    slot: str
    celsius: float | None
    kind: Literal["a", "b"]
    link: NotRequired[dict[str, int]]
    more: dict[str, Any] | None


GOOD = {"slot": "é", "celsius": 5, "kind": "a", "more": None}


@pytest.mark.parametrize(
    "value",
    [GOOD, GOOD | {"link": {"x": 1}, "celsius": 1.5}, GOOD | {"new": [1], "more": {"a": [{}]}}],
)
def test_what_has_the_shape_is_nothing_to_tell(value: object) -> None:
    assert shape.check_of(Card)(value) == ""


def nested(levels: int) -> Any:
    value: Any = 1
    for _level in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5, " must be an object, not 5"),
        ({}, ".celsius is missing"),
        (GOOD | {"slot": 5}, ".slot must be text, not 5"),
        (GOOD | {"slot": "\udc80"}, ".slot must be Unicode text, not"),
        (GOOD | {"slot": "x" * (2 << 20)}, ".slot must be text of at most"),
        (GOOD | {"celsius": True}, ".celsius must be"),
        (GOOD | {"kind": "c"}, ".kind must be one of a, b, not 'c'"),
        (GOOD | {"link": {"x": 1.5}}, ".link.x must be a whole number, not 1.5"),
        (GOOD | {"link": [1]}, ".link must be an object, not a list"),
        (GOOD | {"more": {"a": nested(100)}}, ".more.a must be at most 32 levels deep"),
        (GOOD | {"new": nested(500)}, "levels deep"),
        (GOOD | {"\udc80": 1}, "must be Unicode text"),
    ],
)  # fmt: skip
def test_what_has_not_is_named(value: object, told: str) -> None:
    assert told in shape.check_of(Card)(value)
