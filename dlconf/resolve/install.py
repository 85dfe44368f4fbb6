"""How to install a chosen stack: packages, repositories, installers, requirements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.version import Version

from dlconf.catalogue import Catalogue, model
from dlconf.errors import UsageError
from dlconf.resolve.candidates import (
    CUDA,
    CUDNN,
    DRIVER,
    PYTHON,
    Candidate,
    CudaCandidate,
    CudnnCandidate,
    DriverCandidate,
    FrameworkCandidate,
)
from dlconf.resolve.cards import Card, sm_code
from dlconf.resolve.pins import ANACONDA, Pin
from dlconf.resolve.question import Question
from dlconf.resolve.ranking import has_local


@dataclass(frozen=True, slots=True)
class DriverInstall:
    """Packages of the driver; `version` is an fnmatch pattern of their versions."""

    source: str
    packages: tuple[str, ...]
    version: str
    source_package: str
    dkms_module: str
    pin_package: str | None


@dataclass(frozen=True, slots=True)
class RepositoryInstall:
    """Packages of CUDA or cuDNN; `repository_*` are of the local repository, else None."""

    packages: tuple[str, ...]
    version: str
    distro: str
    source: str
    repository_package: str | None
    repository_url: str | None
    repository_checksum: str | None


@dataclass(frozen=True, slots=True)
class CudaInstall(RepositoryInstall):
    """As RepositoryInstall, with the release ("12.9") that names paths."""

    release: str


@dataclass(frozen=True, slots=True)
class AnacondaInstall:
    """The installer of conda."""

    distribution: str
    version: str
    url: str
    checksum: str | None
    conda_version: str | None


@dataclass(frozen=True, slots=True)
class FrameworkInstall:
    """One environment: Python, pip's arguments and where from, what must be in it afterwards."""

    name: str
    environment: str
    python: str
    requirements: tuple[str, ...]
    index_url: str | None
    find_links_url: str | None
    packages: Mapping[str, str]
    module: str


@dataclass(frozen=True, slots=True)
class Install:
    """All of the above."""

    driver: DriverInstall | None
    cuda: CudaInstall | None
    cudnn: RepositoryInstall | None
    anaconda: AnacondaInstall | None
    frameworks: tuple[FrameworkInstall, ...]


def install_of(question: Question, chosen: Mapping[str, Candidate]) -> Install:
    """Say how to install what was chosen.

    Raises:
        UsageError: no such installer of conda.
    """
    distro = question.universe.distro
    name = distro.id if distro else ""
    return Install(
        driver=_driver(chosen.get(DRIVER)),
        cuda=_cuda(chosen.get(CUDA), name, question.wishes.cuda_source),
        cudnn=_cudnn(chosen.get(CUDNN), name, question),
        anaconda=_anaconda(question),
        frameworks=tuple(_framework(item, question, chosen) for item in question.frameworks),
    )


def needs_cudnn_cap(cards: tuple[Card, ...], catalogue: Catalogue) -> bool:
    """Whether a card is older than what new cuDNN serves, so that wheels must not draw it in."""
    floor = sm_code(catalogue.rules["cudnn-pre-turing-cap"].values["below_compute_capability"])
    return any(code < floor for card in cards for code in card.codes)


def requirements_of(
    candidate: FrameworkCandidate, cards: tuple[Card, ...], catalogue: Catalogue
) -> tuple[str, ...]:
    """Give pip's arguments for a build on these GPUs: older ones than Turing need a capped cuDNN."""
    capped = needs_cudnn_cap(cards, catalogue)
    extra = candidate.row.requirements_below_cc_7_5 if capped else ()
    return (*candidate.row.requirements, *extra)


def companions_of(row: model.FrameworkBuild, python: str, catalogue: Catalogue) -> dict[str, str]:
    """Give the companions of a build that have wheels for a Python: distribution -> version."""
    return {
        name: version
        for name, version in row.companions.items()
        if _has_wheel(name, version, python, catalogue)
    }


def _has_wheel(name: str, version: str, python: str, catalogue: Catalogue) -> bool:
    known = catalogue.pythons.get(python)
    ends = known.ranges.get(name) if known else None
    if not ends:
        return False
    newest, oldest = map(Version, ends)
    return oldest <= Version(Version(version).public) <= newest


