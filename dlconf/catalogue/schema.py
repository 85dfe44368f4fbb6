"""Building rows from plain mappings, with errors that name file, row, field and what was expected.

The dataclasses in model.py are the schema: a field's annotation says its type, a field without a
default is required. What a type cannot say (the form of a compute capability, a closed list of
words) stands in forms.py.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlconf.catalogue.forms import FORMS
from dlconf.catalogue.problem import MISSING, CatalogueError, Place, Problem
from dlconf.catalogue.row import Row


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(item, value))


def _map_of(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(map(_text, value)) and all(map(item, value.values()))
    )


# annotation -> (is this value of that type?, how to say it)
_TYPES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "str": (_text, "text"),
    "int": (_whole, "a whole number"),
    "bool": (lambda value: isinstance(value, bool), "true or false"),
    "tuple[str, ...]": (_list_of(_text), "a list of text"),
    "tuple[int, ...]": (_list_of(_whole), "a list of whole numbers"),
    "Mapping[str, str]": (_map_of(_text), "a mapping of text to text"),
    "Mapping[str, tuple[str, ...]]": (
        _map_of(_list_of(_text)),
        "a mapping of text to lists of text",
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    name: str
    required: bool
    nullable: bool
    fits: Callable[[Any], bool]
    expected: str
    form: re.Pattern[str] | None
    form_expected: str
    convert: Callable[[Any], Any] | None


def _converter(annotation: str) -> Callable[[Any], Any] | None:
    if annotation.startswith("tuple"):
        return tuple
    if annotation.startswith("Mapping[str, tuple"):
        return lambda value: {name: tuple(items) for name, items in value.items()}
    return None


_known_fields: dict[type[Row], Mapping[str, _Field]] = {}


def _fields(kind: type[Row]) -> Mapping[str, _Field]:
    """Give the fields of a dataclass as they are checked; made once for each class."""
    if kind not in _known_fields:
        _known_fields[kind] = _read_fields(kind)
    return _known_fields[kind]


def _read_fields(kind: type[Row]) -> Mapping[str, _Field]:
    found = {}
    for item in dataclasses.fields(kind):
        annotation = str(item.type)
        plain = annotation.removesuffix(" | None")
        fits, expected = _TYPES[plain]
        nullable = plain != annotation
        form, form_expected = FORMS.get(f"{kind.__name__}.{item.name}") or FORMS.get(
            item.name, ("", "")
        )
        required = (
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        )
        found[item.name] = _Field(
            item.name,
            required and not nullable,
            nullable,
            fits,
            expected + (" or null" if nullable else ""),
            re.compile(form) if form else None,
            form_expected,
            _converter(plain),
        )
    return found


def default_of(kind: type[Row], name: str) -> Any:
    """Give the default of a field; None when it has none."""
    default = next(item.default for item in dataclasses.fields(kind) if item.name == name)
    return None if default is dataclasses.MISSING else default


def build(kind: type[Row], raw: Mapping[str, Any], place: Place) -> Row:
    """Make a row of the catalogue from a mapping.

    Args:
        kind: the row's dataclass.
        raw: its fields as read.
        place: where it stands, for any error.

    Raises:
        CatalogueError: an unknown or missing field, or a value that is not what is expected.
    """
    fields = _fields(kind)
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in fields:
            raise CatalogueError.of(_unknown(name, fields, place))
        field = fields[name]
        problem = _problem(field, value, place)
        if problem is not None:
            raise CatalogueError.of(problem)
        values[name] = value if field.convert is None or value is None else field.convert(value)
    for field in fields.values():
        if field.name not in values:
            if field.required:
                raise CatalogueError.of(_missing(field, place))
            if field.nullable:
                values[field.name] = None
    return kind(**values)


def row_problems(kind: type[Row], raw: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    """Say all that is wrong with a row by itself; nothing where build makes a row of it."""
    fields = _fields(kind)
    for name, value in raw.items():
        problem = (
            _problem(fields[name], value, place)
            if name in fields
            else _unknown(name, fields, place)
        )
        if problem is not None:
            yield problem
    for field in fields.values():
        if field.required and field.name not in raw:
            yield _missing(field, place)


def _problem(field: _Field, value: Any, place: Place) -> Problem | None:
    """Say what is wrong with the value of a field, if something is."""
    if value is None and field.nullable:
        return None
    if not field.fits(value):
        return Problem(
            *place,
            field.name,
            field.expected,
            value,
            'A version must be quoted: "12.10" and 12.1 are different things.'
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else "",
        )
    if field.form is not None:
        for text in (
            value if isinstance(value, (list, dict)) else (value,)
        ):  # of a mapping its names
            if not field.form.fullmatch(text):
                return Problem(*place, field.name, field.form_expected, text)
    return None


def _missing(field: _Field, place: Place) -> Problem:
    return Problem(*place, field.name, field.expected, MISSING)


def _unknown(name: str, known: Mapping[str, Any], place: Place) -> Problem:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else "Known fields: " + ", ".join(sorted(known)) + "."
    return Problem(*place, name, "", MISSING, hint)
