"""`dlconf catalogue update`: what it reads from, and what it refuses to read."""

from __future__ import annotations

import io
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlconf.catalogue import CatalogueError
from dlconf.catalogue.update import read
from dlconf.catalogue.update.files import _OnlyHttps
from tests.unit.test_catalogue_update import RELEASES, changes, update

BAD_LISTS: dict[str, tuple[str, str, str]] = {
    "not json": ("x.json", "<html>", "not JSON"),
    "another json": ("x.json", '{"a": 1}', "no list that is known"),
    "a list": ("x.json", "[1]", "no list that is known"),
    "another page": ("README.md", "# hello", "no list that is known"),
    "no chips": ("x.json", '{"chips": []}', "chips: expected a list of GPUs, found []"),
    "no chip": ("x.json", '{"chips": [5]}', "chips entry 1: expected a GPU, found 5"),
    "bad id": (
        "x.json",
        '{"chips": [{"devid": "2204", "name": "x"}]}',
        "chips entry 1: devid: expected an id as \"0x2204\", found '2204'",
    ),
    "no name": (
        "x.json",
        '{"chips": [{"devid": "0x2204"}]}',
        "chips entry 1: name: expected a name",
    ),
    "bad legacy": (
        "x.json",
        '{"chips": [{"devid": "0x2204", "name": "x", "legacybranch": "old"}]}',
        "legacybranch: expected a branch, found 'old'",
    ),
    "no branch": ("x.json", '{"abc": {"driver_info": []}}', "no branch of it has"),
    "no releases": ("x.json", '{"580": {"driver_info": []}}', "no branch of it has"),
    "a version of another branch": (
        "x.json",
        '{"580": {"driver_info": [{"release_version": "570.1"}]}}',
        "no branch of it has a release_version of its own number",
    ),
    "no distribution": ("x.json", '{"info": {}, "releases": {}}', "info: expected a distribution"),
    "another distribution": (
        "x.json",
        '{"info": {"name": "left-pad"}, "releases": {"1": []}}',
        "no framework of the catalogue comes from left-pad",
    ),
    "a table without a version": (
        "README.md",
        "| Product Name | PCI ID |\n| X | 1E02 |\n",
        "does not say its version",
    ),
    "a table without rows": (
        "README.md",
        "version 595.45.04.\n\n| Product Name | PCI ID |\n",
        "its table of PCI ids has no rows",
    ),
}


@pytest.mark.parametrize(("name", "text", "message"), BAD_LISTS.values(), ids=BAD_LISTS.keys())
def test_garbage_is_refused_with_the_file_and_the_reason(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    site = tmp_path / "my-rows.yml"
    (tmp_path / name).write_text(text)
    result = update("--from", tmp_path / name, "--to", site, "--yes")
    assert result.exit_code == 2
    assert str(tmp_path / name) in result.stderr
    assert message in result.stderr
    assert not site.exists()


def test_a_folder_may_hold_other_files_too(tmp_path: Path) -> None:
    shutil.copy(RELEASES, tmp_path)
    (tmp_path / "README.md").write_text("# what this is")
    result = update("--from", tmp_path)
    assert result.exit_code == 0
    assert "README.md: no list that is known; left out" in result.stderr
    assert "drivers 580" in result.stdout


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "no .json or .md file below it"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not text"),
    ],
)
def test_a_location_without_a_list(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "lists")
    result = update("--from", tmp_path / "lists")
    assert result.exit_code == 2
    assert message in result.stderr


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception) -> list[Any]:
    asked: list[Any] = []

    def open_url(self: object, url: str, timeout: float) -> io.BytesIO:
        asked.append((url, timeout))
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", open_url)
    return asked


def test_a_url_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer_with(monkeypatch, RELEASES.read_bytes())
    url = "https://docs.nvidia.com/datacenter/tesla/drivers/releases.json"
    assert "drivers 580" in changes("--from", url)
    assert asked[0] == (url, 30)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (urllib.error.HTTPError("u", 404, "Not Found", None, None), "cannot be read: Not Found"),  # type: ignore[arg-type]
        (urllib.error.URLError("no route to host"), "cannot be read: no route to host"),
        (TimeoutError("timed out"), "cannot be read: timed out"),
        (b"\xff", "not text"),
    ],
)
def test_a_url_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception, message: str
) -> None:
    answer_with(monkeypatch, answer)
    result = update("--from", "https://example.org/releases.json")
    assert result.exit_code == 2
    assert "https://example.org/releases.json: " in result.stderr
    assert message in result.stderr


def test_a_url_whose_answer_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlconf.catalogue.update.files.LARGEST_MIB", 0)
    answer_with(monkeypatch, b"{}")
    assert "larger than 0 MiB" in update("--from", "https://example.org/x.json").stderr


@pytest.mark.parametrize("url", ["http://example.org/x.json", "ftp://example.org/x.json"])
def test_only_https_is_read_and_followed(url: str) -> None:
    with pytest.raises(CatalogueError, match="only https URLs are read"):
        read(url)
    request = urllib.request.Request("https://example.org")
    with pytest.raises(CatalogueError, match="only https URLs are read"):
        _OnlyHttps().redirect_request(request, io.BytesIO(), 302, "Found", {}, url)
