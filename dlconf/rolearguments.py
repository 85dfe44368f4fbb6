"""Whether what an inventory sets for a role is what the role's argument specs ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dlconf.errors import UsageError


def check(
    role: str,
    options: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    where: Callable[[str], str] = lambda _name: "",
) -> None:
    """Refuse values of a wrong type, or not among a role's choices.

    Ansible itself validates a role's arguments when the role starts, which is after other roles have changed the host.

    Args:
        role: the role's name.
        options: those of the role's argument specs, as `meta/argument_specs.yml` has them.
        given: the options that the inventory or the command line sets, rendered; secret ones left out.
        where: tells of a variable where the inventory sets it, in words behind its name.

    Raises:
        UsageError: naming each variable at fault and what it may be.
    """
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator  # noqa: PLC0415 - only where roles run

    # What the inventory leaves open comes from the stack: nothing is required of it.
    spec = {name: {**options[name], "required": False} for name in given}
    if messages := ArgumentSpecValidator(spec).validate(dict(given)).error_messages:
        places = {where(name) for name in given if any(name in text for text in messages)}
        raise UsageError(
            f"variables of role {role}: {'; '.join(messages)}{''.join(sorted(places))}",
            hint=f"roles/{role}/README.md lists what they may be",
        )
