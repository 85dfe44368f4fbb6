"""The rules of compatibility, each a question to one candidate or to a pair of them.

A rule answers None where the choice is fine, else a Refusal that says in one sentence what forbids
it and which row says so. The search, the reasons and the explanation of a failure all ask these.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from dlconf.catalogue import Catalogue, model
from dlconf.resolve.candidates import (
    Candidate,
    CudaCandidate,
    CudnnCandidate,
    DriverCandidate,
    FrameworkCandidate,
    PythonCandidate,
    upstream_of,
)
from dlconf.resolve.cards import Card, sm_code

MINOR_COMPATIBLE_FROM = 11
"""First CUDA major whose minor releases load each other's libraries (NVIDIA, cuda-compatibility)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a candidate cannot be used: one clause, and the source of the row.

    `is_between`: another choice forbids it, not the machine.
    """

    text: str
    source: str
    is_between: bool = False


Rule = Callable[[Candidate], Refusal | None]


def driver_serves(card: Card, catalogue: Catalogue) -> Rule:
    """Make the rule that a driver must drive a card: branch, flavour, version."""
    flavour_source = catalogue.rules["flavour"].source

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, DriverCandidate):
            return None
        if card.last_branch is not None and candidate.number > card.last_branch:
            return Refusal(
                f"branch {card.last_branch} is the last that drives the {card.label}", card.source
            )
        if candidate.number < card.first_branch:
            return Refusal(
                f"branch {card.first_branch} is the first that drives the {card.label}", card.source
            )
        if card.min_driver is not None and candidate.version < Version(card.min_driver):
            return Refusal(f"the {card.label} needs driver {card.min_driver} or newer", card.source)
        if candidate.package.flavour not in card.flavours:
            only = " or ".join(sorted(card.flavours)) or "no"
            return Refusal(
                f"only {only} kernel modules drive the {card.label}, "
                f"not {candidate.package.flavour} ones",
                flavour_source,
            )
        return None

    return rule


def driver_package_is_real(candidate: Candidate) -> Refusal | None:
    """Refuse names that only lead to another branch."""
    if isinstance(candidate, DriverCandidate) and candidate.package.transitional_to:
        package = candidate.package
        return Refusal(
            f"{package.packages[0]} on {package.os} is only a transition to "
            f"{package.transitional_to}",
            package.source,
        )
    return None


def driver_builds_on(kernel: str, catalogue: Catalogue) -> Rule:
    """Make the rule that a driver's modules build on the host's kernel ("" = not known).

    What was seen of the candidate's own packaging goes before what is known of its branch.
    """
    row = catalogue.rules["legacy-kernel"]
    running = upstream_of(kernel)

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, DriverCandidate):
            return None
        seen = seen_build(candidate, kernel, catalogue)
        if seen is not None and seen.builds:
            return None
        if seen is not None and seen.packaging == packaging_of(candidate):
            first, source = seen.kernel, seen.source
        else:
            first, source = first_kernel(row, candidate, kernel), row.source
        if not first:
            return None
        return Refusal(
            f"the modules of driver {candidate.text} do not build on kernel {first} and newer, and "
            f"the host runs {running}",
            source,
        )

    return rule


def packaging_of(driver: DriverCandidate) -> str:
    """Say whose source the modules are: `nvidia`, `debian` or, of Ubuntu's archive and PPA, `ubuntu`."""
    if driver.package.source_name == "nvidia":
        return "nvidia"
    return driver.package.os.partition("-")[0]


def seen_build(
    driver: DriverCandidate, kernel: str, catalogue: Catalogue
) -> model.KernelBuild | None:
    """Give what was seen of modules on a kernel: of their own packaging, else of NVIDIA's source.

    Patches are only added, so where NVIDIA's own source builds a distribution's does too. Where
    NVIDIA's fails, a distribution's may have been patched.
    """
    running = upstream_of(kernel)
    if not running:
        return None
    series, version = Version(running).release[:2], _debian_order(_package_version(driver))
    rows = catalogue.kernel_builds.get(driver.branch.branch, ())
    for packaging in dict.fromkeys((packaging_of(driver), "nvidia")):
        for row in rows:
            if row.packaging != packaging:
                continue
            at, seen = Version(row.kernel).release[:2], _debian_order(row.version)
            mine = version[: len(seen)]  # NVIDIA's versions have no revision
            if series <= at and mine >= seen if row.builds else series >= at and mine <= seen:
                return row
    return None


