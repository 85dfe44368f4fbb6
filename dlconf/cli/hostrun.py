"""What every command on hosts does around its work: a folder for the log, progress, the result, the log's path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from dlconf import apply
from dlconf.apply import Steps
from dlconf.cli import options, output
from dlconf.cli.group import INCOMPLETE_KEY
from dlconf.hosts import Survey
from dlconf.report import progress
from dlconf.report.text import Paint, json_text
from dlconf.request import Request
from dlconf.runfolder import RunFolder


@contextmanager
def folder(verb: str) -> Iterator[RunFolder]:
    """Give a run its folder, and print the log's path at its end, however it ends.

    Why results or log are not complete is left to the end of the command: what is known is shown first.
    """
    made = RunFolder.create(verb)
    try:
        yield made
    finally:
        made.close()
        if made.trouble:
            click.get_current_context().meta[INCOMPLETE_KEY] = made
        elif made.has_log:
            output.echo(f"log: {made.log}", err=True)


@contextmanager
def steps(request: Request, folder: RunFolder, what: str) -> Iterator[Steps]:
    """Show progress on standard error while steps run."""
    with progress.choose(sys.stderr) as shown:
        shown.say(what)
        yield Steps(request, folder, watch=shown.watch, say=shown.say)


def show(text: str, data: Mapping[str, Any], as_json: bool) -> None:
    """Print the result on standard output: text, or one JSON object."""
    output.echo(json_text(data) if as_json else text)


def look(
    verb: str,
    request: Request,
    as_json: bool,
    text: Callable[[Survey, Path, Paint], str],
    data: Callable[[Survey, Path], Mapping[str, Any]],
) -> Survey:
    """Look at the hosts of a request, print a report of how they stand, and return it.

    Raises: as `dlconf.apply.survey`.
    """
    with folder(verb) as made:
        with steps(request, made, f"looking at the hosts of {request.sources}") as looking:
            found = apply.survey(looking)
        show(text(found, made.log, options.paint()), data(found, made.log), as_json)
    return found
