"""Rows about frameworks, Python and conda, and the rules of the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dlconf.catalogue.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkBuild(Row):
    """A build of a framework.

    Attributes:
        framework: `pytorch`, `tensorflow`, `jax`, `keras`, `mxnet`, `theano`, ...
        version: without the build ("2.14.1").
        device: `cuda`, `cpu`, or `any` (a front end without device code of its own).
        build: `pypi`, `cu126`, `cpu`, `cuda12`, `and-cuda`, `gpu`, `source`, ...
        requirements: pip arguments, exact versions. Empty = pip cannot install it.
        system_cuda_requirements: instead of `requirements` to use a toolkit on the system.
        index_url: the package index these come from; None = PyPI.
        find_links_url: page of wheels these come from instead of an index.
        packages: normalised distribution name -> exact version, to check in the environment.
        wheels: the distribution whose wheels decide on Python and C library, where that is not
            the first of `packages`: JAX's are those of jaxlib, or of a CUDA plugin.
        module: what Python imports; "" = none.
        python: versions it has wheels for.
        cuda: CUDA the build carries or, with needs_system_cuda, needs; None on a CPU build.
        needs_system_cuda: the toolkit (and cuDNN) must be on the system.
        cudnn: cuDNN version ("9.10.2.21"), prefix ("8.9"), specifier (">=9.8,<10.0") or None.
        depends: what its metadata asks for of CUDA (for reading; pip resolves it).
        companions: distribution -> version that belongs to it (torchvision) and is installed with
            it where the ranges of the Python say that there is a wheel.
        aarch64: what its aarch64 wheel is: `cuda`, `cpu` or None (none, not known).
        sm: codes in the wheel; None = not known. ptx: code of the PTX in it, None = no PTX.
        sm_source: how the codes were read; empty where they were not, but follow from a neighbour.
        min_compute_capability: lowest card it runs on, the bundled cuDNN counted.
        min_driver: lowest Linux driver.
        glibc: lowest glibc of the wheel.
        requirements_below_cc_7_5: to be added when a card is older than Turing.
        backends: what a front end (Keras) runs on: framework names with an optional specifier
            ("tensorflow>=2.16"), one of them is needed; empty for the rest.
        installable: pip can install it today from a public index, and it then loads; else `notes`
            says what is against it.
    """

    framework: str
    version: str
    build: str
    device: str
    requirements: tuple[str, ...] = ()
    system_cuda_requirements: tuple[str, ...] = ()
    index_url: str | None = None
    find_links_url: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    wheels: str = ""
    module: str = ""
    python: tuple[str, ...] = ()
    python_verified: bool = False
    cuda: str | None = None
    needs_system_cuda: bool = False
    cudnn: str | None = None
    depends: tuple[str, ...] = ()
    companions: Mapping[str, str] = field(default_factory=dict)
    aarch64: str | None = None
    sm: tuple[int, ...] | None = None
    sm_source: str = ""
    ptx: int | None = None
    min_compute_capability: str | None = None
    min_driver: str | None = None
    glibc: str | None = None
    requirements_below_cc_7_5: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    installable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting(Row):
    """Builds that were seen to run on a GPU, or to fail, where their codes do not tell.

    PTX counts only where it was seen to run. `versions` is a specifier ("<=2.21"); `runs` says
    which of the two was seen, and `source` where.
    """

    framework: str
    versions: str
    compute_capability: str
    runs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBuild(Row):
    """Kernel modules that were seen to build on a kernel, or to fail.

    `packaging` says whose source it was: NVIDIA's own (`nvidia`), or Debian's with its patches
    (`debian`). `kernel` is a series ("6.12"); what builds there builds on older ones, and what
    fails there fails on newer ones. Likewise a newer `version` builds where this one does.
    """

    branch: str
    packaging: str
    version: str
    kernel: str
    builds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonVersion(Row):
    """A Python version and the framework versions with wheels for it.

    `released`: the day ("YYYY-MM-DD") of its first final release.
    `ranges`: distribution (`torch`, `tensorflow`, `jaxlib`, ...) -> (newest, oldest) version.
    """

    version: str
    released: str
    ranges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaInstaller(Row):
    """An installer of conda.

    Attributes:
        distribution: `miniforge`, `miniconda` or `anaconda`.
        version: the distribution's own ("26.3.2-3").
        python: of the base environment; None = not known.
        checksum: "sha256:<hex>", "sha256:<url of a list>", "md5:<hex>" or None (not known).
        conda_version: conda it carries; None = not known.
        glibc: lowest glibc.
    """

    distribution: str
    version: str
    python: str | None = None
    url: str
    checksum: str | None = None
    conda_version: str | None = None
    glibc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTrap(Row):
    """A toolkit whose nvcc does not compile on an operating system although its packages install.

    It applies to CUDA releases up to `cuda_max` on glibc `glibc_min` and newer; `distros` names
    the NVIDIA distro ids that it was seen on.
    """

    id: str
    cuda_max: str
    glibc_min: str
    distros: tuple[str, ...] = ()
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Row):
    """A rule of the field in words, with the values that the code which names it needs.

    `values` are text by name; which ones a rule has stands in data/rules.yml. What is known and no
    code asks for stands in docs/catalogue.md.
    """

    id: str
    component: str
    rule: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta(Row):
    """`as_of`: the day ("YYYY-MM-DD") whose knowledge this is; end of life is compared with it."""

    as_of: str
