"""The one way to the terminal: nothing that came from a host, a worker or a file steers it."""

from __future__ import annotations

import click

from dlconf.report.text import printable


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text, its colours apart, without characters that could steer a terminal.

    Args:
        text: what to print.
        err: on standard error.
        nl: with the end of a line.
    """
    click.echo(printable(text), err=err, nl=nl)
