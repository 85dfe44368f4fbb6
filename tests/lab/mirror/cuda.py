"""The packages of the CUDA toolkit and of NCCL, with names and dependencies as NVIDIA's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.mirror.debs import Content, Deb, Link
from tests.lab.mirror.relations import GUESS, Relation, depends
from tests.lab.mirror.repositories import library_link

LIBRARIES = "/usr/lib/x86_64-linux-gnu"

NVCC = """\
#!/bin/sh
# Stand-in of the dlconf lab: it knows its version, and compiles nothing.
case "$*" in
  --version|-V)
    echo "nvcc: NVIDIA (R) Cuda compiler driver"
    echo "Copyright (c) 2005-{year} NVIDIA Corporation"
    echo "Cuda compilation tools, release {release}, V{nvcc}"
    echo "(stand-in nvcc of the dlconf lab)" >&2 ;;
  *)
    echo "nvcc fatal   : this is the stand-in nvcc of the dlconf lab; it cannot compile" >&2
    exit 1 ;;
esac
"""

TOOLKIT_PARTS = {
    "cuda-compiler": ("cuda-nvcc", "cuda-nvvm", "cuda-cuobjdump", "cuda-crt"),
    "cuda-libraries": ("cuda-cudart", "cuda-nvrtc", "libcublas", "libcufft", "libcusparse"),
    "cuda-libraries-dev": ("cuda-cudart-dev", "cuda-nvrtc-dev", "libcublas-dev"),
    "cuda-tools": ("cuda-command-line-tools", "cuda-visual-tools"),
}


@dataclass(frozen=True)
class CudaRelease:
    """One CUDA toolkit of the mirror.

    Attributes:
        version: `12.9.1`.
        nvcc: version of its compiler, `12.9.86`.
        driver: version of the driver in its local repository, None where it holds none.
        year: last year of the compiler's copyright line.
        local: whether the mirror has its local repository too.
        real: whether the mirror's packages of its compiler hold the real one.
    """

    version: str
    nvcc: str
    driver: str | None
    year: int
    local: bool = True
    real: bool = False

    @property
    def release(self) -> str:
        """`12.9`: what the compiler calls its release."""
        return ".".join(self.version.split(".")[:2])

    @property
    def suffix(self) -> str:
        """`12-9`: what package names end in."""
        return self.release.replace(".", "-")

    def local_repository(self, distro: str) -> tuple[str, str]:
        """Return name and version of the local-repository package for `ubuntu2204` and the like."""
        driver = f"-{self.driver}" if self.driver else ""
        return f"cuda-repo-{distro}-{self.suffix}-local", f"{self.version}{driver}-1"


def toolkit_packages(cuda: CudaRelease) -> Iterator[Deb]:
    """Yield the toolkit's packages, and the metapackage `cuda-X-Y` that drags a driver in."""
    home = f"/usr/local/cuda-{cuda.release}"
    yield from _config_packages(cuda, home)
    for whole, parts in TOOLKIT_PARTS.items():
        for part in parts:
            yield _part(cuda, part, home)
        needs = depends(GUESS, *(f"{part}-{cuda.suffix} (>= {cuda.nvcc})" for part in parts))
        yield _package(f"{whole}-{cuda.suffix}", f"{cuda.version}-1", needs)
    wholes = (f"{whole}-{cuda.suffix} (>= {cuda.version})" for whole in TOOLKIT_PARTS)
    common = f"cuda-toolkit-{cuda.suffix}-config-common"
    version_file = json.dumps({"cuda": {"name": "CUDA SDK", "version": cuda.version}}) + "\n"
    yield Deb(
        f"cuda-toolkit-{cuda.suffix}",
        f"{cuda.version}-1",
        section="multiverse/devel",
        relations=depends(GUESS, *wholes, common),
        files={f"{home}/version.json": version_file},
    )
    with_driver = (
        *depends(GUESS, f"cuda-toolkit-{cuda.suffix} (>= {cuda.version})"),
        *depends("cuda-metapackage", "cuda-drivers"),
    )
    yield _package(f"cuda-{cuda.suffix}", f"{cuda.version}-1", with_driver)