def _package_version(driver: DriverCandidate) -> str:
    """Give the version with the revision where the catalogue has that of the chosen upstream version."""
    version = driver.package.version or ""
    return version if upstream_of(version) == driver.text else driver.text


def _debian_order(version: str) -> tuple[Version, int] | tuple[Version]:
    """Order "550.163.01-4~bpo13+1" by its upstream version and the number of its revision."""
    revision = re.match(r"\d+", version.rpartition("-")[2]) if "-" in version else None
    upstream = Version(upstream_of(version))
    return (upstream, int(revision[0])) if revision else (upstream,)


def first_kernel(row: model.Rule, driver: DriverCandidate, kernel: str) -> str:
    """Give the kernel that a rule names for a branch, where the one that runs is not older; else ""."""
    first = row.values.get(driver.branch.branch, "")
    running = upstream_of(kernel)
    return first if first and running and Version(running) >= Version(first) else ""


def cuda_compiles_for(card: Card) -> Rule:
    """Make the rule that a toolkit's nvcc must make code for a card."""
    codes = card.codes

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, CudaCandidate):
            return None
        for code in codes:
            if code not in candidate.sm:
                span = f"sm_{min(candidate.sm)} to sm_{max(candidate.sm)}"
                return Refusal(
                    f"the {card.label} is sm_{code}, and nvcc {candidate.row.release} "
                    f"makes code for {span}",
                    candidate.source,
                )
        return None

    return rule


def cuda_fits_system(
    distro: model.Distro | None, glibc: Version | None, catalogue: Catalogue
) -> Rule:
    """Make the rule that NVIDIA publishes the toolkit for the OS and that it works there."""

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, CudaCandidate):
            return None
        if distro is None or distro.id not in candidate.row.distros:
            name = distro.os if distro else "this operating system"
            return Refusal(
                f"NVIDIA publishes no CUDA {candidate.text} for {name}", candidate.source
            )
        for trap in catalogue.host_traps:
            if _traps(trap, candidate, distro, glibc):
                return Refusal(f"{trap.effect} ({trap.id})", trap.source)
        return None

    return rule


def _traps(
    trap: model.HostTrap, toolkit: CudaCandidate, distro: model.Distro, glibc: Version | None
) -> bool:
    """Whether a toolkit fails so; where the C library is not known, on the systems that it was seen on."""
    if toolkit.release > Version(trap.cuda_max):
        return False
    return distro.id in trap.distros if glibc is None else glibc >= Version(trap.glibc_min)


def cudnn_serves(card: Card, catalogue: Catalogue) -> Rule:
    """Make the rule that cuDNN must have code for a card."""
    blackwell = catalogue.rules["cudnn-blackwell"]
    floor = Version(blackwell.values["cudnn_from"])
    floor_code = sm_code(blackwell.values["from_compute_capability"])
    codes = card.codes

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, CudnnCandidate):
            return None
        for code in codes:
            if code < candidate.min_code:
                need = candidate.row.min_compute_capability
                return Refusal(
                    f"cuDNN {candidate.text} needs compute capability {need}, and the "
                    f"{card.label} has {code / 10}",
                    candidate.source,
                )
            if code >= floor_code and candidate.version < floor:
                return Refusal(f"the {card.label} needs cuDNN {floor} or newer", blackwell.source)
        return None

    return rule


def cudnn_has_packages(candidate: Candidate) -> Refusal | None:
    """Refuse cuDNN builds whose apt version is not known."""
    if isinstance(candidate, CudnnCandidate) and candidate.row.package_version is None:
        return Refusal(f"the apt version of cuDNN {candidate.text} is not known", candidate.source)
    return None


def framework_runs_on(card: Card, catalogue: Catalogue) -> Rule:
    """Make the rule that a build has code for a card, and that its cuDNN has too.

    Code of the same major and a minor no higher runs (compat/frameworks.yml, rule "runs"). PTX
    counts only where it was seen to run. Codes that were not read are not trusted where the build's
    CUDA is older than the first that knows the card.
    """
    first = {item: Version(catalogue.first_cuda[item]) for item in card.capabilities}

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, FrameworkCandidate) or candidate.row.device != "cuda":
            return None
        for capability in card.capabilities:
            refusal = _too_old(candidate, card, capability) or _has_no_code(
                candidate, card, capability, first[capability], catalogue
            )
            if refusal is not None:
                return refusal
        return None

    return rule


