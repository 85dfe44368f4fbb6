"""The packages of the CUDA toolkit, of cuDNN and of NCCL, with names and dependencies as NVIDIA's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.mirror.debs import Content, Deb, Link
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
    """

    version: str
    nvcc: str
    driver: str | None
    year: int
    local: bool = True

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
        depends = ", ".join(f"{part}-{cuda.suffix}" for part in parts)
        yield _package(f"{whole}-{cuda.suffix}", f"{cuda.version}-1", depends)
    wholes = ", ".join(f"{whole}-{cuda.suffix} (>= {cuda.version})" for whole in TOOLKIT_PARTS)
    version_file = json.dumps({"cuda": {"name": "CUDA SDK", "version": cuda.version}}) + "\n"
    yield Deb(
        f"cuda-toolkit-{cuda.suffix}",
        f"{cuda.version}-1",
        section="multiverse/devel",
        fields={"Depends": f"{wholes}, cuda-toolkit-{cuda.suffix}-config-common"},
        files={f"{home}/version.json": version_file},
    )
    depends = f"cuda-toolkit-{cuda.suffix} (>= {cuda.version}), cuda-drivers"
    yield _package(f"cuda-{cuda.suffix}", f"{cuda.version}-1", depends)


def _package(
    name: str,
    version: str,
    depends: str = "",
    files: dict[str, Content] | None = None,
) -> Deb:
    fields = {"Depends": depends} if depends else {}
    return Deb(name, version, section="multiverse/devel", fields=fields, files=files or {})


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
    config = f"cuda-toolkit-{cuda.suffix}-config-common"
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
        {"Depends": common},
        {f"/etc/ld.so.conf.d/988_cuda-{major}.conf": loader.format(f"-{major}")},
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
        {"Depends": f"{of_major}, {common}"},
        scripts={"postinst": install, "prerm": remove},
    )


def cudnn_packages(version: str, cuda_major: int) -> Iterator[Deb]:
    """Yield the packages of cuDNN 9 for one CUDA major; `version` has four parts."""
    apt_version = f"{version}-1"
    tail = f"cuda-{cuda_major}"
    section = "multiverse/libs"
    names = ("MAJOR", "MINOR", "PATCHLEVEL")
    numbers = zip(names, version.split("."), strict=False)
    header = "".join(f"#define CUDNN_{name} {value}\n" for name, value in numbers)
    library, headers = f"libcudnn9-{tail}", f"libcudnn9-headers-{tail}"
    same = f"(= {apt_version})"
    yield Deb(
        library,
        apt_version,
        section=section,
        fields={"Conflicts": "libcudnn9", "Provides": "libcudnn9"},
        files=library_link(LIBRARIES, "libcudnn", version),
    )
    yield Deb(
        headers,
        apt_version,
        section=section,
        fields={"Conflicts": "libcudnn9-headers", "Provides": "libcudnn9-headers"},
        files={"/usr/include/x86_64-linux-gnu/cudnn_version_v9.h": header},
    )
    development = f"{library} {same}, {headers} {same}"
    yield Deb(
        f"libcudnn9-dev-{tail}", apt_version, section=section, fields={"Depends": development}
    )
    everything = f"{library} {same}, libcudnn9-dev-{tail} {same}"
    yield Deb(f"cudnn9-{tail}", apt_version, section=section, fields={"Depends": everything})
    either = "cudnn9-cuda-13 | cudnn9-cuda-12"
    yield Deb("cudnn", apt_version, section=section, fields={"Depends": either})


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
        fields={"Depends": f"libnccl2 (= {apt_version})"},
        files={
            f"{LIBRARIES}/libnccl.so": Link("libnccl.so.2"),
            "/usr/include/nccl.h": (
                "/* Stand-in of the dlconf lab: it knows its version, and declares nothing. */\n"
                f"#define NCCL_MAJOR {major}\n#define NCCL_MINOR {minor}\n#define NCCL_PATCH {patch}\n"
                f"#define NCCL_VERSION_CODE {int(major) * 10000 + int(minor) * 100 + int(patch)}\n"
            ),
        },
    )
