"""The bundled rows: whole, sourced, in agreement with one another, and the facts that matter."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

import dlconf
from dlconf.catalogue import all_problems, load, model
from dlconf.catalogue.loader import DATA
from dlconf.catalogue.reader import read_lines
from dlconf.catalogue.sections import SECTIONS

CATALOGUE = load()
PACKAGE = Path(dlconf.__file__).parent
FOR_PEOPLE = ("source", "notes", "rule")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_has_a_source(section: str) -> None:
    rows = CATALOGUE.rows(section)
    assert rows
    assert all(isinstance(row, SECTIONS[section].kind) and row.source.strip() for row in rows)


def test_rows_agree_with_one_another() -> None:
    assert list(all_problems(CATALOGUE)) == []


@pytest.mark.parametrize("file", sorted({section.file for section in SECTIONS.values()}))
def test_file_is_read_the_quick_way_and_is_yaml(file: str) -> None:
    text = (DATA / file).read_text(encoding="utf-8")
    assert read_lines(text) == yaml.load(text, Loader=yaml.CSafeLoader)
    assert all(
        line.startswith(("- {", "#")) or re.fullmatch("[a-z_]+:", line)
        for line in text.splitlines()
    )


def test_no_file_is_without_a_section() -> None:
    assert {path.name for path in DATA.iterdir()} == {s.file for s in SECTIONS.values()}


def test_nothing_was_lost() -> None:
    counts = {
        name: len(CATALOGUE.rows(name))
        for name in (
            "gpus",
            "drivers",
            "cuda",
            "cuda_local_repos",
            "cudnn",
            "conda",
            "pythons",
        )
    }
    assert counts == {
        "gpus": 1213,
        "drivers": 39,
        "cuda": 74,
        "cuda_local_repos": 238,
        "cudnn": 164,
        "conda": 9,
        "pythons": 12,
    }
    builds = CATALOGUE.frameworks
    assert {
        "pytorch",
        "tensorflow",
        "jax",
        "keras",
        "mxnet",
        "theano",
        "pytensor",
        "lasagne",
        "cntk",
        "caffe",
        "torch7",
        "chainer",
    } <= set(builds)
    assert sum(row.device == "cuda" for row in builds["pytorch"]) == 124


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("1b06", ("NVIDIA GeForce GTX 1080 Ti", "pascal", "6.1", "proprietary", "580", (11264,))),
        ("2b85", ("NVIDIA GeForce RTX 5090", "blackwell", "12.0", "open", None, (32768,))),
        ("2204", ("NVIDIA GeForce RTX 3090", "ampere", "8.6", "both", None, (24576,))),
        ("17c8", ("NVIDIA GeForce GTX 980 Ti", "maxwell", "5.2", "proprietary", "580", (6144,))),
        ("102d", ("Tesla K80", "kepler", "3.7", "proprietary", "470", (12288,))),
        ("0ff2", ("GRID K1", "kepler", "3.0", "proprietary", "367", (4096,))),
    ],
)
def test_known_gpus(device: str, expected: tuple[object, ...]) -> None:
    row = CATALOGUE.gpus[device]
    assert expected == (
        row.name,
        row.architecture,
        row.compute_capability,
        row.kernel_modules,
        row.last_branch,
        row.memory_mib,
    )


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        (20, "8.0.44", "8.0.61"),
        (30, "8.0.44", "10.2.89"),
        (35, "8.0.44", "11.8.0"),
        (61, "8.0.44", "12.9.2"),
        (70, "9.0.176", "12.9.2"),
        (75, "10.0.130", "13.5.0"),
        (89, "11.8.0", "13.5.0"),
        (120, "12.8.0", "13.5.0"),
        (107, "13.4.1", "13.5.0"),
    ],
)
def test_first_and_last_toolkit_of_a_code(code: int, first: str, last: str) -> None:
    versions = [row.version for row in CATALOGUE.cuda.values() if code in row.sm]
    assert (versions[0], versions[-1]) == (first, last)


def test_a_toolkit_code_has_no_gap() -> None:
    versions = list(CATALOGUE.cuda.values())
    for code in {code for row in versions for code in row.sm}:
        served = [code in row.sm for row in versions]
        first, last = served.index(True), len(served) - served[::-1].index(True)
        assert all(served[first:last]), code


def test_toolkit_codes_agree_with_architectures() -> None:
    for architecture in CATALOGUE.architectures.values():
        for capability, last in architecture.last_cuda.items():
            code = int(capability.replace(".", ""))
            served = {row.release for row in CATALOGUE.cuda.values() if code in row.sm}
            assert not served or max(served, key=float) == last


@pytest.mark.parametrize(
    ("os", "source", "branch", "flavour", "target"),
    [
        ("ubuntu-24.04", "distribution", "470", "proprietary", "580"),
        ("ubuntu-24.04", "distribution", "535", "proprietary", "580"),
        ("ubuntu-26.04", "distribution", "570", "proprietary", "580"),
        ("ubuntu-26.04", "distribution", "590", "open", "595"),
        ("ubuntu-16.04", "distribution", "375", "proprietary", "384"),
        ("ubuntu-22.04", "distribution", "450", "proprietary", "470"),
        ("ubuntu-24.04", "distribution", "615", "proprietary", "615-open"),
        ("ubuntu-22.04", "distribution", "580", "proprietary", None),
        ("ubuntu-22.04", "ppa", "580", "proprietary", None),
    ],
)
def test_transitional_packages(
    os: str, source: str, branch: str, flavour: str, target: str | None
) -> None:
    assert _package(os, source, branch, flavour).transitional_to == target


def _package(os: str, source: str, branch: str, flavour: str) -> model.DriverPackage:
    rows = [
        row
        for row in CATALOGUE.packages_for(os, branch)
        if row.source_name == source and row.flavour == flavour and row.variant == "desktop"
    ]
    assert len(rows) == 1
    return rows[0]


def test_driver_packages_bring_the_whole_set() -> None:
    row = _package("ubuntu-22.04", "distribution", "580", "open")
    assert row.packages == ("nvidia-driver-580-open", "nvidia-dkms-580-open", "nvidia-utils-580")
    assert row.source_package == "nvidia-graphics-drivers-580*"
    row = _package("debian-12", "distribution", "470", "proprietary")
    assert row.packages == (
        "nvidia-tesla-470-driver",
        "nvidia-tesla-470-kernel-dkms",
        "nvidia-tesla-470-smi",
    )
    assert row.dkms_module == "nvidia-tesla-470"
    row = _package("debian-13", "nvidia", "595", "open")
    assert (row.packages, row.pin_package) == (("nvidia-open",), "nvidia-driver-pinning-595")
    assert CATALOGUE.packages_for("debian-13", "470") == ()


def test_620_is_open_only() -> None:
    assert CATALOGUE.drivers["620"].flavours == ("open",)
    assert {row.flavour for row in CATALOGUE.driver_packages if row.branch == "620"} == {"open"}


def test_every_pypi_torch_has_a_cpu_build() -> None:
    builds = CATALOGUE.frameworks["pytorch"]
    cpu = {row.version for row in builds if row.build == "cpu"}
    assert cpu == {row.version for row in builds if row.build == "pypi"}
    row = next(row for row in builds if (row.version, row.build) == ("2.13.0", "cpu"))
    assert row.requirements == ("torch==2.13.0+cpu",)
    assert row.index_url == "https://download.pytorch.org/whl/cpu"
    assert row.packages == {"torch": "2.13.0+cpu"}
    assert (row.device, row.cuda, row.sm, row.verified) == ("cpu", None, None, True)


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow", "jax"])
def test_every_cuda_version_has_a_cpu_build(framework: str) -> None:
    builds = CATALOGUE.frameworks[framework]
    plain = [row for row in builds if row.build in ("pypi", "and-cuda", "cuda12")]
    assert {row.version for row in plain} <= {row.version for row in builds if row.device == "cpu"}


def test_newest_torch_before_turing() -> None:
    builds = [row for row in CATALOGUE.frameworks["pytorch"] if 60 in (row.sm or ())]
    newest = max(builds, key=lambda row: [int(part) for part in row.version.split(".")])
    assert (newest.version, newest.build, newest.cuda) == ("2.14.1", "cu126", "12.6")


def test_caps_below_turing() -> None:
    for framework, build in (("jax", "cuda12"), ("tensorflow", "and-cuda")):
        newest = next(row for row in CATALOGUE.frameworks[framework] if row.build == build)
        assert newest.requirements_below_cc_7_5 == ("nvidia-cudnn-cu12<9.11",)
    assert CATALOGUE.rules["cudnn-pre-turing-cap"].values["cudnn_below"] == "9.11"


def test_tensorflow_2_14_with_cuda_cannot_be_installed() -> None:
    builds = {(row.version, row.build): row for row in CATALOGUE.frameworks["tensorflow"]}
    assert not builds["2.14.1", "and-cuda"].installable
    assert "nvidia-cudnn-cu11==8.7.0.84" in builds["2.14.1", "cu11"].requirements


def test_cudnn_floor_rises_at_9_11() -> None:
    floors = {
        row.version: row.min_compute_capability for row in CATALOGUE.cudnn if row.cuda_major == 12
    }
    assert (floors["9.10.2.21"], floors["9.11.0.98"]) == ("5.0", "7.5")


def test_default_installer_has_a_checksum() -> None:
    newest = CATALOGUE.conda("miniforge")[0]
    assert (newest.version, newest.conda_version) == ("26.3.2-3", "26.3.2")
    assert newest.checksum is not None
    assert re.fullmatch("sha256:[0-9a-f]{64}", newest.checksum)


def test_a_rule_is_enforced_by_the_code_that_names_it() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert set(re.findall(r'\.rules\["([a-z0-9-]+)"\]', text)) == set(CATALOGUE.rules)


def test_no_field_of_a_row_is_read_by_nothing() -> None:
    """Who wrote a row says of some fields whether they were read: that is for people, as `source` is."""
    code = [path for path in PACKAGE.rglob("*.py") if not path.name.startswith("rows_")]
    text = "".join(path.read_text(encoding="utf-8") for path in code)
    fields = {
        field.name: f"{name}.{field.name}"
        for name, section in SECTIONS.items()
        for field in dataclasses.fields(section.kind)
        if not field.name.endswith("verified") and field.name not in FOR_PEOPLE
    }
    unread = {where for field, where in fields.items() if not re.search(rf"\.{field}\b", text)}
    # Held against the names of local repositories; for who adds a row.
    assert unread == {"cuda.native_driver", "frameworks.depends"}
