"""`dlconf explain`: why each version, and why none of the newer ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dlconf import wishes
from dlconf.catalogue import load
from dlconf.cli import hostoptions, hostrun, options
from dlconf.errors import UsageError
from dlconf.hosts import HostState, Survey
from dlconf.report import explain as report
from dlconf.resolve import explain as explanation_of
from dlconf.resolve.explain import Explained
from dlconf.stack import Machine

SYSTEM = ("driver", "cuda", "cudnn", "python")


@click.command()
@click.argument("inventory")
@hostoptions.run_options
@click.argument("host", required=False)
@click.argument("component", required=False)
@hostoptions.version_options
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    as_json: bool,
    host: str | None,
    component: str | None,
    **given: Any,
) -> None:
    """Say why each version was chosen, and which row rejected each newer one.

    HOST is one host, or a pattern as --limit takes it; COMPONENT is driver, cuda, cudnn, python or a framework.
    Versions that the same thing is against are one line; --json lists each with its own row.
    """
    _check(component)
    if host and given["limit"]:
        raise UsageError("HOST and --limit say the same", hint="give one of them")
    request = hostoptions.request(given | {"limit": host or given["limit"]})
    survey = hostrun.look(
        "explain",
        request,
        as_json,
        lambda found, log, paint: report.text(found, _explanations(found, component), log, paint),
        lambda found, log: report.data(found, _explanations(found, component), log),
    )
    ctx.exit(survey.exit_code)


def _check(component: str | None) -> None:
    if component and component not in (known := (*SYSTEM, *sorted(load().frameworks))):
        raise options.unknown("component", component, known)


def _explanations(survey: Survey, component: str | None) -> report.Explanations:
    """Explain the hosts that have a stack: what the survey found of them gives the same one again."""
    return {
        host.name: tuple(
            item for item in _of_host(host) if component in (None, item.reason.component)
        )
        for host in survey.hosts.values()
        if host.resolution and host.facts
    }


def _of_host(host: HostState) -> tuple[Explained, ...]:
    variables = host.variables or {}
    catalogue = load([Path(name) for name in variables.get("dlconf_catalogue") or ()])
    machine = Machine.from_facts(host.facts or {})
    return explanation_of(machine, wishes.read(variables, machine.record), catalogue)
