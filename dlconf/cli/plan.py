"""`dlconf plan`: what apply would do."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from dlconf.cli import hostoptions, hostrun
from dlconf.report import plan as report


@click.command()
@hostoptions.host_options
@hostoptions.choice_options
@click.pass_context
def plan(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Show what apply would do, per host and role, and why.

    Each resource is shown with what is installed and what is wanted, each version with the reason for it.
    """
    request = hostoptions.request(given)
    survey = hostrun.look(
        "plan", request, as_json, report.text, partial(report.data, command="plan")
    )
    ctx.exit(survey.exit_code)
