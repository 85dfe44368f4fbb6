"""What rows say of one another: references that must lead somewhere, and facts that must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dlconf.catalogue import model
from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.sections import SECTIONS


def all_problems(catalogue: Catalogue) -> Iterator[str]:
    """Say what is wrong in the whole catalogue; nothing when all is well."""
    for section in catalogue.sections():
        yield from problems(catalogue, section, catalogue.rows(section))


def problems(catalogue: Catalogue, section: str, rows: Sequence[model.Row]) -> Iterator[str]:
    """Say what is wrong between these rows of a section and the rest of the catalogue.

    Yields:
        "SECTION ROW: FIELD: what was expected, found VALUE".
    """
    check = _CHECKS.get(section)
    for row in rows if check else ():
        name = " ".join(str(getattr(row, field)) for field in SECTIONS[section].key)
        for problem in check(catalogue, row) if check else ():
            yield f"{section} {name}: {problem}"


def _known(field: str, values: Sequence[str], known: Mapping[Any, Any], what: str) -> Iterator[str]:
    for value in values:
        if value not in known:
            yield f"{field}: expected {what}, found {value!r}"


def _gpu(catalogue: Catalogue, row: model.Gpu) -> Iterator[str]:
    architecture = catalogue.architectures.get(row.architecture)
    if architecture is None:
        yield f"architecture: expected a known architecture, found {row.architecture!r}"
        return
    expected = architecture.chips.get(row.chip or "")
    if row.compute_capability and row.compute_capability != expected:
        yield (
            f"compute_capability: expected {expected} for a {row.chip} of {row.architecture},"
            f" found {row.compute_capability!r}"
        )
    if row.kernel_modules != architecture.kernel_modules:
        yield (
            f"kernel_modules: expected {architecture.kernel_modules} for {row.architecture},"
            f" found {row.kernel_modules!r}"
        )
    last = architecture.last_driver_branch
    if last and (row.last_branch is None or int(row.last_branch) > int(last)):
        yield f"last_branch: expected {last} or older for {row.architecture}, found {row.last_branch!r}"
    if row.last_branch:
        yield from _known("last_branch", [row.last_branch], catalogue.drivers, "a known branch")


def _architecture(catalogue: Catalogue, row: model.Architecture) -> Iterator[str]:
    capabilities = dict.fromkeys(row.compute_capabilities)
    for field in ("chips", "first_driver_branch", "first_cuda", "last_cuda"):
        mapping = getattr(row, field)
        stated = mapping.values() if field == "chips" else mapping
        yield from _known(field, list(stated), capabilities, "one of compute_capabilities")
    if row.last_driver_branch:
        last = [row.last_driver_branch]
        yield from _known("last_driver_branch", last, catalogue.drivers, "a known branch")


def _driver(catalogue: Catalogue, row: model.DriverBranch) -> Iterator[str]:
    architectures = catalogue.architectures
    yield from _known("architectures", row.architectures, architectures, "known architectures")
    if row.latest_version.split(".")[0] != row.branch:
        yield f"latest_version: expected a version of {row.branch}, found {row.latest_version!r}"
    for name in row.architectures:
        last = architectures[name].last_driver_branch if name in architectures else None
        if last and int(row.branch) > int(last):
            yield f"architectures: {name} ends with branch {last}"


def _driver_package(catalogue: Catalogue, row: model.DriverPackage) -> Iterator[str]:
    branch = catalogue.drivers.get(row.branch)
    if row.transitional_to is not None:
        target = [row.transitional_to.removesuffix("-open")]
        if target != ["unknown"]:
            yield from _known("transitional_to", target, catalogue.drivers, "a known branch")
        return
    if branch is None:
        yield f"branch: expected a known branch, found {row.branch!r}"
    elif row.flavour not in branch.flavours:
        yield f"flavour: branch {row.branch} ships {', '.join(branch.flavours)}, found {row.flavour!r}"


def _cuda(catalogue: Catalogue, row: model.CudaRelease) -> Iterator[str]:
    yield from _known("distros", row.distros, catalogue.distros, "known distros")
    if row.version.split(".")[:2] != row.release.split("."):
        yield f"release: expected the first two numbers of the version, found {row.release!r}"
    newest = [
        other.version
        for other in catalogue.cuda.values()
        if other.release == row.release and other.newest_of_release
    ]
    if len(newest) != 1:
        yield f"newest_of_release: expected one version of {row.release}, found {newest}"


def _cuda_local_repo(catalogue: Catalogue, row: model.CudaLocalRepo) -> Iterator[str]:
    yield from _known("distro", [row.distro], catalogue.distros, "a known distro")
    yield from _known("cuda", [row.cuda], catalogue.cuda, "a known CUDA version")
    yield from _file(row)


def _cudnn_local_repo(catalogue: Catalogue, row: model.CudnnLocalRepo) -> Iterator[str]:
    yield from _known("distro", [row.distro], catalogue.distros, "a known distro")
    if not any(f"{build.version}.".startswith(f"{row.cudnn}.") for build in catalogue.cudnn):
        yield f"cudnn: expected a known cuDNN version, found {row.cudnn!r}"
    yield from _file(row)


def _file(row: model.CudaLocalRepo | model.CudnnLocalRepo) -> Iterator[str]:
    if row.file.split("_")[0] != row.package:
        yield f"package: expected {row.file.split('_')[0]!r} as in the file name, found {row.package!r}"
    if row.url is not None and not row.url.endswith("/" + row.file):
        yield f"url: expected an address that ends in {row.file}, found {row.url!r}"


def _cudnn(catalogue: Catalogue, row: model.CudnnBuild) -> Iterator[str]:
    releases = {release.release: release for release in catalogue.cuda.values()}
    if row.cuda is not None:
        yield from _known("cuda", [row.cuda], releases, "a known CUDA release")
    if row.built_for.split(".")[0] != str(row.cuda_major):
        yield f"built_for: expected a CUDA {row.cuda_major}, found {row.built_for!r}"


def _framework(catalogue: Catalogue, row: model.FrameworkBuild) -> Iterator[str]:
    yield from _known("python", row.python, catalogue.pythons, "known Python versions")
    if row.device == "cpu" and (row.cuda or row.sm):
        yield f"device: a CPU build has no CUDA, found cuda {row.cuda!r}"
    for backend in row.backends:
        name = backend.rstrip("0123456789.*").rstrip("<>=!~")
        yield from _known("backends", [name], catalogue.frameworks, "known frameworks")
    if row.sm is not None and list(row.sm) != sorted(set(row.sm)):
        yield f"sm: expected ascending codes, found {list(row.sm)}"
    if row.installable and not row.requirements:
        yield "requirements: expected some for an installable build"


_CHECKS: Mapping[str, Callable[[Catalogue, Any], Iterator[str]]] = {
    "architectures": _architecture,
    "gpus": _gpu,
    "drivers": _driver,
    "driver_packages": _driver_package,
    "cuda": _cuda,
    "cuda_local_repos": _cuda_local_repo,
    "cudnn": _cudnn,
    "cudnn_local_repos": _cudnn_local_repo,
    "frameworks": _framework,
}
