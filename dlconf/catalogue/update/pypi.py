"""Framework builds from PyPI's JSON of a distribution (https://pypi.org/pypi/NAME/json).

Every release that was not withdrawn and has a wheel for Linux on x86_64, or for any system, is a
row. What PyPI does not say of one is taken from the nearest row of its minor release.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.model import FrameworkBuild
from dlconf.catalogue.problem import CatalogueError
from dlconf.catalogue.releases import as_release, nearest_of_minor
from dlconf.catalogue.update.files import SourceFile
from dlconf.catalogue.update.stated import Stated, plain

_CPYTHON = re.compile(r"cp(\d)(\d+)")
_GLIBC = re.compile(r"manylinux_(\d+)_(\d+)_x86_64")
_OLD_TAGS = {
    "manylinux1_x86_64": (2, 5),
    "manylinux2010_x86_64": (2, 12),
    "manylinux2014_x86_64": (2, 17),
}
"""Tags from before PEP 600 -> lowest glibc (PEP 513, 571, 599)."""
_CUDA = re.compile(r"cuda-toolkit|nvidia-cuda-runtime(-cu\d+)?")
_CUDNN = re.compile(r"nvidia-cudnn-cu\d+")


def from_metadata(
    file: SourceFile, data: Mapping[str, Any], catalogue: Catalogue, today: str
) -> Iterator[Stated]:
    """State Python versions and glibc of the builds that come from PyPI, and newer versions."""
    info, releases = data["info"], data["releases"]
    if not isinstance(info, dict) or not isinstance(info.get("name"), str):
        raise CatalogueError(f"{file.place}: info: expected a distribution with a name")
    if not isinstance(releases, dict) or not releases:
        raise CatalogueError(f"{file.place}: releases: expected versions with their files")
    name = canonicalize_name(info["name"])
    source = f"PyPI metadata of {info['name']} {info.get('version', '')}, read {today}"
    builds = _builds_of(name, catalogue)
    if not builds and any(name in row.companions for row in _all_rows(catalogue)):
        yield from _companion(name, data, catalogue, source)
        return
    if not builds:
        raise CatalogueError(
            f"{file.place}: no framework of the catalogue comes from {info['name']} on PyPI",
            hint="add a row for one version by hand first; docs/catalogue.md says how",
        )
    for rows in builds.values():
        yield from _known(rows, releases, catalogue, source)
        others = [row for other in builds.values() for row in other if row.installable]
        known = {row.version for row in (*rows, *others)}
        yield from _missing(rows, known, data, catalogue, source)


def _builds_of(name: str, catalogue: Catalogue) -> dict[tuple[str, str], list[FrameworkBuild]]:
    """Give the rows whose own package this is, by framework and build, newest first."""
    found: dict[tuple[str, str], list[FrameworkBuild]] = {}
    for rows in catalogue.frameworks.values():
        for row in rows:
            if _wheels_of(row) == name and not row.index_url and not row.find_links_url:
                found.setdefault((row.framework, row.build), []).append(row)
    for builds in found.values():
        builds.sort(key=lambda row: Version(row.version), reverse=True)
    return found


def _all_rows(catalogue: Catalogue) -> Iterator[FrameworkBuild]:
    return (row for rows in catalogue.frameworks.values() for row in rows)


def _companion(
    name: str, data: Mapping[str, Any], catalogue: Catalogue, source: str
) -> Iterator[Stated]:
    """State the builds that the newest companion belongs to, and the Pythons that each has wheels for.

    It belongs to the one version that its metadata names; where that leaves the version open, to
    the builds that have no companion yet.
    """
    info, found = data["info"], dict[str, list[Version]]()
    for version, text in sorted((v, t) for t, v in _versions(data["releases"]).items()):
        files = _files(data["releases"][text])
        tags = _tags(files)
        if tags and not version.is_prerelease:
            facts = _tag_facts(tags, catalogue)
            for python in facts.get("python") or _allowed(list(catalogue.pythons), files):
                found.setdefault(python, []).append(version)
    for python, versions in found.items():
        ends = [str(versions[-1]), str(versions[0])]
        yield Stated("pythons", (python,), {}, source, adds={"ranges": {name: ends}})
    asked = _asked(info)
    for row in _all_rows(catalogue):
        own = asked.get(_own_package(row))
        if own is None or row.index_url or row.find_links_url or not own.contains(row.version):
            continue
        exact = any(item.operator == "==" for item in own)
        if exact or name not in row.companions:
            key = (row.framework, row.version, row.build)
            adds = {"companions": {name: info["version"]}}
            yield Stated("frameworks", key, {}, source, adds=adds)


def _asked(info: Mapping[str, Any]) -> dict[str, SpecifierSet]:
    """Give what a distribution's metadata asks of the versions of others, where it asks anything."""
    found: dict[str, SpecifierSet] = {}
    for text in info.get("requires_dist") or ():
        try:
            requirement = Requirement(str(text))
        except InvalidRequirement:
            continue
        if requirement.specifier and not requirement.marker:
            found[canonicalize_name(requirement.name)] = requirement.specifier
    return found


def _own_package(row: FrameworkBuild) -> str:
    return next(iter(row.packages), "")


def _wheels_of(row: FrameworkBuild) -> str:
    """Name the distribution whose wheels decide for which Python and C library a build is."""
    return row.wheels or _own_package(row)


