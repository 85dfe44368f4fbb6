"""Releases that the catalogue does not list: a patch release is taken for one of its minor's builds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packaging.version import Version

from dlconf.catalogue.model import FrameworkBuild
from dlconf.catalogue.releases import as_release, nearest_of_minor, of_minor
from dlconf.resolve.candidates import Universe
from dlconf.resolve.pins import Pin


def with_patch_releases(universe: Universe, pins: Iterable[Pin]) -> Universe:
    """Add the builds of exact versions that pins name and no row has, where they can exist.

    A version can exist where another build of the framework has it, or where it is newer than all
    known ones of its minor: of those before, the catalogue lists what PyPI has.
    """
    for pin in pins:
        rows = universe.catalogue.frameworks.get(pin.component, ())
        version = pin.only_version()
        made = list(_builds(rows, version)) if version is not None else []
        if made:
            universe = universe.with_builds(pin.component, made)
    return universe


def _builds(rows: Sequence[FrameworkBuild], version: Version) -> Iterable[FrameworkBuild]:
    minor = of_minor(rows, version)
    public = Version(version.public)
    versions = [Version(row.version) for row in minor]
    if public.is_prerelease or (public not in versions and any(v > public for v in versions)):
        return
    for build in dict.fromkeys(row.build for row in minor):
        like = nearest_of_minor([row for row in minor if row.build == build], public)
        own = next(iter(like.packages.values()), "") if like else ""
        if like is None or not own or (version.local and version.local != Version(own).local):
            continue
        if not any(row.build == build and Version(row.version) == public for row in minor):
            yield as_release(like, version.public)
