"""`dlconf plan`: what apply would do."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from dlconf.cli import hostoptions, hostrun, options, output
from dlconf.errors import UsageError
from dlconf.hosts import Survey
from dlconf.report import plan as report
from dlconf.request import Request


@click.command()
@click.argument("inventory", nargs=-1)
@click.option(
    "--facts",
    "folder",
    metavar="FOLDER",
    help="Plan from what dlconf detect --save stored there, without any host.",
)
@hostoptions.run_options
@hostoptions.workers_option
@hostoptions.choice_options
@click.pass_context
def plan(ctx: click.Context, /, as_json: bool, folder: str | None, **given: Any) -> None:
    """Show what apply would do, per host and role, and why.

    Each resource is shown with what is installed and what is wanted, each version with the reason for it.
    """
    if folder is not None:
        survey = _from_facts(folder, given, as_json)
    else:
        request = hostoptions.request(given)
        survey = hostrun.look(
            "plan", request, as_json, report.text, partial(report.data, command="plan")
        )
    ctx.exit(survey.exit_code)


def _from_facts(folder: str, given: dict[str, Any], as_json: bool) -> Survey:
    """Plan stored hosts and print the plan, host by host.

    Raises:
        UsageError: an option needs hosts, or the folder holds none.
    """
    for name in (
        "inventory",
        "inventories",
        "limit",
        "forks",
        "workers",
        "ask_become_pass",
        "ask_vault_pass",
    ):
        if given[name]:
            raise UsageError(
                f"--facts reaches no host, so {name.replace('_', '-')} has no meaning with it",
                hint="the folder holds hosts and their variables",
            )
    from dlconf import offline, stored  # noqa: PLC0415 - the resolver, only to plan without hosts

    files = stored.files(folder)
    request = Request(folder, **hostoptions.choices(given))
    output.echo(f"planning {len(files)} stored hosts of {folder}", err=True)
    survey = offline.Planner(request.extra_vars()).survey(files)
    if as_json:
        for part in report.json_parts(survey, "plan"):
            output.echo(part, nl=False)
        output.echo()
    else:
        for block in report.blocks(survey, None, options.paint()):
            output.echo(block)
    return survey
