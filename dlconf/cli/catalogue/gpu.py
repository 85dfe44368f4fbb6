"""`dlconf catalogue gpu`: all that follows for one GPU."""

from __future__ import annotations

from pathlib import Path

import click

from dlconf.catalogue import load
from dlconf.cli import options, output
from dlconf.errors import UsageError
from dlconf.report import gpu as report
from dlconf.report.text import json_text
from dlconf.resolve.served import served_by


@click.command()
@click.argument("words", metavar="NAME-OR-PCI-ID")
@options.catalogue_option
@options.json_option
def gpu(words: str, catalogues: tuple[Path, ...], as_json: bool) -> None:
    """Show all that follows for a GPU: architecture, driver branches, CUDA, cuDNN, frameworks.

    NAME-OR-PCI-ID: words of the product's name ("3090", "rtx a6000"), or the id (2204, 10de:2204).
    """
    catalogue = load(catalogues)
    found = catalogue.find_gpus(words)
    number = words.strip().lower().removeprefix("10de:").removeprefix("0x")
    is_id = len(number) == 4 and set(number) <= set("0123456789abcdef")
    if not found and not is_id:
        near = catalogue.nearest_gpu_names(words)
        raise UsageError(
            f"the catalogue has no GPU {words!r}",
            hint=f"nearest names: {', '.join(near)}"
            if near
            else "write words of its name, or its PCI id",
        )
    answer = served_by(found[0].id if found else number, catalogue)
    others = found[1:]
    output.echo(json_text(report.data(answer, others)) if as_json else report.text(answer, others))
