"""`dlconf catalogue list`: the rows of the catalogue as tables."""

from __future__ import annotations

from pathlib import Path

import click

from dlconf.catalogue import load
from dlconf.cli import options, output
from dlconf.report import catalogue as report
from dlconf.report.text import json_text


@click.command()
@click.argument("kind", required=False, metavar=f"[{'|'.join(report.TABLES)}]")
@options.catalogue_option
@options.json_option
def list(kind: str | None, catalogues: tuple[Path, ...], as_json: bool) -> None:  # noqa: A001
    """List the rows of a kind; without one, what kinds of rows there are and how many.

    A row whose facts were derived or remembered, not read at their source, is marked as not
    verified. With --json, every field of every row.
    """
    if kind is not None and kind not in report.TABLES:
        raise options.unknown("list", kind, report.TABLES)
    rows = load(catalogues)
    if as_json:
        output.echo(json_text(report.rows_data(rows, kind)))
    else:
        output.echo(report.table(rows, kind) if kind else report.overview(rows))
