"""What role verify makes of the answers of a container and of nvcc."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.role_readme import ROLES
from tests.unit.test_role_contract import render

VERSION = "580.178.04"
TWO_GPUS = [
    "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)",
    "GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)",
]


def checks_of(loaded: str = VERSION, **answers: Any) -> dict[str, dict[str, str]]:
    """Return the checks of a host with two GPUs, by name."""
    library = {"exists": True, "lnk_source": f"/usr/lib/x86_64-linux-gnu/libcuda.so.{VERSION}"}
    inputs = {
        "verify_gpus": ["NVIDIA H100 80GB HBM3"] * 2,
        "__verify_loaded": {"content": base64.b64encode(f"{loaded}\n".encode()).decode()},
        "__verify_library": {"results": [{"stat": library}]},
        "__verify_smi": {"rc": 0, "stdout": f"NVIDIA H100 80GB HBM3, {VERSION}"},
        **answers,
    }
    checks = render(ROLES / "verify", inputs, "__verify_checks")
    return {check["check"]: check for check in checks}


def check(loaded: str = VERSION, **container: Any) -> dict[str, str]:
    """Return the check `container` of a host with two GPUs."""
    checks = checks_of(loaded, verify_container_mode="runtime", __verify_container=container)
    return checks["container"]


# nvcc 12.9 says this for a GTX 1080 Ti, and compiles.
WARNING = (
    "nvcc warning : Support for offline compilation for architectures prior to "
    "'<compute/sm/lto>_75' will be removed in a future release "
    "(Use -Wno-deprecated-gpu-targets to suppress warning)."
)


@pytest.mark.parametrize(
    ("build", "product", "status", "detail"),
    [
        (
            {"rc": 0, "stderr": WARNING},
            {"rc": 0, "stdout": "[[22, 28], [49, 64]] on H100", "stderr": ""},
            "ok",
            "[[22, 28], [49, 64]] on H100",
        ),
        (
            {"rc": 0, "stderr": WARNING},
            {"rc": 1, "stdout": "", "stderr": "out of memory"},
            "failed",
            "out of memory",
        ),
        (
            {"rc": 1, "stderr": "nvcc fatal : Unsupported gpu architecture"},
            {"rc": 2, "stdout": "", "stderr": "", "msg": "No such file"},
            "failed",
            "nvcc fatal : Unsupported gpu architecture",
        ),
        (
            {"rc": 0, "stderr": WARNING},
            {"rc": 1, "stdout": "", "stderr": ""},
            "failed",
            "no answer",
        ),
    ],
)
def test_a_kernel_s_detail_is_what_decided(
    build: dict[str, Any], product: dict[str, Any], status: str, detail: str
) -> None:
    found = checks_of(
        verify_cuda_version="12.9.2",
        __verify_nvcc={"rc": 0, "stdout": "release 12.9,"},
        __verify_build=build,
        __verify_product=product,
    )
    assert (found["cuda kernel"]["status"], found["cuda kernel"]["detail"]) == (status, detail)


def test_a_container_that_sees_all_gpus() -> None:
    found = check(rc=0, stdout_lines=TWO_GPUS, stderr="")
    assert found["status"] == "ok"
    assert "GPU 1: NVIDIA H100" in found["detail"]


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"rc": 0, "stdout_lines": TWO_GPUS[:1], "stderr": ""}, "GPU 0"),
        (
            {"rc": 255, "stdout_lines": [], "stderr": "Failed to initialize NVML: Unknown Error"},
            "NVML",
        ),
        ({"msg": "Timed out after 300 second(s)."}, "Timed out"),
        ({"rc": 0, "stdout_lines": ["stand-in"], "stderr": ""}, "no answer"),
    ],
)
def test_a_container_that_does_not(container: dict[str, Any], words: str) -> None:
    found = check(**container)
    assert found["status"] == "failed"
    assert words in found["detail"]


def test_nothing_is_proved_where_no_driver_is_loaded() -> None:
    found = check(loaded="", skipped=True)
    assert found["status"] == "pending"
    assert "restart first" in found["detail"]


def test_a_host_without_a_gpu_or_without_the_role_has_no_such_check() -> None:
    others: list[dict[str, Any]] = [{"verify_container_mode": "runtime"}, {"verify_gpus": []}]
    for inputs in others:
        checks = render(ROLES / "verify", inputs, "__verify_checks")
        assert [check["check"] for check in checks] == []
