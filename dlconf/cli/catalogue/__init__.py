"""`dlconf catalogue`: a group of commands about what dlconf knows, each a module of this package."""

from __future__ import annotations

import click

from dlconf.cli.group import LazyGroup

VERBS = {
    "list": "List what the catalogue has, or one kind of it.",
    "gpu": "Show all that follows for a GPU, found by name or PCI id.",
    "check": "Check the catalogue, or a site's files over it; exit with 1 where something is wrong.",
    "update": "Refresh the catalogue from the vendors' machine-readable lists.",
}


@click.group(cls=LazyGroup, package="dlconf.cli.catalogue", verbs=VERBS)
def catalogue() -> None:
    """Look up what dlconf knows of GPUs, drivers, CUDA and frameworks; check and refresh it."""
