"""How each kind of resource can be broken: the whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dlconf.facts import Facts
from tests.matrix import environments, paths, system
from tests.matrix.breaks import Break, Resource

Mutator = Callable[[Resource, Facts], Iterator[Break]]

MUTATORS: Mapping[str, Mutator] = {
    "file": paths.file,
    "source": paths.source,
    "sources": paths.sources,
    "keyring": paths.keyring,
    "directory": paths.directory,
    "link": paths.link,
    "absent": paths.absent,
    "copies": paths.copies,
    "json": paths.json_values,
    "lines": paths.lines,
    "package": system.package,
    "package_like": system.package,
    "hold": system.hold,
    "hold_source": system.hold_source,
    "unattended_upgrades": system.unattended_upgrades,
    "dkms": system.dkms,
    "dpkg": system.dpkg_database,
    "service": system.service,
    "user": system.user,
    "group": system.group,
    "python_env": environments.python_env,
    "conda_package": environments.conda_package,
}
"""Every kind but those below and the pending ones. A new kind of resource needs its row here."""

NAMED_ONLY: Mapping[str, Mutator] = {
    "origin": system.origin,  # a repository that an admin added is named and left to the admin
}
"""Kinds that apply does not repair, and why."""
