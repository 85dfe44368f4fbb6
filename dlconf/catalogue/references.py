"""What rows say of one another: references that must lead somewhere, and facts that must agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dlconf.catalogue import model
from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.problem import MISSING, Problem
from dlconf.catalogue.sections import SECTIONS

Finding = tuple[str, str, Any]
"""The field, what was expected of it, and what was found."""


def all_problems(catalogue: Catalogue) -> Iterator[Problem]:
    """Say what is wrong in the whole catalogue; nothing when all is well."""
    for section in catalogue.sections():
        yield from problems(catalogue, section, catalogue.rows(section))


def problems(
    catalogue: Catalogue, section: str, rows: Sequence[model.Row], file: str = ""
) -> Iterator[Problem]:
    """Say what is wrong between these rows of a section and the rest of the catalogue.

    Args:
        catalogue: what the rows are compared with.
        section, rows: the rows to compare.
        file: where they stand, for the problems.
    """
    check = _CHECKS.get(section)
    for row in rows if check else ():
        name = " ".join(str(getattr(row, field)) for field in SECTIONS[section].key)
        for field, expected, found in check(catalogue, row) if check else ():
            yield Problem(file, section, name, field, expected, found)


def _known(
    field: str, values: Sequence[str], known: Mapping[Any, Any], what: str
) -> Iterator[Finding]:
    for value in values:
        if value not in known:
            yield field, what, value


def _gpu(catalogue: Catalogue, row: model.Gpu) -> Iterator[Finding]:
    architecture = catalogue.architectures.get(row.architecture)
    if architecture is None:
        yield "architecture", "a known architecture", row.architecture
        return
    expected = architecture.chips.get(row.chip or "")
    if row.compute_capability and row.compute_capability != expected:
        what = f"{expected} for a {row.chip} of {row.architecture}"
        yield "compute_capability", what, row.compute_capability
    if row.kernel_modules != architecture.kernel_modules:
        what = f"{architecture.kernel_modules} for {row.architecture}"
        yield "kernel_modules", what, row.kernel_modules
    last = architecture.last_driver_branch
    if last and (row.last_branch is None or int(row.last_branch) > int(last)):
        yield "last_branch", f"{last} or older for {row.architecture}", row.last_branch
    if row.last_branch:
        yield from _known("last_branch", [row.last_branch], catalogue.drivers, "a known branch")


def _architecture(catalogue: Catalogue, row: model.Architecture) -> Iterator[Finding]:
    capabilities = dict.fromkeys(row.compute_capabilities)
    for field in ("chips", "first_driver_branch", "first_cuda", "last_cuda"):
        mapping = getattr(row, field)
        stated = mapping.values() if field == "chips" else mapping
        yield from _known(field, list(stated), capabilities, "one of compute_capabilities")
    if row.last_driver_branch:
        last = [row.last_driver_branch]
        yield from _known("last_driver_branch", last, catalogue.drivers, "a known branch")


def _driver(catalogue: Catalogue, row: model.DriverBranch) -> Iterator[Finding]:
    architectures = catalogue.architectures
    yield from _known("architectures", row.architectures, architectures, "known architectures")
    if row.latest_version.split(".")[0] != row.branch:
        yield "latest_version", f"a version of {row.branch}", row.latest_version
    for name in row.architectures:
        last = architectures[name].last_driver_branch if name in architectures else None
        if last and int(row.branch) > int(last):
            yield "architectures", f"none that ended before (branch {last} is its last)", name


def _driver_package(catalogue: Catalogue, row: model.DriverPackage) -> Iterator[Finding]:
    branch = catalogue.drivers.get(row.branch)
    if row.transitional_to is not None:
        target = [row.transitional_to.removesuffix("-open")]
        if target != ["unknown"]:
            yield from _known("transitional_to", target, catalogue.drivers, "a known branch")
        return
    if branch is None:
        yield "branch", "a known branch", row.branch
    elif row.flavour not in branch.flavours:
        yield (
            "flavour",
            f"what branch {row.branch} ships ({', '.join(branch.flavours)})",
            row.flavour,
        )


def _cuda(catalogue: Catalogue, row: model.CudaRelease) -> Iterator[Finding]:
    yield from _known("distros", row.distros, catalogue.distros, "known distros")
    if row.version.split(".")[:2] != row.release.split("."):
        yield "release", "the first two numbers of the version", row.release
    newest = [
        other.version
        for other in catalogue.cuda.values()
        if other.release == row.release and other.newest_of_release
    ]
    if len(newest) != 1:
        yield "newest_of_release", f"one version of {row.release}", newest


def _cuda_local_repo(catalogue: Catalogue, row: model.CudaLocalRepo) -> Iterator[Finding]:
    yield from _known("distro", [row.distro], catalogue.distros, "a known distro")
    yield from _known("cuda", [row.cuda], catalogue.cuda, "a known CUDA version")
    yield from _file(row)


def _cudnn_local_repo(catalogue: Catalogue, row: model.CudnnLocalRepo) -> Iterator[Finding]:
    yield from _known("distro", [row.distro], catalogue.distros, "a known distro")
    if not any(f"{build.version}.".startswith(f"{row.cudnn}.") for build in catalogue.cudnn):
        yield "cudnn", "a known cuDNN version", row.cudnn
    yield from _file(row)


def _file(row: model.CudaLocalRepo | model.CudnnLocalRepo) -> Iterator[Finding]:
    if row.file.split("_")[0] != row.package:
        yield "package", f"{row.file.split('_')[0]!r} as in the file name", row.package
    if row.url is not None and not row.url.endswith("/" + row.file):
        yield "url", f"an address that ends in {row.file}", row.url


def _cudnn(catalogue: Catalogue, row: model.CudnnBuild) -> Iterator[Finding]:
    releases = {release.release: release for release in catalogue.cuda.values()}
    if row.cuda is not None:
        yield from _known("cuda", [row.cuda], releases, "a known CUDA release")
    if row.built_for.split(".")[0] != str(row.cuda_major):
        yield "built_for", f"a CUDA {row.cuda_major}", row.built_for


def _framework(catalogue: Catalogue, row: model.FrameworkBuild) -> Iterator[Finding]:
    yield from _known("python", row.python, catalogue.pythons, "known Python versions")
    if row.device == "cpu" and (row.cuda or row.sm):
        yield "cuda" if row.cuda else "sm", "none in a CPU build", row.cuda or list(row.sm or ())
    for backend in row.backends:
        name = re.split(r"[<>=!~]", backend, maxsplit=1)[0]
        yield from _known("backends", [name], catalogue.frameworks, "known frameworks")
    if row.sm_source and row.sm is None:
        yield "sm", "the codes that were read", MISSING
    if row.sm is not None and list(row.sm) != sorted(set(row.sm)):
        yield "sm", "ascending codes", list(row.sm)
    if row.installable and not row.requirements:
        yield "requirements", "some for an installable build", MISSING


def _sighting(catalogue: Catalogue, row: model.Sighting) -> Iterator[Finding]:
    yield from _known("framework", [row.framework], catalogue.frameworks, "a known framework")
    capabilities = catalogue.first_cuda
    yield from _known(
        "compute_capability", [row.compute_capability], capabilities, "one of a known architecture"
    )


def _kernel_build(catalogue: Catalogue, row: model.KernelBuild) -> Iterator[Finding]:
    yield from _known("branch", [row.branch], catalogue.drivers, "a known branch")


_CHECKS: Mapping[str, Callable[[Catalogue, Any], Iterator[Finding]]] = {
    "architectures": _architecture,
    "gpus": _gpu,
    "drivers": _driver,
    "driver_packages": _driver_package,
    "cuda": _cuda,
    "cuda_local_repos": _cuda_local_repo,
    "cudnn": _cudnn,
    "cudnn_local_repos": _cudnn_local_repo,
    "frameworks": _framework,
    "kernel_builds": _kernel_build,
    "sightings": _sighting,
}
