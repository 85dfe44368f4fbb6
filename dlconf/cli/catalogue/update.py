"""`dlconf catalogue update`: rows from the vendors' machine-readable lists."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import click

from dlconf import content
from dlconf.catalogue import CatalogueError, load
from dlconf.catalogue import update as steps
from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.loader import DATA
from dlconf.catalogue.update.stated import Stated
from dlconf.cli import options, output
from dlconf.errors import UsageError
from dlconf.report import update as report
from dlconf.report.text import json_text


@click.command()
@click.option(
    "--from",
    "locations",
    multiple=True,
    required=True,
    metavar="DIR-OR-URL",
    help="A folder with the lists, a file, or the https URL of one list; may be repeated.",
)
@click.option(
    "--to",
    "site_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a site's file, for dlconf_catalogue, and not the data of this checkout.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before writing.")
@options.json_option
def update(*, locations: tuple[str, ...], site_file: Path | None, yes: bool, as_json: bool) -> None:
    """Refresh rows from the vendors' machine-readable lists: show what differs, then write it.

    Lists that are known, by what is in them: supported-gpus.json of a driver, releases.json of the
    data-centre drivers, README.md of the open kernel modules, PyPI's JSON of a framework's
    distribution (https://pypi.org/pypi/torch/json). A list overrides the facts that it states, and
    nothing else of a row; what a new row has to guess is said, and the row marked as not verified.
    """
    if site_file is None and not _is_checkout():
        raise UsageError(
            "the data of an installed dlconf is not changed",
            hint="--to my-rows.yml writes a file for dlconf_catalogue",
        )
    catalogue = load([site_file] if site_file and site_file.exists() else [])
    found = steps.compare(list(_statements(locations, catalogue)), catalogue)
    if not as_json:
        output.echo(report.text(found))
    written = []
    if found.changes and (yes or (not as_json and _agreed())):
        written = steps.write(found.changes, site_file)
    if as_json:
        output.echo(json_text(report.data(found, written)))
    elif found.changes:
        names = ", ".join(map(str, written))
        told = f"written: {names}" if written else "nothing was written; --yes writes it"
        output.echo(told, err=not written)


def _is_checkout() -> bool:
    """Whether the data lies in a checkout, which carries the roles beside the package."""
    return content.root() == DATA.parents[2]


def _statements(locations: Sequence[str], catalogue: Catalogue) -> Iterator[Stated]:
    today = date.today().isoformat()
    for location in locations:
        files = steps.read(location)
        known = [steps.statements(file, catalogue, today) for file in files]
        if all(item is None for item in known):
            raise CatalogueError(
                f"{location}: no list that is known",
                hint="known: supported-gpus.json, releases.json of the data-centre drivers, README.md"
                " of open-gpu-kernel-modules, PyPI's JSON of a framework",
            )
        for file, item in zip(files, known, strict=True):
            if item is None:
                output.echo(f"{file.place}: no list that is known; left out", err=True)
            else:
                yield from item


def _agreed() -> bool:
    """Ask on a terminal; elsewhere the answer is no."""
    return sys.stdin.isatty() and click.confirm("Write these rows?", err=True)
