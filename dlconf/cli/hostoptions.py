"""What every command on hosts takes, each option said once, and the request that the options amount to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any, TypeVar

import click

from dlconf import ansiblesettings, inventory
from dlconf.cli import options, output
from dlconf.cli.options import json_option, pairs, unknown, wanted
from dlconf.content import ROLES
from dlconf.errors import UsageError
from dlconf.request import Request
from dlconf.runner import Passwords

Command = TypeVar("Command", bound=Callable[..., Any])


def _together(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def decorate(function: Command) -> Command:
        decorated: Command = reduce(
            lambda inner, decorator: decorator(inner), reversed(decorators), function
        )
        return decorated

    return decorate


def _say_settings(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        own = ansiblesettings.config_of(os.environ)
        output.echo(f"Ansible settings: {own or 'none of yours'}", err=True)


run_options = _together(
    click.option(
        "--verbose",
        "-v",
        is_flag=True,
        expose_value=False,
        callback=_say_settings,
        help="Say which ansible.cfg counts.",
    ),
    click.option(
        "--inventory",
        "-i",
        "inventories",
        multiple=True,
        metavar="INVENTORY",
        help="A further inventory, merged as Ansible does it; may be repeated.",
    ),
    click.option(
        "--limit", metavar="PATTERN", help="Only these hosts, as Ansible's --limit takes them."
    ),
    click.option(
        "--forks",
        type=click.IntRange(min=1),
        metavar="N",
        help="How many hosts at a time; by default ten for each core, from 10 to 100.",
    ),
    click.option("--ask-become-pass", "-K", is_flag=True, help="Ask for the sudo password."),
    click.option("--ask-vault-pass", is_flag=True, help="Ask for the Ansible Vault password."),
    json_option,
)
"""What every command on hosts takes beside INVENTORY."""

host_options = _together(click.argument("inventory", nargs=-1), run_options)
"""INVENTORY and what every command on hosts takes."""

workers_option = click.option(
    "--workers",
    metavar="WORKER,...",
    help="Run Ansible on these machines, each for a part of the hosts; reached by ssh (docs/fleet.md).",
)
"""Through whom to reach the hosts: apply, plan, drift, verify and detect take this."""

wish_options = _together(
    options.want_option,
    click.option(
        "--unwant",
        multiple=True,
        metavar="FRAMEWORK",
        help="Take this framework off what was wished with --want; may be repeated.",
    ),
)
"""Frameworks for hosts of which no inventory names any: apply, plan, drift, verify and explain take these."""

version_options = _together(
    wish_options,
    click.option(
        "--set",
        "pins",
        multiple=True,
        metavar="COMPONENT=VERSION",
        help="Choose this version: cuda=12.8, driver=580, pytorch=2.8.0; may be repeated.",
    ),
    click.option("--upgrade", is_flag=True, help="Move on to the newest versions that fit."),
    click.option(
        "--ignore-gpu",
        "ignore_gpus",
        multiple=True,
        metavar="SLOT-OR-ID",
        help="Leave this GPU out of the choice; may be repeated. 'none' keeps every GPU.",
    ),
)
"""What counts for the choice of versions: apply, plan and explain take these."""

choice_options = _together(
    click.option(
        "--role", "roles", multiple=True, metavar="ROLE", help="Only this role; may be repeated."
    ),
    click.option(
        "--with-dependents",
        is_flag=True,
        help="With --role: the roles too whose versions go with it.",
    ),
    version_options,
)
"""What to choose: apply and plan take these."""


def request(given: dict[str, Any], **more: Any) -> Request:
    """Return what the options ask for, after checking all that needs no host; asks for the passwords last.

    Raises:
        UsageError: the inventory, a role or a component does not exist.
    """
    sources = _sources(given["inventory"], given["inventories"])
    first, *others = map(inventory.check, sources)
    asked = Request(
        inventory=first,
        inventories=tuple(others),
        limit=given["limit"],
        forks=given["forks"],
        workers=_workers(given.get("workers"), sources),
        **choices(given),
        **more,
    )
    passwords = Passwords(
        become=_ask("sudo password") if given["ask_become_pass"] else None,
        vault=_ask("Vault password") if given["ask_vault_pass"] else None,
    )
    return Request(**(vars(asked) | {"passwords": passwords}))


def _sources(first: str | Sequence[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return the inventories; where none is given, say which is taken."""
    given = (*([first] if isinstance(first, str) else first), *others)
    if given:
        return given
    source, told = inventory.of_folder()
    output.echo(f"no INVENTORY is given: {told}", err=True)
    return (source,)


def _workers(text: str | None, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the workers, each once.

    Raises:
        UsageError: a name is none that ssh takes, or there is nothing for a worker to reach.
    """
    if text is None:
        return ()
    workers = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    wrong = [name for name in workers if name.startswith("-") or len(name.split()) != 1]
    if wrong or not workers:
        raise UsageError(
            f"--workers {text!r} does not name machines",
            hint="give names as ssh takes them, with commas between: --workers ctl1,admin@ctl2",
        )
    if len(sources) > 1:
        raise UsageError(
            "--workers takes one inventory",
            hint="put the others into its folder: Ansible merges them",
        )
    if inventory.is_local(source := sources[0]):
        raise UsageError(
            f"inventory {source!r} is this machine, which no worker reaches for you",
            hint="leave out --workers",
        )
    return workers


def choices(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that say what to choose.

    Raises:
        UsageError: a role or a component does not exist, or there is no role that others depend on.
    """
    if given.get("with_dependents") and not given.get("roles"):
        raise UsageError(
            "--with-dependents takes along what goes with a role, and no role is named",
            hint="name it, for instance --role cuda; without --role every role is applied",
        )
    return {
        "roles": known_roles(given.get("roles", ())),
        "with_dependents": given.get("with_dependents", False),
        "pins": pairs(given.get("pins", ()), "--set"),
        "want": wanted(given.get("want", ())),
        "unwant": tuple(given.get("unwant", ())),
        "upgrade": given.get("upgrade", False),
        "ignore_gpus": tuple(given.get("ignore_gpus", ())),
    }


def _ask(what: str) -> str:
    answer: str = click.prompt(what, hide_input=True, err=True)
    return answer


def known_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Return the roles, each once.

    Raises:
        UsageError: there is no such role.
    """
    chosen = tuple(dict.fromkeys(roles))
    for role in chosen:
        if role not in ROLES:
            raise unknown("role", role, ROLES)
    return chosen
