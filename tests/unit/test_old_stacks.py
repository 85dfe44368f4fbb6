"""Stacks of the last ten years: each can be expressed, and the answer says what of it still installs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from dlconf.catalogue import load
from dlconf.cli import main
from dlconf.errors import DlconfError, NoCompatibleStack
from dlconf.resolve import resolve
from dlconf.resolve.conflict import SUPPORTED
from dlconf.stack import PAST_SYSTEMS, Machine
from dlconf.wishes import Wishes

CATALOGUE = load()
LAST_VERSIONS = {
    "mxnet": "1.9.1",
    "theano": "1.0.5",
    "theano-pymc": "1.1.2",
    "aesara": "2.9.4",
    "pytensor": "3.0.7",
    "lasagne": "0.1",
    "cntk": "2.7",
    "caffe": "1.0",
    "chainer": "7.8.1",
    "torch7": "7",
}


def answer(os: str, *frameworks: str, gpu: str = "GTX 1080", **given: Any) -> dict[str, Any]:
    machine = Machine.described(gpus=[gpu], os=os, catalogue=CATALOGUE)
    return resolve(machine, Wishes(frameworks=frameworks, **given), CATALOGUE).as_json()


def versions(found: Mapping[str, Any]) -> dict[str, str]:
    stack = found["stack"]
    chosen = {name: stack[name]["version"] for name in ("cuda", "cudnn", "python")}
    chosen["driver"] = stack["driver"]["branch"]
    return chosen | {item["name"]: item["version"] for item in stack["frameworks"]}


@pytest.mark.parametrize(("framework", "version"), LAST_VERSIONS.items())
def test_a_dead_framework_has_its_last_version(framework: str, version: str) -> None:
    assert version in {row.version for row in CATALOGUE.frameworks[framework]}


def test_theano_on_cuda_8_with_driver_375_and_anaconda_4_2() -> None:
    found = answer(
        "ubuntu-16.04",
        "theano==0.8.2",
        pins={"cuda": "8.0", "driver": "375", "cudnn": "5.1.10", "anaconda": "4.2.0"},
        anaconda_distribution="anaconda",
    )
    assert versions(found) == {
        "driver": "375",
        "cuda": "8.0.61",
        "cudnn": "5.1.10",
        "python": "3.5",
        "theano": "0.8.2",
    }
    assert found["install"]["driver"]["packages"] == ["cuda-drivers"]
    repo = CATALOGUE.cuda_local_repo("ubuntu1604", "8.0.61")
    assert repo is not None
    assert repo.file == "cuda-repo-ubuntu1604-8-0-local-ga2_8.0.61-1_amd64-deb"
    assert found["install"]["anaconda"]["url"].endswith("/Anaconda3-4.2.0-Linux-x86_64.sh")
    notes = " ".join(found["notes"])
    assert "what would fit on ubuntu-16.04; dlconf does not set up such a host" in notes
    assert "driver 375.26 (proprietary) rests on a row that is not verified" in notes
    assert "only out of the local repository of CUDA 8.0.61" in notes


def test_keras_of_the_time_runs_on_theano() -> None:
    row = next(row for row in CATALOGUE.frameworks["keras"] if row.version == "1.2.2")
    assert "theano" in row.backends
    found = versions(answer("ubuntu-16.04", "keras==1.2.2", "theano==0.8.2", pins={"cuda": "8.0"}))
    assert (found["keras"], found["theano"], found["cuda"]) == ("1.2.2", "0.8.2", "8.0.61")


@pytest.mark.parametrize(
    ("os", "wish", "expected"),
    [
        ("ubuntu-16.04", "tensorflow==1.12.0", {"cuda": "9.0.176", "python": "3.6"}),
        ("ubuntu-16.04", "tensorflow==1.4.1", {"cuda": "8.0.61", "cudnn": "6.0.21"}),
        ("ubuntu-18.04", "tensorflow==2.0.4", {"cuda": "10.0.130", "python": "3.7"}),
        ("ubuntu-22.04", "mxnet", {"cuda": "11.8.0", "cudnn": "8.7.0.84", "mxnet": "1.9.1"}),
    ],
)
def test_an_old_stack_on_a_system_of_its_time(os: str, wish: str, expected: dict[str, str]) -> None:
    found = versions(answer(os, wish))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("wish", "because"),
    [
        (
            "tensorflow==1.12.0",
            "tensorflow 1.12.0 (gpu) brings no CUDA and needs 9.0 on the system",
        ),
        ("theano", "theano 1.0.5 brings no CUDA and needs 8.0 on the system"),
        ("caffe", "caffe 1.0 (source) can no longer be installed"),
        ("torch7", "torch7 7 (source) can no longer be installed"),
        ("cntk", "cntk 2.7 (gpu) can no longer be installed: its wheels"),
    ],
)
def test_on_a_system_of_today_the_answer_says_why_not(wish: str, because: str) -> None:
    with pytest.raises(NoCompatibleStack) as caught:
        answer("ubuntu-22.04", wish)
    assert because in caught.value.message


def test_the_command_says_it_too() -> None:
    words = ["--os", "ubuntu-16.04", "--gpu", "GTX 1080", "--want", "tensorflow==1.12.0", "--json"]
    result = CliRunner().invoke(main, ["resolve", *words])
    assert result.exit_code == 0
    assert "does not set up such a host" in " ".join(json.loads(result.stdout)["notes"])


def test_every_system_of_the_catalogue_is_supported_or_of_the_past() -> None:
    assert {*SUPPORTED, *PAST_SYSTEMS} == {row.os for row in CATALOGUE.distros.values()}


def test_a_host_of_the_past_is_refused() -> None:
    with pytest.raises(DlconfError, match=r"ubuntu-16\.04 is not supported"):
        resolve(Machine(os="ubuntu-16.04"), Wishes(), CATALOGUE)
