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
        glibc, python: versions of the release; gcc its default major.
        cuda_first, cuda_last: toolkit releases with a local repository for it; cuda_last None =
            still served.
        cuda_last_seen: newest toolkit version whose local repository was seen for it.
        keyring: file name of the package with the key.
        network_repository, keyring_url, pin_url: NVIDIA's apt repository.
    """

    id: str
    os: str
    codename: str
    glibc: str
    gcc: int
    python: str
    cuda_first: str
    cuda_last: str | None = None
    cuda_last_seen: str | None = None
    keyring: str
    network_repository: str
    keyring_url: str
    pin_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaRelease(Row):
    """A CUDA toolkit release.

    Attributes:
        version: "12.8.1"; release: "12.8".
        newest_of_release: the newest version of its release.
        native_driver: driver the installer carries; None from 13.4 on.
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
    clang_max: str | None = None
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
class CudaRunfile(Row):
    """A CUDA runfile installer, with the checksums seen."""

    cuda: str
    architecture: str = "x86_64"
    url: str
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaFile(Row):
    """A further published installer file (patch, uncommon system); for reading, not chosen."""

    cuda: str
    distro: str | None = None
    what: str
    file: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorCompatibility(Row):
    """Minor-version compatibility of a CUDA major: lowest driver, None = there is none.

    `below`: driver branch of the next major, the end of the promise.
    """

    cuda_major: int
    min_driver: str | None = None
    below: str | None = None


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
        tarball_url, tarball_sha256: x86_64 archive.
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
    deb_url: str | None = None
    pip: str | None = None
    tarball_url: str | None = None
    tarball_sha256: str | None = None
    tarball_sbsa_url: str | None = None
    tarball_sbsa_sha256: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPackage(Row):
    """A toolkit or cuDNN that Debian or Ubuntu itself packages; for reading, not chosen."""

    os: str
    package: str
    version: str
    component: str
