"""Checks a stack against the rows of the catalogue, with nothing of the resolver's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from dlconf.catalogue import Catalogue
from dlconf.catalogue.model import FrameworkBuild, Gpu
from dlconf.stack import Machine, Resolution


def violations(host: Machine, found: Resolution, catalogue: Catalogue) -> list[str]:
    """Say in words what of a stack a row forbids; nothing in a good one."""
    rows = [catalogue.gpus[gpu.device] for gpu in host.gpus if gpu.device in catalogue.gpus]
    stack = found.stack
    if not host.gpus:
        return [] if not (stack.driver or stack.cuda or stack.cudnn) else ["driver without a GPU"]
    return [
        *driver_violations(host, found, rows, catalogue),
        *cuda_violations(host, found, rows, catalogue),
        *framework_violations(found, rows, catalogue),
    ]


def driver_violations(
    host: Machine, found: Resolution, rows: list[Gpu], catalogue: Catalogue
) -> list[str]:
    driver = found.stack.driver
    if driver is None:
        return ["no driver"]
    broken = []
    branch = catalogue.drivers[driver.branch]
    if driver.flavour not in branch.flavours:
        broken.append(f"{driver.branch} has no {driver.flavour} modules")
    for row in rows:
        if row.architecture not in branch.architectures:
            broken.append(f"{driver.branch} does not list {row.architecture}")
        if row.last_branch and int(driver.branch) > int(row.last_branch):
            broken.append(f"{driver.branch} dropped {row.id}")
        if row.kernel_modules not in ("both", driver.flavour):
            broken.append(f"{driver.flavour} on {row.id}")
        if row.min_driver and Version(driver.version) < Version(row.min_driver):
            broken.append(f"{driver.version} is older than {row.min_driver} of {row.id}")
    first = catalogue.rules["legacy-kernel"].values.get(driver.branch)
    kernel = re.match(r"[0-9.]+[0-9]", host.kernel)
    built = [
        row
        for row in catalogue.kernel_builds.get(driver.branch, ())
        if row.builds and kernel and Version(kernel[0]).release[:2] <= Version(row.kernel).release
    ]
    if first and kernel and Version(kernel[0]) >= Version(first) and not built:
        broken.append(f"{driver.branch} does not build on {host.kernel}")
    packages = [
        row
        for row in catalogue.packages_for(host.os, driver.branch)
        if row.flavour == driver.flavour and row.packages == found.install.driver.packages
    ]
    if not any(row.transitional_to is None for row in packages):
        broken.append("no real package")
    return broken


def cuda_violations(
    host: Machine, found: Resolution, rows: list[Gpu], catalogue: Catalogue
) -> list[str]:
    stack, broken = found.stack, []
    if stack.cuda is None or stack.driver is None:
        return [] if stack.cudnn is None else ["cuDNN without CUDA"]
    toolkit = catalogue.cuda[stack.cuda.version]
    distro = catalogue.distro_of(host.os)
    assert distro is not None
    if distro.id not in toolkit.distros:
        broken.append(f"CUDA {toolkit.version} is not for {host.os}")
    least = toolkit.min_driver_minor_compat or toolkit.min_driver_native
    if Version(stack.driver.version) < Version(least):
        broken.append(f"driver {stack.driver.version} is too old for CUDA {toolkit.version}")
    if Version(distro.glibc) >= Version("2.41") and Version(toolkit.release) <= Version("12.9"):
        broken.append("nvcc does not compile on this C library")
    for row in rows:
        if code(row) not in toolkit.sm:
            broken.append(f"CUDA {toolkit.version} has no code for {row.id}")
    if stack.cudnn is not None:
        broken += cudnn_violations(found, rows, toolkit.version, catalogue)
    return broken


def cudnn_violations(
    found: Resolution, rows: list[Gpu], toolkit: str, catalogue: Catalogue
) -> list[str]:
    assert found.stack.cudnn is not None
    version = Version(found.stack.cudnn.version)
    builds = [
        row
        for row in catalogue.cudnn
        if row.version == found.stack.cudnn.version and row.cuda_major == Version(toolkit).major
    ]
    broken = [] if builds else [f"cuDNN {version} has no build for CUDA {toolkit}"]
    for row in rows:
        if code(row) < 75 and version >= Version("9.11"):
            broken.append(f"cuDNN {version} on {row.id}")
        if code(row) >= 100 and version < Version("9.7"):
            broken.append(f"cuDNN {version} on {row.id}")
    return broken


def framework_violations(found: Resolution, rows: list[Gpu], catalogue: Catalogue) -> list[str]:
    broken = []
    for item in found.install.frameworks:
        builds = builds_of(item.requirements, catalogue)
        broken += [] if builds else [f"no build has the requirements of {item.name}"]
        for build in builds:
            if found.stack.python.version not in build.python:
                broken.append(f"{build.framework} {build.version} on {found.stack.python.version}")
            driver = found.stack.driver
            if build.min_driver and driver and Version(driver.version) < Version(build.min_driver):
                broken.append(f"{build.framework} {build.version} on driver {driver.version}")
            if build.needs_system_cuda and not found.stack.cuda and build.device == "cuda":
                broken.append(f"{build.framework} {build.version} without CUDA")
            for row in rows if build.device == "cuda" else []:
                broken += build_violations(build, row, item.requirements, catalogue)
    return broken


def builds_of(requirements: Sequence[str], catalogue: Catalogue) -> list[FrameworkBuild]:
    """The builds whose requirements an environment has."""
    return [
        row
        for rows in catalogue.frameworks.values()
        for row in rows
        if row.requirements and set(row.requirements) <= set(requirements)
    ]


def build_violations(
    build: FrameworkBuild, row: Gpu, requirements: Sequence[str], catalogue: Catalogue
) -> list[str]:
    found, broken = code(row), []
    name = f"{build.framework} {build.version}"
    compiled = any(item // 10 == found // 10 and item <= found for item in build.sm or ())
    if not was_seen(build, row, catalogue):
        if build.sm is not None and not compiled:
            broken.append(f"{name} has no code for {row.id}")
        if not build.sm_source and not build.needs_system_cuda and build.cuda:
            first = catalogue.architectures[row.architecture].first_cuda[
                row.compute_capability or ""
            ]
            if Version(build.cuda) < Version(first):
                broken.append(f"{name} was not read, and is of before {row.id}")
    if build.cudnn and not build.needs_system_cuda:
        floors = [
            item.min_compute_capability
            for item in catalogue.cudnn
            if f"{item.version}.".startswith(f"{build.cudnn}.")
            and build.cuda
            and item.cuda_major == int(build.cuda.split(".")[0])
        ]
        if any(found < round(float(floor) * 10) for floor in floors):
            broken.append(f"the cuDNN in {name} does not serve {row.id}")
    if build.min_compute_capability and found < round(float(build.min_compute_capability) * 10):
        broken.append(f"{build.framework} {build.version} is too new for {row.id}")
    if found < 75 and not set(build.requirements_below_cc_7_5) <= set(requirements):
        broken.append(f"{build.framework} {build.version} lacks its cap on {row.id}")
    return broken


def was_seen(build: FrameworkBuild, row: Gpu, catalogue: Catalogue) -> bool:
    """Whether a build was seen to run on the capability of a GPU."""
    return any(
        item.runs and build.version in SpecifierSet(item.versions)
        for item in catalogue.sightings.get((build.framework, row.compute_capability or ""), ())
    )


def code(row: Gpu) -> int:
    assert row.compute_capability is not None
    return round(float(row.compute_capability) * 10)
