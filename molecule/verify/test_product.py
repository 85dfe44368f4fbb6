"""Role verify with the real nvcc: its program is compiled for the GPU of the host, and finds no driver there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://rtx3090"]


@pytest.fixture
def product(host: Host) -> Any:
    """What became of the role's two steps: `build` and `run`."""
    return json.loads(host.file("/run/product.json").content_string)


def test_the_program_is_compiled_for_the_gpu_of_the_host(product: Any) -> None:
    assert "-gencode=arch=compute_86,code=sm_86" in product["build"]["cmd"]
    assert product["build"]["rc"] == 0, product["build"]
    assert product["build"]["stderr"] == ""


def test_the_program_says_that_no_driver_is_loaded(product: Any) -> None:
    """Only a program that nvcc has linked with the CUDA runtime can say so."""
    assert product["run"]["rc"] == 1, product["run"]
    assert (
        "CUDA driver version is insufficient for CUDA runtime version" in product["run"]["stderr"]
    )
