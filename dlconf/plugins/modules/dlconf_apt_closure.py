#!/usr/bin/python
"""Name the versions of all packages that belong to one version of a whole, so that apt mixes in no newer ones.

It runs on the host with Python's standard library only (3.8 to 3.14), and changes nothing.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule

try:
    from ansible.module_utils.dlconf_reading import output_of
except ImportError:  # as part of the package, on the controller
    from dlconf.plugins.module_utils.dlconf_reading import output_of

DOCUMENTATION = r"""
module: dlconf_apt_closure
short_description: Name the versions of the packages that belong to one version of a metapackage
description:
  - NVIDIA's metapackages ask for their components in the version of their own release B(or a newer one), and apt takes
    the newest. This names each component in the version that its release was made with, the lowest that is asked for.
  - Components that apt would take in that version anyway are left out.
  - Reads apt's package lists; changes nothing. Packages that apt does not know are given back as they are.
options:
  wanted: {type: list, elements: str, required: true, description: [packages as NAME=PATTERN]}
  family: {type: list, elements: str, required: true, description: [fnmatch patterns of the names that belong together]}
author: dlconf
"""
RETURN = r"""
packages: {type: list, returned: always, description: NAME=VERSION of each package}
"""

RELATION = re.compile(r"([a-z0-9][a-z0-9.+-]*)(?::\w+)?(?:\s*\((>=|=)\s*([^)\s]+)\))?")


def offers(names: list[str], options: list[str]) -> dict[str, dict[str, list[str]]]:
    """Return the versions of packages that apt knows, each with what it depends on."""
    found: dict[str, dict[str, list[str]]] = {}
    said = output_of(["apt-cache", *options, "show", "--", *names], even_failed=True) or ""
    for stanza in said.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Depends|Pre-Depends): (.+)$", stanza, re.M))
        if "Package" in fields and "Version" in fields:
            needs = ", ".join(fields[name] for name in ("Pre-Depends", "Depends") if name in fields)
            groups = [group.split("|")[0].strip() for group in needs.split(",")]
            found.setdefault(fields["Package"], {})[fields["Version"]] = groups
    return found


def candidates(names: list[str], options: list[str]) -> dict[str, str]:
    """Return the version of each package that apt would install by itself."""
    said = output_of(["apt-cache", *options, "policy", "--", *names]) if names else ""
    return dict(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (\S+)$", said or "", re.M))


def is_at_least(version: str, other: str) -> bool:
    """Return whether a version is another or newer, by dpkg's order."""
    return not subprocess.call(["dpkg", "--compare-versions", version, "ge", other])


def newest(versions: list[str], pattern: str) -> str | None:
    """Return the newest of the versions that match a pattern."""
    best: str | None = None
    for version in versions:
        if fnmatch.fnmatchcase(version, pattern) and (best is None or is_at_least(version, best)):
            best = version
    return best


def lowest(versions: list[str], bound: str) -> str | None:
    """Return the lowest of the versions that is not below a bound; None for no bound."""
    best: str | None = None
    for version in versions if bound else []:
        if is_at_least(version, bound) and (best is None or not is_at_least(version, best)):
            best = version
    return best


def needs_in_family(groups: list[str], family: list[str]) -> dict[str, str]:
    """Return the dependencies in a family, each with the version that it must have or exceed, or ""."""
    relations = [relation for relation in map(RELATION.match, groups) if relation]
    return {
        relation.group(1): relation.group(3) or ""
        for relation in relations
        if any(fnmatch.fnmatchcase(relation.group(1), pattern) for pattern in family)
    }


def closure(wanted: list[str], family: list[str], options: list[str]) -> list[str]:
    """Return NAME=VERSION of the wanted packages and of what they need of the family and apt would take otherwise.

    Ansible's module reads all preferences anew for each name, which takes a second or two: so none that is not needed.

    Args:
        wanted: NAME=PATTERN each; of several versions that match the newest.
        family: patterns of names; what else is needed, or without a version, is left to apt.
        options: of apt-cache.
    """
    patterns = dict(item.partition("=")[::2] for item in wanted)
    known = offers(sorted(patterns), options)
    level = {name: newest(list(known.get(name, ())), text) for name, text in patterns.items()}
    chosen: dict[str, str] = {}
    while level:
        bounds: dict[str, str] = {}
        for name, version in level.items():
            if version is not None:
                chosen[name] = version
                needed = needs_in_family(known[name][version], family)
                bounds.update({one: bound for one, bound in needed.items() if bound})
        bounds = {name: bound for name, bound in bounds.items() if name not in chosen}
        known = offers(sorted(bounds), options) if bounds else {}
        level = {name: lowest(list(known.get(name, ())), bound) for name, bound in bounds.items()}
    unknown = [item for item in wanted if item.partition("=")[0] not in chosen]
    candidate = candidates(sorted(set(chosen) - set(patterns)), options)
    named = [pair for pair in chosen.items() if pair[1] != candidate.get(pair[0])]
    return sorted(unknown + ["{}={}".format(*pair) for pair in named])


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "wanted": {"type": "list", "elements": "str", "required": True},
            "family": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    parameters: dict[str, Any] = module.params
    packages = closure(parameters["wanted"], parameters["family"], [])
    module.exit_json(changed=False, packages=packages)


if __name__ == "__main__":
    main()