def _known(
    rows: Sequence[FrameworkBuild],
    releases: Mapping[str, Any],
    catalogue: Catalogue,
    source: str,
) -> Iterator[Stated]:
    """State what PyPI says of the versions that have a row."""
    gone = []
    for row in rows:
        files = _files(releases.get(row.packages[_own_package(row)]))
        if files:
            key = (row.framework, row.version, row.build)
            yield Stated("frameworks", key, _tag_facts(_tags(files), catalogue), source)
        elif row.installable:
            gone.append(row.version)
    if gone:
        why = f"the list does not have {', '.join(gone)}: where pip cannot either, say installable: false"
        yield Stated("frameworks", (rows[0].framework, rows[0].build), {}, source, why=why)


def _files(files: Any) -> list[Mapping[str, Any]]:
    """Give the files of a release that were not withdrawn."""
    if not isinstance(files, list):
        return []
    return [file for file in files if isinstance(file, dict) and not file.get("yanked")]


def _tags(files: Sequence[Mapping[str, Any]]) -> set[Tag]:
    """Give the tags of the wheels for Linux on x86_64."""
    tags: set[Tag] = set()
    for file in files:
        try:
            tags |= parse_wheel_filename(str(file.get("filename")))[3]
        except (InvalidWheelFilename, InvalidVersion):
            continue  # an sdist, or an egg
    return {tag for tag in tags if tag.platform in _OLD_TAGS or _GLIBC.fullmatch(tag.platform)}


def _tag_facts(tags: set[Tag], catalogue: Catalogue) -> dict[str, Any]:
    """State what tags say: nothing on Python where a wheel is not for one version of it."""
    facts: dict[str, Any] = {}
    if not tags:
        return facts
    glibc = min(_glibc(tag) for tag in tags)
    facts["glibc"] = f"{glibc[0]}.{glibc[1]}"
    matches = [_CPYTHON.fullmatch(tag.interpreter) for tag in tags if tag.abi != "abi3"]
    pythons = {f"{match[1]}.{match[2]}" for match in matches if match}
    if pythons and len(matches) == len(tags) and all(matches):
        known = [version for version in catalogue.pythons if version in pythons]
        facts |= {"python": known, "python_verified": True}
    return facts


def _glibc(tag: Tag) -> tuple[int, int]:
    match = _GLIBC.fullmatch(tag.platform)
    return (int(match[1]), int(match[2])) if match else _OLD_TAGS[tag.platform]


def _missing(
    rows: Sequence[FrameworkBuild],
    known: Collection[str],
    data: Mapping[str, Any],
    catalogue: Catalogue,
    source: str,
) -> Iterator[Stated]:
    """State the versions that have no row in a build, nor one to install in another, oldest first."""
    info, releases = data["info"], data["releases"]
    for text, version in sorted(_versions(releases).items(), key=lambda item: item[1]):
        files = _files(releases[text])
        like = _like(version, rows, catalogue)
        if text in known or version.is_prerelease or like is None or not _has_wheel(files):
            continue
        described = info if info.get("version") == text else {}
        made, why = _complete(like, text, described)
        if made is not None:
            made["python"] = _allowed(like.python, files)
        key = (like.framework, text, like.build)
        facts = _tag_facts(_tags(files), catalogue)
        yield Stated("frameworks", key, facts, source, complete=made, why=why)


def _like(
    version: Version, rows: Sequence[FrameworkBuild], catalogue: Catalogue
) -> FrameworkBuild | None:
    """Give the row that a version without one is like: of its minor, the nearest, newer before older.

    A version that is newer than every row of the framework is like the newest of its build.
    """
    nearest = nearest_of_minor(rows, version)
    if nearest is not None:
        return nearest
    newest = max(Version(row.version) for row in catalogue.frameworks[rows[0].framework])
    return rows[0] if version > newest and Version(rows[0].version) == newest else None


def _has_wheel(files: Sequence[Mapping[str, Any]]) -> bool:
    return bool(_tags(files)) or any(
        str(file.get("filename")).endswith("-none-any.whl") for file in files
    )


def _versions(releases: Mapping[str, Any]) -> dict[str, Version]:
    found = {}
    for text in releases:
        try:
            found[text] = Version(text)
        except InvalidVersion:
            continue  # from before PEP 440
    return found


def _complete(
    like: FrameworkBuild, version: str, info: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str]:
    """Take what the wheel's metadata does not say from the newest known version, marked as a guess."""
    depends = [str(text).partition(";")[0].strip() for text in info.get("requires_dist") or ()]
    cuda = ".".join(_pinned(_CUDA, depends).split(".")[:2])
    if cuda and like.cuda and Version(cuda).major != Version(like.cuda).major:
        return None, f"it is built for CUDA {cuda}, not {like.cuda}: add a row by hand"
    row = as_release(like, version, "Python and C library")
    made = {key: value for key, value in plain(row).items() if key != "source"}
    if depends and like.device == "cuda":
        made["depends"] = [text for text in depends if "nvidia" in text or "cuda" in text]
        made["cuda"] = cuda or like.cuda
        made["cudnn"] = _pinned(_CUDNN, depends) or like.cudnn
    return made, row.notes


def _allowed(pythons: Sequence[str], files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the Python versions that some file of a release does not rule out."""
    asked = []
    for file in files:
        try:
            asked.append(SpecifierSet(str(file.get("requires_python") or "")))
        except InvalidSpecifier:
            continue  # pip does not look at such a one either
    return [version for version in pythons if any(item.contains(version) for item in asked)]


def _pinned(name: re.Pattern[str], depends: Sequence[str]) -> str:
    """Give the exact version that the metadata asks of a package; empty where it asks for none."""
    for text in depends:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        exact = [item.version for item in requirement.specifier if item.operator == "=="]
        if name.fullmatch(requirement.name) and exact:
            return exact[0]
    return ""
