"""The script that role verify runs in each environment: what counts as proof and what does not."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from dlconf.catalogue import load
from tests.conftest import BIN

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


@pytest.mark.parametrize(("gpus", "place"), [(1, "gpu(0)"), (0, None)])
def test_mxnet_takes_the_gpu_where_it_sees_one(
    monkeypatch: pytest.MonkeyPatch, gpus: int, place: str | None
) -> None:
    class Place(str):
        __slots__ = ()

        @property
        def device_type(self) -> str:
            return self.partition("(")[0]

    def dot(a: tuple[Any, Place], b: tuple[Any, Place]) -> SimpleNamespace:
        assert a[1] == b[1]
        return SimpleNamespace(context=a[1], asnumpy=lambda: SimpleNamespace(tolist=lambda: RIGHT))

    fake(
        monkeypatch,
        "mxnet",
        __version__="1.9.1",
        context=SimpleNamespace(num_gpus=lambda: gpus),
        gpu=lambda: Place("gpu(0)"),
        cpu=lambda: Place("cpu(0)"),
        nd=SimpleNamespace(array=lambda rows, where: (rows, where), dot=dot),
    )
    outcome = script().check("mxnet", "gpu")
    assert outcome["status"] == ("ok" if place else "failed")
    assert f"on {place or 'the CPU'}, version 1.9.1" in outcome["detail"]


class GpuGemm:
    """An operation of Theano on a GPU."""


class Dot:
    """The same on the CPU."""


def fake_theano(monkeypatch: pytest.MonkeyPatch, name: str, step: type) -> None:
    class Function:
        maker = SimpleNamespace(
            fgraph=SimpleNamespace(toposort=lambda: [SimpleNamespace(op=step())])
        )

        def __call__(self, *values: Any) -> SimpleNamespace:
            return SimpleNamespace(tolist=lambda: RIGHT)

    fake(
        monkeypatch,
        name,
        __version__="1",
        config=SimpleNamespace(device="cuda0"),
        function=lambda inputs, output, allow_input_downcast: Function(),
    )
    fake(monkeypatch, f"{name}.tensor", matrix=str, dot=lambda a, b: a + b)


@pytest.mark.parametrize(
    ("framework", "module", "step", "status"),
    [
        ("theano", "theano", GpuGemm, "ok"),
        ("theano-pymc", "theano", GpuGemm, "ok"),
        ("theano", "theano", Dot, "failed"),  # set to a GPU, and not run there
        ("pytensor", "pytensor", Dot, "cpu"),  # it has no code for GPUs: no failure of the host
        ("aesara", "aesara", Dot, "cpu"),
    ],
)
def test_theano_and_its_successors_tell_where_the_product_was_made(
    monkeypatch: pytest.MonkeyPatch, framework: str, module: str, step: type, status: str
) -> None:
    fake_theano(monkeypatch, module, step)
    outcome = script().check(framework, "gpu")
    assert outcome["status"] == status
    assert ("on cuda0" in outcome["detail"]) == (status == "ok")


def test_lasagne_multiplies_by_a_layer_s_weights_through_theano(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_theano(monkeypatch, "theano", Dot)
    fake(monkeypatch, "numpy", array=lambda rows, dtype: rows)
    made = []

    def layer(inputs: Any, units: int, W: Any, nonlinearity: None) -> Any:  # noqa: N803 - Lasagne's own name
        made.append((inputs, units, W, nonlinearity))
        return made[-1]

    layers = SimpleNamespace(
        InputLayer=lambda shape: shape, DenseLayer=layer, get_output=lambda layer, inputs: inputs
    )
    fake(monkeypatch, "lasagne", __version__="0.1", layers=layers)
    assert script().check("lasagne", "cpu")["status"] == "cpu"
    assert made == [((None, 3), 2, script().B, None)]


def cupy(name: str) -> dict[str, Any]:
    product = SimpleNamespace(device=SimpleNamespace(id=1), tolist=lambda: RIGHT)
    runtime = SimpleNamespace(
        getDeviceProperties=lambda number: {"name": f"{name} {number}".encode()}
    )
    return {
        "array": lambda rows, dtype: rows,
        "matmul": lambda a, b: product,
        "cuda": SimpleNamespace(runtime=runtime),
    }


def test_cupy_names_the_device_it_ran_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, "cupy", __version__="14.2.0", **cupy("NVIDIA H100"))
    outcome = script().check("cupy", "gpu")
    assert (outcome["status"], "on NVIDIA H100 1," in outcome["detail"]) == ("ok", True)


@pytest.mark.parametrize(("available", "status"), [(True, "ok"), (False, "cpu")])
def test_chainer_computes_with_cupy_where_that_finds_a_gpu(
    monkeypatch: pytest.MonkeyPatch, available: bool, status: str
) -> None:
    cuda = SimpleNamespace(available=available, cupy=SimpleNamespace(**cupy("NVIDIA V100")))
    product = SimpleNamespace(array=SimpleNamespace(tolist=lambda: RIGHT))
    fake(monkeypatch, "numpy", array=lambda rows, dtype: rows)
    fake(
        monkeypatch,
        "chainer",
        __version__="7.8.1",
        backends=SimpleNamespace(cuda=cuda),
        Variable=lambda rows: rows,
        functions=SimpleNamespace(matmul=lambda a, b: product),
    )
    outcome = script().check("chainer", "cpu")
    assert outcome["status"] == status
    assert ("NVIDIA V100" in outcome["detail"]) == available


def test_what_theano_compiles_does_not_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_theano(monkeypatch, "pytensor", Dot)
    monkeypatch.setattr(sys, "argv", ["-", "pytensor", "cpu"])
    monkeypatch.delenv("PYTENSOR_FLAGS", raising=False)
    script().main()
    assert json.loads(capsys.readouterr().out)["status"] == "cpu"
    folder, compiler = os.environ["PYTENSOR_FLAGS"].split(",")
    assert not Path(folder.partition("=")[2]).exists()
    assert compiler == "cxx="


@pytest.mark.parametrize(
    ("file", "without"),
    [
        (SCRIPT, ()),
        # the one that it asks for first, and does without before Python 3.8
        (
            SCRIPT.parents[2] / "python_venv" / "files" / "compare_environment.py",
            ("importlib.metadata",),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_scripts_run_by_the_oldest_python_of_an_environment(
    file: Path, without: tuple[str, ...]
) -> None:
    oldest = load().rules["environment-python"].values["oldest"]
    exclude = [word for name in without for word in ("--exclude", name)]
    command = [
        str(BIN / "vermin"),
        "--no-tips",
        "--violations",
        f"--target={oldest}-",
        *exclude,
        str(file),
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
