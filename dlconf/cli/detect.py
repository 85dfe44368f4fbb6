"""`dlconf detect`: what is there."""

from __future__ import annotations

from typing import Any

import click

from dlconf.cli import hostoptions, hostrun
from dlconf.report import detect as report


@click.command()
@hostoptions.host_options
@click.pass_context
def detect(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Report GPUs, driver, CUDA, system, memory and free disk of each host."""
    request = hostoptions.request(given)
    survey = hostrun.look("detect", request, as_json, report.text, report.data)
    ctx.exit(int(any(not host.facts for host in survey.hosts.values())))
