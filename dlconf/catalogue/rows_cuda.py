"""Rows about operating systems, the CUDA toolkit and cuDNN."""

from __future__ import annotations

from dataclasses import dataclass

from dlconf.catalogue.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Distro(Row):
    """An operating-system release, by NVIDIA's word for it.

    Attributes:
        id: "ubuntu2204".
        os: "ubuntu-22.04".
        glibc, python: versions of the release.
        keyring: file name of the package with the key.
    """

    id: str
    os: str
    glibc: str
    python: str
    keyring: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaRelease(Row):
    """A CUDA toolkit release.

    Attributes:
        version: "12.8.1"; release: "12.8".
        newest_of_release: the newest version of its release.
        native_driver: driver whose version the name of the local repository has; None from 13.4 on.
        min_driver_native: lowest Linux driver for the full feature set.
        min_driver_minor_compat: lowest under minor-version compatibility (compiled code only, no
            PTX newer than the driver); None before CUDA 11.
        sm: codes nvcc accepts.
        gcc_max: newest gcc major the toolkit accepts.
        distros: NVIDIA distro ids with a local repository.
        packages: what installs the toolkit without a driver.
        package_version: apt version pattern of these packages.
    """

    version: str
    release: str
    newest_of_release: bool
    native_driver: str | None = None
    min_driver_native: str
    min_driver_verified: bool = False
    min_driver_minor_compat: str | None = None
    sm: tuple[int, ...]
    sm_verified: bool = False
    gcc_max: int
    gcc_verified: bool = False
    distros: tuple[str, ...]
    packages: tuple[str, ...]
    package_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaLocalRepo(Row):
    """A CUDA local-repository .deb.

    Attributes:
        distro: `Distro.id`; cuda: `CudaRelease.version`; architecture: `x86_64`.
        package: name of the package in the file ("cuda-repo-ubuntu2204-12-8-local").
        checksum: "sha256:<hex>" or "md5:<hex>"; None = not known.
        md5_list: URL of NVIDIA's md5sum.txt with a line for `file`; None before CUDA 11.
    """

    distro: str
    cuda: str
    architecture: str = "x86_64"
    file: str
    url: str
    package: str
    checksum: str | None = None
    md5_list: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CudnnBuild(Row):
    """A cuDNN version for one CUDA.

    Attributes:
        cuda_major: CUDA major it serves. cuda: the one release it serves ("10.2"), None = the
            whole major (from 8.5 on).
        built_for: CUDA release the archive was built for.
        min_compute_capability: lowest with compiled code or PTX in the libraries.
        min_driver: lowest Linux driver.
        packages: names for apt. package_version: their version; None = not known.
        package_version_verified: that exact version was seen.
        pip: requirement of the PyPI build; None before.
    """

    version: str
    cuda_major: int
    cuda: str | None = None
    built_for: str
    min_compute_capability: str
    min_compute_capability_verified: bool = False
    min_driver: str
    packages: tuple[str, ...]
    package_version: str | None = None
    package_version_verified: bool = False
    pip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CudnnLocalRepo(Row):
    """A cuDNN local-repository .deb: distro x cuDNN version; `package` is the name in the file."""

    distro: str
    cudnn: str
    architecture: str = "x86_64"
    file: str
    url: str | None = None
    package: str
    checksum: str | None = None
