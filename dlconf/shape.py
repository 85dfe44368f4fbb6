"""Whether data from outside has the shape that types declare: TypedDict, list, dict, Literal, unions, JSON's own.

What a host or a file says is checked once, where it comes in, against the types that all later code is written for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

MOST_DEPTH = 32
"""Of data whose type is Any. Deeper ones would end the recursion of what later reads or writes them."""
MOST_CHARACTERS = 1 << 20
"""Of one text."""

Check = Callable[[Any], str]
"""Returns what is wrong with a value, as `PATH must be ..., not ...`; "" where it is as it should be."""

_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
}


@cache
def check_of(kind: Any) -> Check:
    """Return what checks values for a type."""
    if kind is Any or kind in _WORDS:
        return _scalar(kind) if kind in _WORDS else _check_any
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _union([check_of(argument) for argument in arguments])
    if origin is Literal:
        return _choice(arguments)
    if origin in (list, dict):
        item = check_of(arguments[-1])
        return _list(item) if origin is list else _mapping(item)
    return _record(kind)


def _not(value: Any, wanted: str) -> str:
    shown = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else ""
    return f" must be {wanted}, not {shown or repr(value)[:60]}"


def _scalar(kind: type) -> Check:
    if kind is str:
        return _check_text
    kinds = (int, float) if kind is float else (kind,)

    def check(value: Any) -> str:
        return "" if type(value) in kinds else _not(value, _WORDS[kind])

    return check


def _check_text(value: Any, wanted: str = _WORDS[str]) -> str:
    if type(value) is str and value.isascii() and len(value) <= MOST_CHARACTERS:
        return ""  # nearly all of them
    if not isinstance(value, str):
        return _not(value, wanted)
    if len(value) > MOST_CHARACTERS:
        return f" must be text of at most {MOST_CHARACTERS} characters, not {len(value)}"
    try:
        value.encode()
    except UnicodeEncodeError:
        return _not(ascii(value), "Unicode text")
    return ""


def _union(checks: list[Check]) -> Check:
    def check(value: Any) -> str:
        told = ""
        for one in checks:
            if not (found := one(value)):
                return ""
            told = (
                told
                if told and len(told.partition(" ")[0]) > len(found.partition(" ")[0])
                else found
            )
        return told

    return check


def _choice(words: tuple[Any, ...]) -> Check:
    def check(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return ""
        return _not(value, f"one of {', '.join(words)}")

    return check


def _list(item: Check) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list):
            return _not(value, "a list")
        for index, one in enumerate(value):
            if told := item(one):
                return f"[{index}]{told}"
        return ""

    return check


def _mapping(item: Check) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return _not(value, "an object")
        for key, one in value.items():
            if told := _check_text(key, "named by text") or item(one):
                return f".{ascii(key)[1:-1][:60]}{told}"
        return ""

    return check


def _check_key(key: Any) -> str:
    return _check_text(key, "named by text")


def _record(kind: Any) -> Check:
    checks = {name: check_of(hint) for name, hint in get_type_hints(kind).items()}
    # Where annotations are text (PEP 563), __required_keys__ does not know of NotRequired.
    may_lack = {
        name
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if get_origin(hint) is NotRequired
    }
    required = sorted(kind.__required_keys__ - may_lack)

    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return _not(value, "an object")
        for name in required:
            if name not in value:
                return f".{name} is missing"
        for name, one in value.items():
            known = checks.get(name)
            if told := known(one) if known else _check_key(name) or _check_any(one):
                return f".{ascii(name)[1:-1][:60]}{told}"
        return ""

    return check


def _check_any(value: Any, depth: int = MOST_DEPTH) -> str:
    if isinstance(value, str):
        return _check_text(value)
    if value is None or isinstance(value, bool | int | float):
        return ""
    if not depth:
        return f" must be at most {MOST_DEPTH} levels deep"
    if isinstance(value, list):
        return next((told for one in value if (told := _check_any(one, depth - 1))), "")
    if isinstance(value, dict):
        pairs = ((_check_key(key) or _check_any(one, depth - 1)) for key, one in value.items())
        return next((told for told in pairs if told), "")
    return _not(value, "JSON data")
