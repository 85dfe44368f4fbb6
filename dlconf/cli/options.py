"""Options and values that commands with and without hosts share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

import click

from dlconf import wishes
from dlconf.cli.group import JSON_KEY
from dlconf.errors import UsageError, nearest_names
from dlconf.report.text import Paint
from dlconf.written import version_in

COMPONENTS = ("driver", "cuda", "cudnn", "python", "anaconda")


def _remember_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    """Let the error boundary know that standard output is for JSON."""
    ctx.find_root().meta[JSON_KEY] = value
    return value


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_remember_json,
    help="Print the result as one JSON object on standard output.",
)

catalogue_option = click.option(
    "--catalogue",
    "catalogues",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rows of a site over the bundled ones; may be repeated.",
)


want_option = click.option(
    "--want",
    multiple=True,
    metavar="FRAMEWORK[==VERSION]",
    help="A framework to have, for instance pytorch==2.10.0; may be repeated. 'none': no framework.",
)


def wanted(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the frameworks that --want names.

    Raises:
        UsageError: there is no such framework, or `none` stands beside others.
    """
    found = tuple(texts)
    for text in found if found != (wishes.NONE,) else ():
        if wishes.canonical(text) == wishes.NONE:
            raise UsageError(
                "--want none stands beside others",
                hint="give it alone; --unwant NAME takes one off",
            )
        if not wishes.WISH.fullmatch(text):
            meant = wishes.right_framework(text)
            raise UsageError(
                f"--want {text!r} is no framework with a version behind it",
                hint=f"write --want {quote(meant)}"
                if meant
                else "for instance --want pytorch==2.10.0",
            )
        if (name := wishes.framework_name(text)) not in (known := frameworks()):
            raise unknown("framework", name, known)
    return found


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return COMPONENT=VERSION texts as a mapping.

    Raises:
        UsageError: a text is no such pair, or there is no such component.
    """
    chosen: dict[str, str] = {}
    for text in texts:
        component, separator, version = text.partition("=")
        component, version = component.strip(), version.strip()
        if not (separator and component and version):
            raise UsageError(
                f"{option} {text!r} is not COMPONENT=VERSION",
                hint=f"for instance {option} cuda=12.8",
            )
        if component in chosen:
            raise UsageError(
                f"{option} names {component} twice", hint="give one version of each component"
            )
        if component not in COMPONENTS and component not in (known := components()):
            raise unknown("component", component, known)
        if component != "anaconda" and not wishes.is_version(version):
            meant = version_in(version)
            raise UsageError(
                f"{option} {text!r}: {version!r} is no version",
                hint=f"write {option} {quote(f'{component}={meant}')}"
                if meant
                else wishes.VERSION_FORMS,
            )
        chosen[component] = version
    return chosen


def components() -> tuple[str, ...]:
    """Return the names that a version can be chosen for: the fixed ones and every framework of the catalogue."""
    return (*COMPONENTS, *frameworks())


def frameworks() -> tuple[str, ...]:
    """Return the frameworks of the catalogue."""
    from dlconf.catalogue import load  # noqa: PLC0415 - a fifth of the time until the commands on hosts begin

    return tuple(sorted(load().frameworks))


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error about a name that does not exist, with the nearest that do."""
    return UsageError(f"there is no {what} {name!r}", hint=nearest_names(name, known))


def paint() -> Paint:
    """Return colours for standard output: on a terminal, unless NO_COLOR is set."""
    return Paint(
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
