"""Lookups, and a site's rows over the bundled ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dlconf.catalogue import CatalogueError, load
from dlconf.errors import UsageError
from dlconf.gpunames import device_id

CATALOGUE = load()
SHA = "ab" * 32


@pytest.mark.parametrize("text", ["1b06", "1B06", "0x1b06", "10de:1b06", "10DE:1B06"])
def test_gpu_by_id(text: str) -> None:
    row = CATALOGUE.gpu(text)
    assert row is not None
    assert row.id == "1b06"


def test_unknown_id_lies_in_a_band() -> None:
    assert CATALOGUE.gpu("dead") is None
    bands = [CATALOGUE.device_id_band(device) for device in ("0001", "1bff", "0x2790", "DEAD")]
    assert [(band.last_driver_branch, band.architecture_from) for band in bands if band] == [
        ("470", "tesla"),
        ("580", "maxwell"),
        (None, "turing"),
        (None, "blackwell"),
    ]


def test_bands_cover_every_id_once_and_agree_with_the_rows() -> None:
    bands = CATALOGUE.rows("device_id_bands")
    held = [int(getattr(band, end), 16) for band in bands for end in ("first", "last")]
    assert held[0] == 0
    assert held[-1] == 0xFFFF
    assert all(after == before + 1 for before, after in zip(held[1:-1:2], held[2::2], strict=True))
    for gpu in CATALOGUE.gpus.values():
        band = CATALOGUE.device_id_band(gpu.id)
        assert band is not None
        if band.last_driver_branch is None:
            assert gpu.last_branch is None
        else:
            assert int(gpu.last_branch or "999") <= int(band.last_driver_branch)


def test_gpus_by_words() -> None:
    names = {row.name for row in CATALOGUE.find_gpus("rtx 3090")}
    assert {"NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3090 Ti"} <= names
    assert [row.id for row in CATALOGUE.find_gpus(" 1B06 ")] == ["1b06"]
    assert CATALOGUE.find_gpus("geforce 1080 ti")[0].name == "NVIDIA GeForce GTX 1080 Ti"
    assert CATALOGUE.find_gpus("radeon") == ()
    assert CATALOGUE.find_gpus(" ") == ()


def test_nearest_names_on_a_miss() -> None:
    assert "NVIDIA GeForce RTX 3090" in CATALOGUE.nearest_gpu_names("GeForce RTX 309")


def test_distro_and_local_repositories() -> None:
    distro = CATALOGUE.distro_of("ubuntu-22.04")
    assert distro is not None
    assert distro.id == "ubuntu2204"
    assert CATALOGUE.distro_of("debian-10") is None
    repo = CATALOGUE.cuda_local_repo("ubuntu2204", "12.8.1")
    assert repo is not None
    assert repo.package == "cuda-repo-ubuntu2204-12-8-local"
    assert repo.md5_list is not None
    assert repo.md5_list.endswith("/12.8.1/docs/sidebar/md5sum.txt")
    assert CATALOGUE.cuda_local_repo("ubuntu2204", "8.0.61") is None
    cudnn = CATALOGUE.cudnn_local_repo("ubuntu2204", "9.10.2.21")
    assert cudnn is not None
    assert cudnn.package == "cudnn-local-repo-ubuntu2204-9.10.2"
    assert CATALOGUE.cudnn_local_repo("ubuntu2204", "5.1") is None


def test_same_files_same_object() -> None:
    assert load() is load([])


def test_with_rows_replaces_one_section() -> None:
    without = CATALOGUE.with_rows("gpus", [])
    assert without.gpu("1b06") is None
    assert without.drivers["580"] == CATALOGUE.drivers["580"]
    assert CATALOGUE.gpu("1b06") is not None


def test_site_row_overrides_only_its_fields(tmp_path: Path) -> None:
    file = tmp_path / "my-rows.yml"
    file.write_text(
        f'cuda_local_repos:\n- {{distro: ubuntu2204, cuda: "12.8.1", checksum: "sha256:{SHA}",'
        " source: our mirror}\n"
        f"conda:\n- {{distribution: miniforge, version: 26.3.2-3, checksum: 'sha256:{SHA}',"
        " verified: false, source: our mirror}\n"
    )
    site = load([file])
    mine, bundled = (each.cuda_local_repo("ubuntu2204", "12.8.1") for each in (site, CATALOGUE))
    assert mine is not None
    assert bundled is not None
    assert (mine.checksum, mine.source, mine.verified) == (f"sha256:{SHA}", "our mirror", True)
    assert (mine.url, mine.md5_list) == (bundled.url, bundled.md5_list)
    assert bundled.checksum is None
    assert site.conda("miniforge")[0].checksum == f"sha256:{SHA}"
    assert not site.conda("miniforge")[0].verified
    assert len(site.rows("cuda_local_repos")) == len(CATALOGUE.rows("cuda_local_repos"))


def test_site_row_adds(tmp_path: Path) -> None:
    file = tmp_path / "my-rows.yml"
    name = "cudnn-local-repo-debian13-9.10.2"
    file.write_text(
        "cudnn_local_repos:\n- "
        + json.dumps(
            {
                "distro": "debian13",
                "cudnn": "9.10.2",
                "file": f"{name}_1.0-1_amd64.deb",
                "url": f"https://mirror.example/{name}_1.0-1_amd64.deb",
                "package": name,
                "checksum": f"sha256:{SHA}",
                "source": "our mirror",
            }
        )
    )
    row = load([file]).cudnn_local_repo("debian13", "9.10.2.21")
    assert row is not None
    assert (row.package, row.verified) == (name, True)


def test_later_site_file_wins(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f'gpus:\n- {{id: "1b06", name: "{name}", source: "{name}"}}\n')
    assert load([tmp_path / "one", tmp_path / "two"]).gpus["1b06"].name == "two"
    assert load([tmp_path / "two", tmp_path / "one"]).gpus["1b06"].name == "one"


def test_row_twice_in_a_bundled_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = '- {"id": "1b06", "name": "x"}\n'
    (tmp_path / "gpus.yml").write_text("gpus:\n" + row + row)
    monkeypatch.setattr("dlconf.catalogue.loader.DATA", tmp_path)
    with pytest.raises(
        CatalogueError, match=r"gpus\.yml: gpus 1b06: expected one row of that name, found 2"
    ):
        dict(load().gpus)


def test_bundled_error_names_file_row_and_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gpus.yml").write_text('gpus:\n- {"id": "1b06", "nam": "x"}\n')
    monkeypatch.setattr("dlconf.catalogue.loader.DATA", tmp_path)
    with pytest.raises(CatalogueError, match=r"gpus\.yml: gpus 1b06: nam: unknown field"):
        dict(load().gpus)


def test_loading_needs_no_yaml_reader() -> None:
    code = (
        "import sys; from dlconf.catalogue import load; c = load();"
        " [c.rows(s) for s in c.sections()]; print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("words", ["gforce 3090", "A6000X", "3090 tj"])
def test_two_commands_name_the_same_nearest(words: str) -> None:
    with pytest.raises(UsageError) as refused:
        device_id(words, CATALOGUE)
    assert refused.value.hint == f"nearest names: {', '.join(CATALOGUE.nearest_gpu_names(words))}"