def _package(
    name: str,
    version: str,
    relations: tuple[Relation, ...] = (),
    files: dict[str, Content] | None = None,
) -> Deb:
    return Deb(name, version, section="multiverse/devel", files=files or {}, relations=relations)


def _part(cuda: CudaRelease, part: str, home: str) -> Deb:
    """Return one component; the compiler and the runtime library have something in them."""
    files: dict[str, Content] = {}
    target = f"{home}/targets/x86_64-linux/lib"
    if part == "cuda-nvcc":
        text = NVCC.format(release=cuda.release, nvcc=cuda.nvcc, year=cuda.year)
        files = {f"{home}/bin/nvcc": text}
    elif part == "cuda-cudart":
        files = {
            **library_link(target, "libcudart", cuda.nvcc),
            f"{home}/lib64": Link("targets/x86_64-linux/lib"),
        }
    config = depends(GUESS, f"cuda-toolkit-{cuda.suffix}-config-common")
    return _package(f"{part}-{cuda.suffix}", f"{cuda.nvcc}-1", config, files)


def _config_packages(cuda: CudaRelease, home: str) -> Iterator[Deb]:
    """Yield the three config packages; the release's own registers the alternatives."""
    major, minor = cuda.release.split(".")
    version = f"{cuda.nvcc}-1"
    section = "multiverse/devel"
    common = "cuda-toolkit-config-common"
    of_major = f"cuda-toolkit-{major}-config-common"
    loader = "/usr/local/cuda{}/targets/x86_64-linux/lib\n"
    yield Deb(
        common,
        version,
        "all",
        section,
        files={"/etc/ld.so.conf.d/000_cuda.conf": loader.format("")},
    )
    yield Deb(
        of_major,
        version,
        "all",
        section,
        files={f"/etc/ld.so.conf.d/988_cuda-{major}.conf": loader.format(f"-{major}")},
        relations=depends(GUESS, common),
    )
    priority = f"{major}{minor}"
    install = (
        'if [ "$1" = configure ]; then\n'
        f"  update-alternatives --install /usr/local/cuda cuda {home} {priority}\n"
        f"  update-alternatives --install /usr/local/cuda-{major} cuda-{major} {home} {priority}\n"
        "fi\n"
    )
    remove = (
        'if [ "$1" = remove ] || [ "$1" = deconfigure ]; then\n'
        f"  update-alternatives --remove cuda {home}\n"
        f"  update-alternatives --remove cuda-{major} {home}\n"
        "fi\n"
    )
    yield Deb(
        f"cuda-toolkit-{cuda.suffix}-config-common",
        version,
        "all",
        section,
        relations=depends(GUESS, of_major, common),
        scripts={"postinst": install, "prerm": remove},
    )


def nccl_packages(version: str, cuda_release: str) -> Iterator[Deb]:
    """Yield the packages of one NCCL as NVIDIA builds it for a CUDA release: `2.30.7-1+cuda12.9`."""
    apt_version = f"{version}-1+cuda{cuda_release}"
    section = "multiverse/libs"
    library = library_link(LIBRARIES, "libnccl", version)
    yield Deb("libnccl2", apt_version, section=section, files=library)
    major, minor, patch = version.split(".")
    yield Deb(
        "libnccl-dev",
        apt_version,
        section=section,
        relations=depends(GUESS, f"libnccl2 (= {apt_version})"),
        files={
            f"{LIBRARIES}/libnccl.so": Link("libnccl.so.2"),
            "/usr/include/nccl.h": (
                "/* Stand-in of the dlconf lab: it knows its version, and declares nothing. */\n"
                f"#define NCCL_MAJOR {major}\n#define NCCL_MINOR {minor}\n#define NCCL_PATCH {patch}\n"
                f"#define NCCL_VERSION_CODE {int(major) * 10000 + int(minor) * 100 + int(patch)}\n"
            ),
        },
    )
