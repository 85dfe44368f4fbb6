"""`dlconf catalogue check`: what is wrong with the rows."""

from __future__ import annotations

from pathlib import Path

import click

from dlconf import catalogue
from dlconf.cli import options, output
from dlconf.report.text import count, json_text


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@options.json_option
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check the catalogue, or a site's FILEs over it, later files over earlier.

    Each row by itself (fields, types, forms, a source), and all of them against one another. Every
    problem is listed with its file, row and field, what was expected and what was found.

    Exit codes: 0 nothing is wrong, 1 something is, 2 a file cannot be read.
    """
    problems = catalogue.check(files)
    if as_json:
        found = [problem.data() for problem in problems]
        output.echo(json_text({"schema": 1, "problems": found}))
    else:
        for problem in problems:
            output.echo(str(problem))
            if problem.hint:
                output.echo(f"  {problem.hint}")
        what = ", ".join(map(str, files)) or "the catalogue"
        output.echo(f"{what}: {count(len(problems), 'problem')}", err=bool(problems))
    ctx.exit(int(bool(problems)))
