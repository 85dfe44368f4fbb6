"""Driver branches from releases.json of the data-centre drivers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.version import Version

from dlconf.catalogue import model
from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.problem import CatalogueError
from dlconf.catalogue.update.files import SourceFile
from dlconf.catalogue.update.stated import Stated

TYPES = {
    "production branch": "production",
    "new feature branch": "new_feature",
    "lts branch": "long_term",
    "long term support branch": "long_term",
}
"""Words of the file -> words of the catalogue. It has none for a legacy branch: that row keeps its own."""
_VERSION = re.compile(r"\d{3}(\.\d+)+")


def from_releases(
    file: SourceFile, data: Mapping[str, Any], catalogue: Catalogue, today: str
) -> Iterator[Stated]:
    """State the newest version and the type of each branch."""
    source = f"releases.json of NVIDIA's data-centre drivers, read {today}"
    newest = {branch: _newest(branch, about["driver_info"]) for branch, about in data.items()}
    if not any(newest.values()):
        raise CatalogueError(
            f"{file.place}: no branch of it has a release_version of its own number",
            hint='expected {"580": {"driver_info": [{"release_version": "580.65.06", ...}]}}',
        )
    for branch, about in sorted(data.items()):
        yield _branch(branch, newest[branch], about, catalogue, source)


def _branch(
    branch: str, newest: str, about: Mapping[str, Any], catalogue: Catalogue, source: str
) -> Stated:
    """State one branch."""
    if not newest:
        return Stated("drivers", (branch,), {}, source, why="none of its releases is understood")
    row = catalogue.drivers.get(branch)
    facts: dict[str, Any] = {}
    if row is None or Version(newest) >= Version(row.latest_version):
        facts = {"latest_version": newest, "latest_version_verified": True}
    kind = TYPES.get(str(about.get("type", "")).strip().lower())
    if kind and (row is None or row.type != "legacy"):
        facts["type"] = kind
    made, why = _complete(branch, catalogue) if row is None else (None, "")
    return Stated("drivers", (branch,), facts, source, complete=made, why=why)


def _newest(branch: str, releases: Any) -> str:
    """Give the newest release of a branch; empty where none has a version of that branch."""
    found = [
        version
        for release in (releases if isinstance(releases, list) else ())
        if isinstance(release, dict)
        and isinstance(version := release.get("release_version"), str)
        and _VERSION.fullmatch(version)
        and version.partition(".")[0] == branch
    ]
    return max(found, key=Version, default="")


def _complete(branch: str, catalogue: Catalogue) -> tuple[dict[str, Any] | None, str]:
    """Take what a new branch drives from the one before it; that is a guess, and marked as one."""
    before = _before(branch, catalogue)
    if before is None or before is not list(catalogue.drivers.values())[-1]:
        return (
            None,
            "only a branch newer than all known ones can be taken for its predecessor's like",
        )
    why = f"architectures, flavours and CUDA as of branch {before.branch}, and at least that CUDA"
    made = {
        "type": "unknown",
        "end_of_life": None,
        "architectures": list(before.architectures),
        "cuda": before.cuda,
        "flavours": list(before.flavours),
        "min_compute_capability": before.min_compute_capability,
        "notes": why,
        "verified": False,
    }
    return made, why


def _before(branch: str, catalogue: Catalogue) -> model.DriverBranch | None:
    older = [row for row in catalogue.drivers.values() if int(row.branch) < int(branch)]
    return max(older, key=lambda row: int(row.branch), default=None)
