"""Building rows from plain mappings, with errors that name file, row, field and what was expected.

The dataclasses in model.py are the schema: a field's annotation says its type, a field without a
default is required. What a type cannot say (the form of a compute capability, a closed list of
words) stands in forms.py.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from dlconf.catalogue.forms import FORMS
from dlconf.catalogue.row import Row
from dlconf.errors import DlconfError


class CatalogueError(DlconfError):
    """A row of the catalogue, or of a site's file, cannot be used."""

    exit_code = 2


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


def build(kind: type[Row], raw: Mapping[str, Any], where: str) -> Row:
    """Make a row of the catalogue from a mapping.

    Args:
        kind: the row's dataclass.
        raw: its fields as read.
        where: "FILE: SECTION ROW", the start of any error.

    Raises:
        CatalogueError: an unknown or missing field, or a value that is not what is expected.
    """
    fields = _fields(kind)
    values: dict[str, Any] = {}
    for name, value in raw.items():
        field = fields.get(name)
        if field is None:
            raise CatalogueError(f"{where}: {name}: unknown field", hint=_nearest(name, fields))
        values[name] = _value(field, value, where)
    for field in fields.values():
        if field.name not in values:
            if field.required:
                raise CatalogueError(f"{where}: {field.name}: missing; expected {field.expected}")
            if field.nullable:
                values[field.name] = None
    return kind(**values)


def _value(field: _Field, value: Any, where: str) -> Any:
    if value is None and field.nullable:
        return None
    if not field.fits(value):
        raise CatalogueError(
            f"{where}: {field.name}: expected {field.expected}, found {value!r}",
            hint='A version must be quoted: "12.10" and 12.1 are different things.'
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else "",
        )
    if field.form is not None:
        for text in value if isinstance(value, list) else (value,):
            if not field.form.fullmatch(text):
                raise CatalogueError(
                    f"{where}: {field.name}: expected {field.form_expected}, found {text!r}"
                )
    return value if field.convert is None else field.convert(value)


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else "Known fields: " + ", ".join(sorted(known)) + "."
