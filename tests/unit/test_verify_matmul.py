"""The script that role verify runs in each environment: what counts as proof and what does not."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "roles" / "verify" / "files" / "matmul.py"
RIGHT = [[22.0, 28.0], [49.0, 64.0]]


def script() -> Any:
    spec = importlib.util.spec_from_file_location("matmul", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("expected", "gpu", "status"),
    [
        ("gpu", "NVIDIA GeForce RTX 3090", "ok"),
        ("gpu", None, "failed"),
        ("pending", None, "pending"),
        ("cpu", None, "cpu"),
        ("cpu", "NVIDIA GeForce RTX 3090", "ok"),
    ],
)
def test_a_result_of_the_cpu_is_never_proof_of_a_gpu(
    expected: str, gpu: str | None, status: str
) -> None:
    outcome = script().judge(expected, RIGHT, gpu, "2.13.0")
    assert outcome["status"] == status
    assert (
        outcome["detail"] == f"[[22, 28], [49, 64]] on {gpu or 'the CPU'}, version 2.13.0"
        or status != "ok"
    )


@pytest.mark.parametrize("gpu", ["NVIDIA GeForce RTX 3090", None])
@pytest.mark.parametrize(
    "product", [[[22.0, 28.0], [49.0, 64.5]], [[22.0, 28.0]], [[0.0, 0.0], [0.0, 0.0]]]
)
def test_a_wrong_result_fails_on_any_device(product: list[list[float]], gpu: str | None) -> None:
    assert script().judge("gpu" if gpu else "cpu", product, gpu, "1")["status"] == "failed"


def fake(monkeypatch: pytest.MonkeyPatch, name: str, **attributes: Any) -> None:
    module = ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)


def test_a_stand_in_is_never_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, "torch", __version__="2.15.0", __stand_in__=True)
    outcome = script().check("pytorch", "gpu")
    assert outcome["status"] == "skipped"
    assert "stand-in" in outcome["detail"]


def test_jax_names_the_device_it_ran_on(monkeypatch: pytest.MonkeyPatch) -> None:
    device = SimpleNamespace(platform="gpu", device_kind="NVIDIA H100")
    product = SimpleNamespace(devices=lambda: [device], tolist=lambda: RIGHT)
    fake(monkeypatch, "jax", __version__="0.10.2")
    fake(monkeypatch, "jax.numpy", array=lambda rows, dtype: rows, matmul=lambda a, b: product)
    outcome = script().check("jax", "gpu")
    assert outcome == {
        "status": "ok",
        "detail": "[[22, 28], [49, 64]] on NVIDIA H100, version 0.10.2",
    }


def test_what_the_framework_raises_is_the_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["-", "pytorch", "gpu"])
    monkeypatch.setitem(sys.modules, "torch", None)  # import raises
    script().main()
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["status"] == "failed"
    assert "torch" in outcome["detail"]


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on this machine")
def test_the_kernel_compiles_and_says_so_when_it_cannot_run(tmp_path: Path) -> None:
    source = SCRIPT.with_name("product.cu")
    command = [
        "nvcc",
        "-gencode=arch=compute_86,code=sm_86",
        "-o",
        str(tmp_path / "product"),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    ran = subprocess.run([str(tmp_path / "product")], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 or "CUDA" in ran.stderr


def test_a_framework_without_a_check_says_so() -> None:
    assert script().check("caffe", "gpu")["status"] == "skipped"
