"""`dlconf apply`: plan, confirm, converge, verify, summary."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from dlconf import apply as steps_of
from dlconf.apply import Converged
from dlconf.cli import hostoptions, hostrun, options, output
from dlconf.errors import DlconfError, UsageError
from dlconf.hosts import Survey
from dlconf.report import plan, summary
from dlconf.report.text import PLAIN, count
from dlconf.runfolder import RunFolder


@click.command()
@hostoptions.host_options
@hostoptions.workers_option
@hostoptions.choice_options
@click.option("--yes", "-y", is_flag=True, help="Do not ask before changing anything.")
@click.option("--check", is_flag=True, help="Change nothing; report what would change.")
@click.option("--diff", is_flag=True, help="Show the lines that change in files.")
@click.option(
    "--reboot", is_flag=True, help="Restart hosts that need it, one at a time, and wait for them."
)
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    *,
    as_json: bool,
    yes: bool,
    check: bool,
    diff: bool,
    reboot: bool,
    **given: Any,
) -> None:
    """Bring each host to its stack: plan, confirm, converge, verify, summary.

    A host that fails does not stop the others; it is named at the end, and the exit code is 1.
    """
    request = hostoptions.request(given, check=check, diff=diff, reboot=reboot)
    with hostrun.folder("apply") as folder:
        opening = f"looking at the hosts of {request.sources}"
        with hostrun.steps(request, folder, opening) as steps:
            survey = steps_of.survey(steps)
        results: Mapping[str, Converged] = {}
        if todo := [host for host in survey.hosts.values() if steps_of.wants_change(host, request)]:
            _show_plan(survey, folder, as_json)
            if not (yes or check):
                _confirm(len(todo))
            with hostrun.steps(request, folder, "checking" if check else "applying") as steps:
                results = steps_of.converge(steps, survey)
        code = (
            1 if any(result.status != "done" for result in results.values()) else survey.exit_code
        )
        code = folder.exit_code(code)
        text = summary.text(survey, results, folder.log, check=check, paint=options.paint())
        if request.roles and not check:
            along = request.with_dependents
            text += "\n" + summary.of_roles(survey, results, request.roles, along)
        data = summary.data("apply", survey, results, folder.log, code, check=check)
        hostrun.show(text, data, as_json)
    ctx.exit(code)


def _show_plan(survey: Survey, folder: RunFolder, as_json: bool) -> None:
    """Print the plan; with --json it goes to standard error, for who is asked to confirm it."""
    paint = PLAIN if as_json else options.paint()
    output.echo(plan.text(survey, folder.log, paint) + "\n", err=as_json)


def _confirm(hosts: int) -> None:
    """Ask before anything is changed.

    Raises:
        UsageError: there is nobody to ask.
        DlconfError: the answer is no.
    """
    if not _somebody_is_there():
        raise UsageError(
            "nobody is at the terminal to confirm the plan; nothing was changed",
            hint="give --yes to apply it, or --check to see what it would change",
        )
    if not click.confirm(f"Apply this plan to {count(hosts, 'host')}?", err=True):
        raise DlconfError("not confirmed; nothing was changed")


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
