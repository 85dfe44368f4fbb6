"""The names that an inventory gives to variables, against those that dlconf knows. Pure.

Ansible drops a name that is typed wrong without a word. So names that begin like ours are held to those there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator

from dlconf import advice, content, surveylimit, wishes
from dlconf.errors import UsageError, nearest_names

OURS = "dlconf_"
KNOWN = frozenset(
    {
        *wishes.VARIABLES,
        *advice.VARIABLES,
        surveylimit.VARIABLE,
        "dlconf_extras",
        "dlconf_roles",
        "dlconf_become",
        "dlconf_reboot_timeout_s",
        "dlconf_boot_time_command",
        # What a run itself sets, so that they are not typed wrong where an inventory has them.
        *("dlconf_all", "dlconf_planned", "dlconf_contracts", "dlconf_reboot"),
        "dlconf_with_dependents",
        *("dlconf_host", "dlconf_resolution", "dlconf_nvswitches", "dlconf_downloads"),
    }
)
"""Variables that are of no role."""
OF_OTHERS_TOO = ("base", "docker", "download", "jupyter", "record", "verify", "preflight")
"""Roles whose names begin other people's variables too: of these only a name near to one of ours is told."""
_NEAR = 0.8

Where = Callable[[str], str]


def refuse_unknown(given: Collection[str], where: Where) -> None:
    """Refuse a variable that begins with `dlconf_` and that dlconf does not know.

    Args:
        given: names of the variables that an inventory sets for a host, without those that others' templates read.
        where: tells of a name where it stands.

    Raises:
        UsageError: naming it, the place and the nearest names.
    """
    for name in sorted(given):
        if name.startswith(OURS) and name not in KNOWN:
            raise UsageError(
                f"dlconf has no variable {name}{where(name)}",
                hint=nearest_names(name, sorted(KNOWN - _OF_A_RUN)),
            )


def without_effect(
    given: Collection[str], of_roles: Collection[str], decided: Collection[str], where: Where
) -> Iterator[str]:
    """Tell of variables that begin like a role's and change nothing.

    Args:
        given: names of the variables that an inventory sets for a host.
        of_roles: the options of all roles.
        decided: those of the given that the choice of versions overrules.
        where: tells of a name where it stands.
    """
    for name in sorted(given):
        if name in decided:
            yield f"{name}{where(name)} has no effect: the choice of versions decides it; dlconf_pins can"
        elif name not in of_roles and name not in KNOWN:
            near = difflib.get_close_matches(name, sorted(of_roles), n=1, cutoff=_NEAR)
            role = next((role for role in content.ROLES if name.startswith(f"{role}_")), None)
            begins = role is not None or name.split("_")[0] in OF_OTHERS_TOO
            if begins and (near or role not in (None, *OF_OTHERS_TOO)):
                told = near or difflib.get_close_matches(name, sorted(of_roles), n=1, cutoff=0)
                yield f"no role has a variable {name}{where(name)}; the nearest is {told[0]}"


_OF_A_RUN = frozenset(
    name
    for name in KNOWN
    if name.endswith(("_all", "_planned", "_contracts", "_host", "_resolution"))
) | {"dlconf_reboot", "dlconf_roles", "dlconf_nvswitches", "dlconf_downloads", "dlconf_set"}
