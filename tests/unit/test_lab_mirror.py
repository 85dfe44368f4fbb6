"""The vendor mirror's pure parts: its names against the catalogue, its packages, its server."""

from __future__ import annotations

import http.client
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dlconf.catalogue.loader import load
from tests.lab.mirror.build import CONTENT
from tests.lab.mirror.conda_packages import console_scripts, requirements
from tests.lab.mirror.cuda import CudaRelease, nccl_packages, toolkit_packages
from tests.lab.mirror.cudnn import cudnn_packages
from tests.lab.mirror.debs import Deb
from tests.lab.mirror.drivers import driver_packages
from tests.lab.mirror.nvidia_drivers import ubuntu_driver
from tests.lab.mirror.server import Faults, Mirror
from tests.lab.mirror.wheels import write_simple_index, write_stand_in

CARRIED = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
CATALOGUE = load()


@pytest.mark.parametrize("row", CARRIED["cuda"], ids=lambda row: row["version"])
def test_cuda_names_are_the_catalogue_s(row: dict[str, str]) -> None:
    cuda = CudaRelease(**row)  # type: ignore[arg-type]
    package, version = cuda.local_repository("ubuntu2204")
    known = CATALOGUE.cuda_local_repo("ubuntu2204", cuda.version)
    assert known is not None
    assert known.package == package
    assert known.file == f"{package}_{version}_amd64.deb"
    names = {deb.name for deb in toolkit_packages(cuda)}
    assert set(CATALOGUE.cuda[cuda.version].packages) <= names


@pytest.mark.parametrize("row", CARRIED["cudnn"], ids=lambda row: row["version"])
def test_cudnn_packages_are_the_catalogue_s(row: dict[str, object]) -> None:
    known = {(build.version, build.cuda_major): build for build in CATALOGUE.cudnn}
    for release in row["cuda"]:  # type: ignore[attr-defined]
        version = str(row["version"])
        debs = {deb.name: deb.version for deb in cudnn_packages(version, release)}
        wanted = known[version, int(release.split(".")[0])]
        assert set(wanted.packages) <= set(debs)
        assert set(debs.values()) == {wanted.package_version}


def test_nccl_says_in_its_version_for_which_cuda_it_is() -> None:
    library, headers = nccl_packages("2.30.7", "12.9")
    assert (library.name, library.version) == ("libnccl2", "2.30.7-1+cuda12.9")
    assert "Depends: libnccl2 (= 2.30.7-1+cuda12.9)\n" in headers.control()
    assert "#define NCCL_VERSION_CODE 23007" in str(headers.files["/usr/include/nccl.h"])


@pytest.mark.parametrize("upstream", CARRIED["ppa_drivers"])
def test_driver_packages_are_the_catalogue_s(upstream: str) -> None:
    branch = upstream.split(".", maxsplit=1)[0]
    names = {deb.name for deb in driver_packages(upstream, f"{upstream}-0ubuntu0~gpu22.04.1")}
    for row in CATALOGUE.packages_for("ubuntu-22.04", branch):
        if row.source_name == "ppa":
            assert set(row.packages) <= names


def test_toolkit_drags_no_driver_in_and_the_metapackage_does() -> None:
    cuda = CudaRelease("12.9.1", "12.9.86", "575.57.08", 2025)
    control = {deb.name: deb.control() for deb in toolkit_packages(cuda)}
    assert "driver" not in control["cuda-toolkit-12-9"]
    assert "cuda-drivers" in control["cuda-12-9"]


def test_nvidia_drops_the_branch_from_names_at_590() -> None:
    older = {deb.name for deb in ubuntu_driver("580.178.04")}
    newer = {deb.name for deb in ubuntu_driver("595.99.02")}
    assert {"cuda-drivers-580", "nvidia-open-580", "nvidia-driver-pinning-580"} <= older
    assert {"cuda-drivers", "nvidia-open", "nvidia-driver-pinning-595"} <= newer
    assert not any(name.endswith("-595-open") for name in newer)


def test_every_package_says_that_it_is_a_stand_in() -> None:
    assert "stand-in for x" in Deb("x", "1").control()


def test_miniforge_is_the_catalogue_s() -> None:
    known = {(row.version, row.conda_version) for row in CATALOGUE.conda("miniforge")}
    assert {(row["version"], row["conda"]) for row in CARRIED["conda"]["miniforge"]} <= known


