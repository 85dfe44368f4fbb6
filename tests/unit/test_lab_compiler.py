"""The real compiler in the lab's mirror: what of NVIDIA's wheels goes where in NVIDIA's packages."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.command import LabError
from tests.lab.mirror import compiler
from tests.lab.mirror.build import CONTENT
from tests.lab.mirror.compiler import with_compiler, wrapped
from tests.lab.mirror.cuda import CudaRelease, toolkit_packages
from tests.lab.mirror.debs import Deb, Link

CUDA = CudaRelease("13.2.2", "13.2.86", None, 2026, real=True)
HOME = "/usr/local/cuda-13.2"
LIBRARIES = f"{HOME}/targets/x86_64-linux/lib"

# As they lie in the wheels of 13.2.86, a few of each kind; the profile's lines are those that name folders.
WHEELS = {
    "nvidia_cuda_nvcc": {
        "bin/nvcc": "the compiler",
        "bin/nvcc.profile": 'INCLUDES += "-I$(TOP)/include"\nLIBRARIES =+ "-L$(TOP)/lib/stubs" "-L$(TOP)/lib"\n',
        "include/fatbinary_section.h": "",
    },
    "nvidia_nvvm": {"nvvm/bin/cicc": "", "include/nvvm.h": "", "lib/libnvvm.so.4": ""},
    "nvidia_cuda_crt": {"include/crt/host_config.h": ""},
    "nvidia_cuda_cuobjdump": {"bin/cuobjdump": ""},
    "nvidia_cuda_runtime": {
        "include/cuda_runtime.h": "",
        "lib/libcudart.so.13": "the library",
        "lib/libcudart_static.a": "",
        "lib/libcudadevrt.a": "",
    },
}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    for name, files in WHEELS.items():
        path = tmp_path / f"{name}-13.2.86-py3-none-manylinux_2_17_x86_64.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name}-13.2.86.dist-info/METADATA", "")
            for file, text in files.items():
                archive.writestr(f"nvidia/cu13/{file}", text)
    return tmp_path


@pytest.fixture
def debs(wheels: Path) -> dict[str, Deb]:
    return {deb.name: deb for deb in wrapped(toolkit_packages(CUDA), CUDA, wheels)}


def test_the_files_lie_where_nvidia_s_packages_have_them(debs: dict[str, Deb]) -> None:
    real = {
        name.removesuffix("-13-2"): sorted(deb.files) for name, deb in debs.items() if deb.wraps
    }
    headers = f"{HOME}/targets/x86_64-linux/include"
    assert real == {
        "cuda-nvcc": [
            f"{HOME}/bin/nvcc",
            f"{HOME}/bin/nvcc.profile",
            f"{headers}/fatbinary_section.h",
        ],
        "cuda-nvvm": [f"{HOME}/nvvm/bin/cicc"],
        "cuda-cuobjdump": [f"{HOME}/bin/cuobjdump"],
        "cuda-crt": [f"{headers}/crt/host_config.h"],
        "cuda-cudart": [
            f"{HOME}/lib64",
            f"{LIBRARIES}/libcudart.so.13",
            f"{LIBRARIES}/libcudart.so.13.2.86",
        ],
        "cuda-cudart-dev": [
            f"{HOME}/include",
            f"{headers}/cuda_runtime.h",
            *(
                f"{LIBRARIES}/{name}"
                for name in ("libcudadevrt.a", "libcudart.so", "libcudart_static.a")
            ),
        ],
    }


def test_real_files_take_the_place_of_the_stand_ins(debs: dict[str, Deb]) -> None:
    assert debs["cuda-nvcc-13-2"].files[f"{HOME}/bin/nvcc"] == b"the compiler"
    library = debs["cuda-cudart-13-2"].files
    assert library[f"{LIBRARIES}/libcudart.so.13.2.86"] == b"the library"
    assert library[f"{LIBRARIES}/libcudart.so.13"] == Link("libcudart.so.13.2.86")


def test_the_profile_is_that_of_the_packages(debs: dict[str, Deb]) -> None:
    profile = debs["cuda-nvcc-13-2"].files[f"{HOME}/bin/nvcc.profile"]
    below = "$(TOP)/$(_TARGET_DIR_)"
    assert (
        profile
        == (
            f'INCLUDES += "-I{below}/include"\n'
            f'LIBRARIES =+ "-L{below}/lib$(_TARGET_SIZE_)/stubs" "-L{below}/lib$(_TARGET_SIZE_)"\n'
        ).encode()
    )


def test_a_package_says_whose_files_it_holds(debs: dict[str, Deb]) -> None:
    wraps = "real files of nvidia-nvvm 13.2.86 from PyPI, wrapped by the dlconf lab"
    assert f"Description: {wraps}\n" in debs["cuda-nvvm-13-2"].control()
    assert "Description: stand-in for libcublas-13-2," in debs["libcublas-13-2"].control()


def test_names_versions_and_relations_are_those_of_the_stand_ins(debs: dict[str, Deb]) -> None:
    """So the sandbox, which reads nothing else, asks for the toolkit without its wheels."""
    stand_ins = {deb.name: deb for deb in toolkit_packages(CUDA)}
    assert not any(deb.wraps for deb in stand_ins.values())
    assert [(deb.name, deb.version, deb.relations, deb.scripts) for deb in debs.values()] == [
        (deb.name, deb.version, deb.relations, deb.scripts) for deb in stand_ins.values()
    ]


def test_a_missing_wheel_and_a_missing_file_are_named(wheels: Path) -> None:
    nvvm = next(wheels.glob("nvidia_nvvm-*"))
    with zipfile.ZipFile(nvvm, "w") as archive:
        archive.writestr("nvidia/elsewhere", "")
    with pytest.raises(LabError, match=r"cuda-nvvm-13-2 needs files of nvidia_nvvm-13.2.86"):
        list(wrapped(toolkit_packages(CUDA), CUDA, wheels))
    nvvm.unlink()
    with pytest.raises(LabError, match="cuda-nvvm-13-2 needs the wheel nvidia-nvvm"):
        list(wrapped(toolkit_packages(CUDA), CUDA, wheels))


def test_no_mirror_is_built_without_the_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_options: Any) -> None:
        raise LabError("no matching distribution")

    monkeypatch.setattr(compiler, "download", fails)
    with pytest.raises(LabError, match=r"CUDA 13\.2\.2 cannot be .*: no matching distribution"):
        list(with_compiler(toolkit_packages(CUDA), CUDA, "3.11"))


def test_one_toolkit_of_the_mirror_is_real() -> None:
    rows = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))["cuda"]
    assert [row["version"] for row in rows if row.get("real")] == [CUDA.version]
