"""`dlconf catalogue update` on PyPI's JSON of a framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from packaging.version import Version

from dlconf.catalogue import Catalogue, load
from dlconf.catalogue.model import FrameworkBuild
from dlconf.catalogue.update import SourceFile, statements
from tests.unit.test_catalogue_update import RECORDED, TORCH, changes, left_out, update


def test_every_release_that_pypi_had_on_the_recorded_day_has_a_row() -> None:
    found = json.loads(update("--from", RECORDED / "pypi-2026-11-30", "--json").stdout)
    assert (found["changes"], found["left_out"]) == ([], [])
    assert found["same"] > 400


def test_a_pure_wheel_says_its_lowest_python(tmp_path: Path) -> None:
    """JAX has the versions of the distribution that brings the compiled part, and its Pythons."""
    newest = load().frameworks["jax"][0]
    wheel = {"filename": "jax_cuda13_plugin-0.99.0-py3-none-any.whl", "requires_python": ">=3.14"}
    metadata = {"info": {"name": "jax-cuda13-plugin"}, "releases": {"0.99.0": [wheel]}}
    (tmp_path / "plugin.json").write_text(json.dumps(metadata))
    found = changes("--from", tmp_path)
    assert list(found) == ["frameworks jax 0.99.0 cuda13"]
    fields = {name: v["new"] for name, v in found["frameworks jax 0.99.0 cuda13"]["fields"].items()}
    assert fields["python"] == [
        version for version in newest.python if Version(version) >= Version("3.14")
    ]
    assert fields["requirements"] == ["jax[cuda13]==0.99.0"]
    assert fields["system_cuda_requirements"] == ["jax[cuda13-local]==0.99.0"]
    assert "python_verified" not in fields


def wheels(*versions: str, name: str = "tensorflow") -> dict[str, Any]:
    """PyPI's answer on a distribution with a wheel of each version."""
    tag = "cp311-cp311-manylinux_2_17_x86_64"
    files = {text: [{"filename": f"{name}-{text}-{tag}.whl"}] for text in versions}
    return {"info": {"name": name}, "releases": files}


def without(*versions: str) -> Catalogue:
    """The catalogue without some versions of TensorFlow."""
    known = load()
    rows = [
        row
        for row in known.rows("frameworks")
        if not (isinstance(row, FrameworkBuild) and row.version in versions)
    ]
    return known.with_rows("frameworks", rows)


def stated(catalogue: Catalogue, *versions: str) -> dict[str, dict[str, Any]]:
    file = SourceFile("tensorflow.json", json.dumps(wheels(*versions)))
    found = statements(file, catalogue, "2026-11-30")
    assert found is not None
    return {f"{s.key[1]} {s.key[2]}": dict(s.complete) for s in found if s.complete}


def test_a_release_without_a_row_is_as_the_nearest_of_its_minor() -> None:
    found = stated(without("2.13.0", "2.5.1"), "2.13.0", "2.5.1", "2.5.2", "2.5.3")
    assert set(found) == {"2.13.0 pypi", "2.5.1 pypi"}
    assert found["2.5.1 pypi"]["requirements"] == [
        "tensorflow==2.5.1",
        "protobuf<3.21",
        "numpy<2",
    ]
    assert found["2.5.1 pypi"]["notes"].startswith("as 2.5.2 in all but Python and C library")
    assert found["2.5.1 pypi"]["verified"] is False


def test_a_minor_that_no_row_has_is_not_guessed() -> None:
    assert stated(without("2.13.0", "2.13.1"), "2.13.0", "2.13.1") == {}


def test_what_has_no_wheel_for_linux_is_no_row(tmp_path: Path) -> None:
    file = {"filename": "tensorflow-2.13.0-cp311-cp311-win_amd64.whl"}
    metadata = {"info": {"name": "tensorflow"}, "releases": {"2.13.0": [file]}}
    (tmp_path / "tensorflow.json").write_text(json.dumps(metadata))
    assert changes("--from", tmp_path) == {}


def test_new_rows_stand_newest_first_within_their_build() -> None:
    for name in ("pytorch", "tensorflow", "jax", "keras"):
        builds: dict[str, list[Version]] = {}
        for row in load().frameworks[name]:
            builds.setdefault(row.build, []).append(Version(row.version))
        for versions in builds.values():
            assert versions == sorted(versions, reverse=True)


def test_framework_of_pypi() -> None:
    found = changes("--from", TORCH)
    assert set(found) == {"frameworks pytorch 2.15.1 pypi"}
    new = {name: v["new"] for name, v in found["frameworks pytorch 2.15.1 pypi"]["fields"].items()}
    assert new["requirements"] == ["torch==2.15.1"]
    assert new["packages"] == {"torch": "2.15.1"}
    assert new["python"] == ["3.11", "3.12", "3.13", "3.14", "3.15"]
    assert (new["cuda"], new["cudnn"], new["glibc"]) == ("13.2", "9.26.0.51", "2.28")
    assert new["verified"] is False
    assert not {"sm_source", "companions", "backends"} & set(new)
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


def companion(folder: Path, asked: str) -> dict[str, Any]:
    files = [{"filename": "torchvision-0.99.0-cp314-cp314-manylinux_2_28_x86_64.whl"}]
    info = {"name": "torchvision", "version": "0.99.0", "requires_dist": ["numpy", asked]}
    metadata = {"info": info, "releases": {"0.99.0": files}}
    (folder / "torchvision.json").write_text(json.dumps(metadata))
    found: dict[str, Any] = changes("--from", folder)
    return found


def test_a_companion_belongs_to_the_torch_that_it_names(tmp_path: Path) -> None:
    found = companion(tmp_path, "torch==2.14.1")
    assert set(found) == {"frameworks pytorch 2.14.1 pypi", "pythons 3.14"}
    new = found["frameworks pytorch 2.14.1 pypi"]["fields"]["companions"]["new"]
    assert new == {"torchvision": "0.99.0", "torchaudio": "2.11.1"}
    assert found["pythons 3.14"]["fields"]["ranges"]["new"]["torchvision"][0] == "0.99.0"


def test_a_companion_for_any_newer_torch_replaces_none(tmp_path: Path) -> None:
    assert set(companion(tmp_path, "torch>=2.14.0")) == {"pythons 3.14"}
