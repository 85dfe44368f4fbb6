"""What was seen to build on a kernel: whose packaging, which revision, and the record of DKMS."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dlconf.catalogue import load
from dlconf.catalogue.model import DriverPackage, KernelBuild
from dlconf.errors import NoCompatibleStack
from dlconf.resolve import resolve
from dlconf.stack import Machine, Resolution
from dlconf.wishes import Wishes
from tools.dkms_builds import RECORD, first_complaint, read

CATALOGUE = load()


def build(packaging: str, version: str, kernel: str, *, builds: bool) -> KernelBuild:
    return KernelBuild(
        branch=version[:3],
        packaging=packaging,
        version=version,
        kernel=kernel,
        builds=builds,
        source="a test",
        verified=True,
    )


def answer(rows: list[KernelBuild], package: str, kernel: str) -> Resolution:
    """Resolve Debian 13 for its own 550, which has `package` as its version."""
    changed = [
        replace(row, version=package)
        if isinstance(row, DriverPackage)
        and (row.os, row.branch, row.source_name) == ("debian-13", "550", "distribution")
        else row
        for row in CATALOGUE.rows("driver_packages")
    ]
    catalogue = CATALOGUE.with_rows("driver_packages", changed).with_rows("kernel_builds", rows)
    machine = Machine.described(
        gpus=("RTX 3090",), os="debian-13", kernel=kernel, catalogue=catalogue
    )
    wishes = Wishes(driver_source="distribution", pins={"driver": "550"})
    return resolve(machine, wishes, catalogue)


PATCHED = build("debian", "550.163.01-4~bpo13+1", "6.19", builds=True)
FAILED = build("debian", "550.163.01-2", "6.12", builds=False)
UPSTREAM = build("nvidia", "550.163.01", "6.12", builds=False)


@pytest.mark.parametrize("kernel", ["6.17.13-2-pve", "6.19.6+deb13-amd64", "6.12.74+deb13+1-amd64"])
def test_a_revision_that_was_seen_to_build_is_given_without_a_doubt(kernel: str) -> None:
    found = answer([FAILED, PATCHED], "550.163.01-5", kernel)
    assert found.stack.driver is not None
    assert found.stack.driver.version == "550.163.01"
    assert not [note for note in found.notes if "nobody is known" in note]


@pytest.mark.parametrize(
    ("rows", "package", "kernel"),
    [
        ([PATCHED], "550.163.01-2", "6.17.13-2-pve"),
        ([PATCHED], "550.163.01-4", "7.0.1-1-amd64"),
        ([FAILED], "550.163.01-2", "6.12.74+deb13+1-amd64"),
        ([FAILED], "550.163.01-1", "6.16.3+deb13-amd64"),
    ],
    ids=["an older revision", "a newer kernel", "it failed", "an older one fails where it failed"],
)
def test_what_was_seen_of_one_is_not_believed_of_another(
    rows: list[KernelBuild], package: str, kernel: str
) -> None:
    with pytest.raises(NoCompatibleStack, match="do not build on kernel"):
        answer(rows, package, kernel)


def test_a_failure_on_a_newer_kernel_says_nothing_of_an_older_one() -> None:
    assert answer([FAILED], "550.163.01-2", "6.1.0-50-amd64").stack.driver is not None


def test_where_nvidias_own_fails_a_distributions_comes_with_a_note() -> None:
    found = answer([UPSTREAM], "550.163.01-2", "6.12.74+deb13+1-amd64")
    assert any("nobody is known to have built" in note for note in found.notes)


def test_each_build_that_dkms_made_has_its_row() -> None:
    rows = {
        (row.version, row.kernel, row.builds)
        for rows in CATALOGUE.kernel_builds.values()
        for row in rows
        if row.packaging == "debian"
    }
    recorded = {
        (
            str(item["version"]),
            ".".join(str(item["kernel"]).split("+")[0].split("-")[0].split(".")[:2]),
            bool(item["built"]),
        )
        for item in read(RECORD)
    }
    assert recorded == rows


def test_a_record_that_is_missing_holds_nothing(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == []
    (tmp_path / "one").write_text(json.dumps({"version": "1"}) + "\n", encoding="utf-8")
    assert list(read(tmp_path / "one")) == [{"version": "1"}]


def test_the_first_complaint_is_the_compilers() -> None:
    log = "KBUILD_CFLAGS=-Werror=int\n CONFTEST: x\nnv.c:5:1: error: no member\nb.c:1: error: other"
    assert first_complaint(log) == "error: no member"
    assert first_complaint("make: ok").startswith("no complaint")
