"""A release of a framework that has no row of its own, as the nearest row of its minor release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from packaging.version import Version

from dlconf.catalogue.model import FrameworkBuild

WHY = "as {} in all but {}: not read from the wheel"


def of_minor(rows: Sequence[FrameworkBuild], version: Version) -> list[FrameworkBuild]:
    """Give the rows of the same minor release, newest first."""
    found = [row for row in rows if Version(row.version).release[:2] == version.release[:2]]
    return sorted(found, key=lambda row: Version(row.version), reverse=True)


def nearest_of_minor(rows: Sequence[FrameworkBuild], version: Version) -> FrameworkBuild | None:
    """Give the nearest row of the same minor release, the next newer one before an older."""
    minor = of_minor(rows, version)
    newer = [row for row in minor if Version(row.version) > version]
    return newer[-1] if newer else minor[0] if minor else None


def as_release(like: FrameworkBuild, version: str, known: str = "its number") -> FrameworkBuild:
    """Give a row for a version that is like another of its build, marked as not verified.

    Args:
        like: the row to take it from.
        version: public, without the build.
        known: what does not come from `like`, for the notes.
    """
    own = next(iter(like.packages), "")
    build = like.packages.get(own, "").partition("+")[2]
    text = f"{version}+{build}" if build else version

    def renamed(requirements: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(item.replace(f"=={like.packages[own]}", f"=={text}") for item in requirements)

    return replace(
        like,
        version=version,
        requirements=renamed(like.requirements),
        system_cuda_requirements=renamed(like.system_cuda_requirements),
        packages={**like.packages, own: text} if own else {},
        companions={},
        depends=(),
        aarch64=None,
        sm_source="",
        python_verified=False,
        verified=False,
        notes=WHY.format(like.version, known) if like.installable else like.notes,
    )
