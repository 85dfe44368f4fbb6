"""`dlconf resolve`: the stack of a machine described on the command line, with no host at all."""

from __future__ import annotations

from pathlib import Path

import click

from dlconf.catalogue import load
from dlconf.cli import options, output
from dlconf.report import resolve as report
from dlconf.report.text import json_text
from dlconf.resolve import explain
from dlconf.resolve import resolve as choose
from dlconf.stack import Machine
from dlconf.wishes import KERAS_BACKENDS, NONE, Wishes


@click.command()
@click.option(
    "--gpu",
    "gpus",
    multiple=True,
    metavar="NAME-OR-PCI-ID",
    help='A GPU: "RTX 3090", 2204 or 10de:2204; once for each. None: a CPU machine.',
)
@click.option(
    "--os",
    "os_id",
    required=True,
    metavar="ID-VERSION",
    help="For instance ubuntu-22.04, debian-12.",
)
@click.option(
    "--arch", "architecture", default="x86_64", show_default=True, help="As uname -m says it."
)
@options.catalogue_option
@click.option("--kernel", default="", metavar="RELEASE", help="As uname -r says it; none: any.")
@options.want_option
@click.option(
    "--pin",
    "pins",
    multiple=True,
    metavar="COMPONENT=VERSION",
    help="Allow only this version of a component; may be repeated.",
)
@click.option(
    "--ignore-gpu",
    "ignore_gpus",
    multiple=True,
    metavar="SLOT-OR-ID",
    help="Leave this GPU out of the choice; may be repeated. 'none' keeps every GPU.",
)
@click.option(
    "--keras-backend",
    type=click.Choice(KERAS_BACKENDS),
    help="The framework that Keras runs on.",
)
@click.option(
    "--explain",
    "with_rejected",
    is_flag=True,
    help="Say of each newer version what rejected it.",
)
@options.json_option
def resolve(
    *,
    gpus: tuple[str, ...],
    os_id: str,
    architecture: str,
    catalogues: tuple[Path, ...],
    kernel: str,
    want: tuple[str, ...],
    pins: tuple[str, ...],
    ignore_gpus: tuple[str, ...],
    keras_backend: str | None,
    with_rejected: bool,
    as_json: bool,
) -> None:
    """Choose the stack for a machine described on the command line.

    No host is asked; the reason of each choice is printed with it.
    """
    catalogue = load(catalogues)
    machine = Machine.described(
        gpus=gpus, os=os_id, architecture=architecture, kernel=kernel, catalogue=catalogue
    )
    pinned = options.pairs(pins, "--pin")
    wishes = Wishes(
        frameworks=() if want == (NONE,) else want,
        pins=pinned,
        set_here=frozenset(pinned),
        ignore_gpus=ignore_gpus,
        keras_backend=keras_backend,
    )
    resolution = choose(machine, wishes, catalogue).as_json()
    explanation = explain(machine, wishes, catalogue) if with_rejected else None
    output.echo(
        json_text(report.data(resolution, explanation))
        if as_json
        else report.text(resolution, explanation, options.paint())
    )
