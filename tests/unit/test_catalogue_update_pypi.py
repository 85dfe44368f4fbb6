"""`dlconf catalogue update` on PyPI's JSON of a framework."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.version import Version

from dlconf.catalogue import load
from tests.unit.test_catalogue_update import TORCH, changes, left_out


def test_a_pure_wheel_says_its_lowest_python(tmp_path: Path) -> None:
    newest = load().frameworks["jax"][0]
    wheel = {"filename": "jax-0.99.0-py3-none-any.whl", "requires_python": ">=3.14"}
    metadata = {"info": {"name": "jax", "version": "0.99.0"}, "releases": {"0.99.0": [wheel]}}
    (tmp_path / "jax.json").write_text(json.dumps(metadata))
    found = changes("--from", tmp_path)
    assert {name.rpartition(" ")[2] for name in found} == {"cuda12", "cuda13", "cpu"}
    fields = {name: v["new"] for name, v in found["frameworks jax 0.99.0 cuda13"]["fields"].items()}
    assert fields["python"] == [
        version for version in newest.python if Version(version) >= Version("3.14")
    ]
    assert fields["system_cuda_requirements"] == ["jax[cuda13-local]==0.99.0"]
    assert "python_verified" not in fields


def test_framework_of_pypi() -> None:
    found = changes("--from", TORCH)
    assert set(found) == {"frameworks pytorch 2.15.1 pypi"}
    new = {name: v["new"] for name, v in found["frameworks pytorch 2.15.1 pypi"]["fields"].items()}
    assert new["requirements"] == ["torch==2.15.1"]
    assert new["packages"] == {"torch": "2.15.1"}
    assert new["python"] == ["3.11", "3.12", "3.13", "3.14", "3.15"]
    assert (new["cuda"], new["cudnn"], new["glibc"]) == ("13.2", "9.26.0.51", "2.28")
    assert new["verified"] is False
    assert not {"sm_verified", "companions", "backends"} & set(new)
    assert "2.14.0, 2.13.0" in left_out("--from", TORCH)["frameworks pytorch pypi"]


def test_what_is_no_version_and_no_wheel_says_nothing(tmp_path: Path) -> None:
    found = json.loads(TORCH.read_text())
    found["releases"]["2.15.1"][0]["requires_python"] = "whatever"
    found["releases"]["2.15.1"].append({"filename": "torch-2.15.1.tar.gz"})
    found["releases"]["trunk"] = [{"filename": "torch-trunk.tar.gz"}]
    (tmp_path / "torch.json").write_text(json.dumps(found))
    assert set(changes("--from", tmp_path)) == {"frameworks pytorch 2.15.1 pypi"}


def test_a_framework_for_another_cuda_is_not_guessed(tmp_path: Path) -> None:
    text = TORCH.read_text().replace("]==13.2.2", "]==14.0.1")
    (tmp_path / "torch.json").write_text(text)
    assert changes("--from", tmp_path) == {}
    why = left_out("--from", tmp_path)["frameworks pytorch 2.15.1 pypi"]
    assert why == "it is built for CUDA 14.0, not 13.2: add a row by hand"


def test_what_wheels_say_replaces_what_a_row_says(tmp_path: Path) -> None:
    text = TORCH.read_text().replace("cp310-cp310-manylinux_2_28", "cp310-cp310-musllinux_1_2")
    (tmp_path / "torch.json").write_text(
        text.replace("manylinux_2_28_x86_64", "manylinux2014_x86_64")
    )
    fields = changes("--from", tmp_path)["frameworks pytorch 2.14.1 pypi"]["fields"]
    assert fields["python"]["new"] == ["3.11", "3.12", "3.13", "3.14"]
    assert fields["glibc"] == {"old": "2.28", "new": "2.17"}