def _too_old(candidate: FrameworkCandidate, card: Card, capability: str) -> Refusal | None:
    """Refuse a card below what the build, or the cuDNN in it, serves."""
    lowest, code = candidate.row.min_compute_capability, sm_code(capability)
    if lowest and code < sm_code(lowest):
        needs = f"needs compute capability {lowest}"
    elif code < candidate.cudnn_code:
        needs = f"brings cuDNN {candidate.row.cudnn}, which needs {candidate.cudnn_code / 10}"
    else:
        return None
    return Refusal(
        f"{candidate.name} {needs}, and the {card.label} has {capability}", candidate.source
    )


def _has_no_code(
    candidate: FrameworkCandidate, card: Card, capability: str, first: Version, catalogue: Catalogue
) -> Refusal | None:
    """Refuse a build that has no code for a card, or of which nobody knows that it has."""
    row, code = candidate.row, sm_code(capability)
    compiled = row.sm is None or runs_compiled(row.sm, code)
    if compiled and row.sm_source:
        return None
    seen = _seen(candidate, capability, catalogue)
    if seen is not None and seen.runs:
        return None
    if not compiled:
        ptx = "" if row.ptx is None else f" and PTX of sm_{row.ptx}"
        failed = " only, which was seen to fail" if seen else " only"
        return Refusal(
            f"{candidate.name} has code for {_codes(row.sm or ())}{ptx}{failed}, and the "
            f"{card.label} is sm_{code}",
            seen.source if seen else candidate.source,
        )
    if seen is not None:
        return Refusal(
            f"{candidate.name} was seen to fail on sm_{code}, as the {card.label} is", seen.source
        )
    if candidate.cuda is None or row.needs_system_cuda or candidate.cuda >= first:
        return None
    return Refusal(
        f"the codes in {candidate.name} were not read, and its CUDA {row.cuda} is older than "
        f"{first}, the first that knows the {card.label} (sm_{code})",
        candidate.source,
    )


def _seen(
    candidate: FrameworkCandidate, capability: str, catalogue: Catalogue
) -> model.Sighting | None:
    """Give what was seen of a build on a compute capability, if anything."""
    for row in catalogue.sightings.get((candidate.component, capability), ()):
        if _specifier(row.versions).contains(candidate.version.public, prereleases=True):
            return row
    return None


@cache
def _specifier(text: str) -> SpecifierSet:
    return SpecifierSet(text)


def runs_compiled(codes: tuple[int, ...], code: int) -> bool:
    """Whether compiled code for one of `codes` runs on a card of `code`."""
    return any(item // 10 == code // 10 and item <= code for item in codes)


def _codes(codes: tuple[int, ...]) -> str:
    return ", ".join(f"sm_{code}" for code in codes)


def python_can_be_looked_into(catalogue: Catalogue) -> Rule:
    """Make the rule that the roles' own scripts run in an environment, which they look into."""
    row = catalogue.rules["environment-python"]
    oldest = Version(row.values["oldest"])

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, PythonCandidate) or candidate.version >= oldest:
            return None
        return Refusal(f"dlconf makes environments of Python {oldest} and newer", row.source)

    return rule


def framework_fits_system(glibc: Version | None) -> Rule:
    """Make the rule that a build can be had, and loads on the C library (None = not known)."""

    def rule(candidate: Candidate) -> Refusal | None:
        if not isinstance(candidate, FrameworkCandidate):
            return None
        if not candidate.row.installable or not candidate.row.requirements:
            return Refusal(
                f"{candidate.name} can no longer be installed"
                + (f": {candidate.row.notes}" if candidate.row.notes else ""),
                candidate.source,
            )
        if candidate.glibc is not None and glibc is not None and glibc < candidate.glibc:
            return Refusal(
                f"{candidate.name} needs glibc {candidate.glibc}, and the system has {glibc}",
                candidate.source,
            )
        return None

    return rule
