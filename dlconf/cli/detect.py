"""`dlconf detect`: what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dlconf import facts, stored
from dlconf.cli import hostoptions, hostrun, output
from dlconf.hosts import Survey
from dlconf.report import detect as report
from dlconf.report.text import count


@click.command()
@hostoptions.host_options
@hostoptions.workers_option
@click.option(
    "--save",
    "folder",
    metavar="FOLDER",
    help="Store facts and variables of each host there, for dlconf plan --facts.",
)
@click.pass_context
def detect(ctx: click.Context, /, as_json: bool, folder: str | None, **given: Any) -> None:
    """Report GPUs, driver, CUDA, system, memory and free disk of each host.

    Below a host stand warnings of what holds its GPUs back; dlconf_silence in the inventory names those not to show.
    """
    request = hostoptions.request(given)
    if folder is not None:
        stored.prepare(Path(folder))
    survey = hostrun.look("detect", request, as_json, report.text, report.data)
    if folder is not None:
        output.echo(f"stored {count(_save(Path(folder), survey), 'host')} in {folder}", err=True)
    ctx.exit(int(any(not host.facts for host in survey.hosts.values())))


def _save(folder: Path, survey: Survey) -> int:
    """Store each host that could be looked at; return how many."""
    hosts = [
        stored.StoredHost(host.name, facts.read(host.facts), host.variables)
        for host in survey.hosts.values()
        if host.facts is not None and host.variables is not None
    ]
    for host in hosts:
        stored.save(folder, host)
    return len(hosts)
