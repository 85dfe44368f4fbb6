"""The compiler of the one toolkit whose packages in the mirror hold NVIDIA's real one (tests/lab/mirror.yml)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testinfra.host import Host

from dlconf.catalogue.loader import load

testinfra_hosts = ["ansible://rtx3090"]

NVCC = "/usr/local/cuda/bin/nvcc"
KERNEL = "__global__ void twice(float *x) { x[threadIdx.x] *= 2; }\n"
CATALOGUE = load()
CODE = str(CATALOGUE.gpus["2204"].compute_capability).replace(".", "")  # of the RTX 3090: 86


@pytest.fixture
def folder(host: Host) -> Iterator[str]:
    """A new folder of the machine, with a small kernel in it."""
    path = host.check_output("mktemp --directory")
    host.check_output("printf %%s %s > %s/twice.cu", KERNEL, path)
    yield path
    host.check_output("rm -r %s", path)


def test_the_compiler_is_the_one_that_its_package_names(host: Host) -> None:
    package = host.package("cuda-nvcc-13-2").version
    assert f"V{package.removesuffix('-1')}\n" in host.check_output("%s --version", NVCC)


def test_the_compiler_knows_exactly_the_codes_of_the_catalogue(host: Host) -> None:
    version = host.package("cuda-toolkit-13-2").version.removesuffix("-1")
    known = host.check_output("%s --list-gpu-code", NVCC).split()
    assert sorted(known) == sorted(f"sm_{code}" for code in CATALOGUE.cuda[version].sm)


def test_a_kernel_is_compiled_for_the_gpu_of_the_host(host: Host, folder: str) -> None:
    host.check_output("cd %s && %s -arch=sm_%s -cubin twice.cu", folder, NVCC, CODE)
    assert f"twice.sm_{CODE}.cubin" in host.check_output(
        "cd %s && /usr/local/cuda/bin/cuobjdump --list-elf twice.cubin", folder
    )
    assert "twice" in host.check_output(
        "cd %s && /usr/local/cuda/bin/cuobjdump --dump-elf-symbols twice.cubin", folder
    )


@pytest.mark.parametrize("code", [50, 61, 70])
def test_a_gpu_of_before_is_refused(host: Host, folder: str, code: int) -> None:
    result = host.run("cd %s && %s -arch=sm_%s -cubin twice.cu", folder, NVCC, str(code))
    assert result.failed
    assert f"Unsupported gpu architecture 'sm_{code}'" in result.stderr
