"""`dlconf drift`: what differs from what is wanted."""

from __future__ import annotations

from typing import Any

import click

from dlconf.cli import hostoptions, hostrun
from dlconf.report import drift as report

DRIFT = 4


@click.command()
@hostoptions.host_options
@hostoptions.workers_option
@hostoptions.wish_options
@click.pass_context
def drift(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Report what differs from the wanted state; exit with 4 where something does.

    A host that cannot be looked at counts first: the exit code is then 1 (or 3), since the answer is not complete.
    """
    request = hostoptions.request(given)
    survey = hostrun.look("drift", request, as_json, report.text, report.data)
    ctx.exit(survey.exit_code or (DRIFT if survey.with_status("drift") else 0))