def _driver(candidate: Candidate | None) -> DriverInstall | None:
    if not isinstance(candidate, DriverCandidate):
        return None
    package = candidate.package
    return DriverInstall(
        package.source_name,
        package.packages,
        f"{package.branch}.*",
        package.source_package,
        package.dkms_module,
        package.pin_package,
    )


def _cuda(candidate: Candidate | None, distro: str, wanted: str | None) -> CudaInstall | None:
    if not isinstance(candidate, CudaCandidate):
        return None
    row = candidate.row
    local = candidate.local if has_local(candidate) and wanted != "network" else None
    return CudaInstall(
        row.packages,
        row.package_version,
        distro,
        "local" if local else "network",
        local.package if local else None,
        local.url if local else None,
        (local.checksum or f"md5:{local.md5_list}") if local else None,
        release=row.release,
    )


def _cudnn(
    candidate: Candidate | None,
    distro: str,
    question: Question,
) -> RepositoryInstall | None:
    if not isinstance(candidate, CudnnCandidate):
        return None
    row = candidate.row
    local = usable_local_cudnn(candidate, distro, question)
    return RepositoryInstall(
        row.packages,
        row.package_version or "",
        distro,
        "local" if local else "network",
        local.package if local else None,
        local.url if local else None,
        local.checksum if local else None,
    )


def usable_local_cudnn(
    candidate: CudnnCandidate,
    distro: str,
    question: Question,
) -> model.CudnnLocalRepo | None:
    """Give the local repository to use: one with a known checksum, or any where that is wished.

    They are named by three numbers of the version ("9.10.2").
    """
    catalogue, wished = question.universe.catalogue, question.wishes.cudnn_source
    short = ".".join(candidate.text.split(".")[:3])
    local = catalogue.cudnn_local_repo(distro, candidate.text) or catalogue.cudnn_local_repo(
        distro, short
    )
    if local is None or wished == "network" or (local.checksum is None and wished != "local"):
        return None
    return local


def _anaconda(question: Question) -> AnacondaInstall | None:
    if question.is_left_out(ANACONDA):
        return None
    distribution = question.wishes.anaconda_distribution
    rows = question.universe.catalogue.conda(distribution)
    pins = [pin for pin in question.pins if pin.component == ANACONDA]
    allowed = [row for row in rows if row.verified and all(_is_version(row, pin) for pin in pins)]
    if not allowed:
        wanted = pins[0].text if pins else "any version"
        raise UsageError(
            f"{distribution} has no installer of version {wanted} in the catalogue",
            hint=f"known: {', '.join(row.version for row in rows) or 'none'}",
        )
    row = _kept_installer(allowed, question) or allowed[0]
    return AnacondaInstall(row.distribution, row.version, row.url, row.checksum, row.conda_version)


def _is_version(row: model.CondaInstaller, pin: Pin) -> bool:
    plain = row.version.partition("_")[2] or row.version  # miniconda: py314_26.7.1-1
    return any(
        version == pin.text or version.startswith((f"{pin.text}.", f"{pin.text}-"))
        for version in (row.version, plain)
    )


def _kept_installer(
    rows: list[model.CondaInstaller],
    question: Question,
) -> model.CondaInstaller | None:
    recorded = question.kept.record.get("anaconda")
    if not isinstance(recorded, Mapping):
        return None
    return next((row for row in rows if row.version == recorded.get("version")), None)


def _framework(name: str, question: Question, chosen: Mapping[str, Candidate]) -> FrameworkInstall:
    builds = [
        item
        for item in (chosen[name], chosen.get(question.backends().get(name, "")))
        if isinstance(item, FrameworkCandidate)
    ]
    catalogue = question.universe.catalogue
    python = chosen[PYTHON].text
    companions = {
        key: value
        for build in builds
        for key, value in companions_of(build.row, python, catalogue).items()
    }
    requirements = [
        text for build in builds for text in requirements_of(build, question.cards, catalogue)
    ] + [f"{key}=={value}" for key, value in companions.items()]
    packages = {key: value for build in builds for key, value in build.row.packages.items()}
    return FrameworkInstall(
        name,
        name,
        python,
        tuple(dict.fromkeys(requirements)),
        next((build.row.index_url for build in builds if build.row.index_url), None),
        next((build.row.find_links_url for build in builds if build.row.find_links_url), None),
        packages | companions,
        builds[0].row.module,
    )