def test_wheel_metadata_as_conda_writes_it() -> None:
    metadata = (
        "Name: x\nRequires-Dist: Typing_Extensions (>=4.0, <5)\n"
        "Requires-Dist: pytest>=8 ; extra == 'test'\nRequires-Dist: six\n\nRequires-Dist: text\n"
    )
    assert requirements(metadata) == ["typing-extensions >=4.0,<5", "six"]
    scripts = "[other]\na = b:c\n[console_scripts]\npip = pip.main:main\n\n[more]\nx = y:z\n"
    assert console_scripts(scripts) == ["pip = pip.main:main"]


def test_stand_in_wheel_refuses_to_compute(tmp_path: Path) -> None:
    row = {"name": "torch", "version": "2.14.1+cu126", "requires": ["filelock"]}
    wheel = write_stand_in(tmp_path, row, "3.11")
    write_simple_index(tmp_path)
    assert "torch-2.14.1%2Bcu126" in (tmp_path / "torch" / "index.html").read_text()
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("torch/__init__.py").decode()
        assert b"Requires-Dist: filelock" in archive.read("torch-2.14.1+cu126.dist-info/METADATA")
        record = archive.read("torch-2.14.1+cu126.dist-info/RECORD").decode().splitlines()
    assert record[0].startswith("torch/__init__.py,sha256=")
    assert record[0].endswith(f",{len(text.encode())}")
    module: dict[str, object] = {}
    exec(text, module)  # noqa: S102 (our own text, three lines above)
    assert module["__version__"] == "2.14.1+cu126"
    with pytest.raises(RuntimeError, match="stand-in"):
        module["__getattr__"]("tensor")  # type: ignore[operator]


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    site = tmp_path / "sites" / "v.test"
    site.mkdir(parents=True)
    (site / "file.bin").write_bytes(bytes(range(100)))
    (tmp_path / "secret").write_text("no")
    server = Mirror(0, tmp_path / "sites", tmp_path, Faults(tmp_path / "faults.json"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def _get(mirror: Mirror, path: str = "/file.bin", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", mirror.server_address[1], timeout=5)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers={"Host": "v.test", **names})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    except http.client.IncompleteRead as error:
        return answer.status, error.partial
    finally:
        connection.close()


def _fault(tmp_path: Path, **fault: object) -> None:
    row = {"id": "1", "host": "v.test", "path": "/file.*", **fault}
    (tmp_path / "faults.json").write_text(json.dumps([row]))


def test_server_answers_ranges(mirror: Mirror) -> None:
    assert _get(mirror) == (200, bytes(range(100)))
    assert _get(mirror, Range="bytes=90-") == (206, bytes(range(90, 100)))
    assert _get(mirror, Range="bytes=0-9") == (206, bytes(range(10)))
    assert _get(mirror, Range="bytes=-5") == (206, bytes(range(95, 100)))
    assert _get(mirror, Range="bytes=100-")[0] == 416


def test_server_sends_all_of_a_file_that_changed(mirror: Mirror) -> None:
    long_ago = "Thu, 01 Jan 1970 00:00:00 GMT"
    assert _get(mirror, Range="bytes=90-", If_Range=long_ago) == (200, bytes(range(100)))


@pytest.mark.parametrize("path", ["/none", "/../../secret", "/%2e%2e/%2e%2e/secret"])
def test_server_serves_nothing_else(mirror: Mirror, path: str) -> None:
    assert _get(mirror, path)[0] == 404


def test_server_serves_no_unknown_host(mirror: Mirror) -> None:
    assert _get(mirror, Host="..")[0] == 404
    assert _get(mirror, Host="other.test")[0] == 404


def test_corrupt_keeps_the_length(mirror: Mirror, tmp_path: Path) -> None:
    _fault(tmp_path, kind="corrupt")
    status, body = _get(mirror)
    assert (status, len(body)) == (200, 100)
    assert body != bytes(range(100))


def test_abort_ends_a_body_early_as_often_as_asked(mirror: Mirror, tmp_path: Path) -> None:
    _fault(tmp_path, kind="abort", bytes=30, times=1)
    assert _get(mirror) == (200, bytes(range(30)))
    assert _get(mirror, Range="bytes=30-") == (206, bytes(range(30, 100)))


def test_status_fault(mirror: Mirror, tmp_path: Path) -> None:
    _fault(tmp_path, kind="status", status=503)
    assert _get(mirror)[0] == 503


def test_requests_are_logged(mirror: Mirror, tmp_path: Path) -> None:
    _get(mirror, Range="bytes=90-")
    log = tmp_path / "requests.jsonl"
    limit = time.monotonic() + 5  # the line is written after the answer is sent
    while not (log.exists() and log.read_text()) and time.monotonic() < limit:
        time.sleep(0.01)
    line = json.loads(log.read_text().splitlines()[0])
    assert (line["url"], line["range"], line["status"]) == ("v.test/file.bin", "bytes=90-", 206)
