"""A download that breaks off, and one that finds the disk full: on real hosts, from the lab's mirror."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Site
from tests.lab.faults import MirrorFaults, small_disk, whole_disk

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("first_apply")]

LOCAL_REPOSITORY = "https://developer.download.nvidia.com/compute/cuda/12.4.1/.*/cuda-repo-.*[.]deb"
BROKEN_AFTER_BYTES = 300_000


@pytest.fixture
def faults(site: Site) -> Iterator[MirrorFaults]:
    made = MirrorFaults(site.state)
    yield made
    made.clear()


def test_a_full_disk_ends_the_download_and_is_named(site: Site) -> None:
    """Preflight is told that little is needed, so that the disk fills up in the middle."""
    words = ["--role", "cuda", "--set", "cuda=12.4", "--limit", "gtx1080ti", "--yes"]
    small_disk(site.lab, "gtx1080ti", "/var/cache/dlconf", 1)
    inventory = site.inventory_with("full", {"preflight_free_disk_mib": {"/opt": 1}}, ["gtx1080ti"])
    try:
        result = site.dlconf("apply", str(inventory), *words, code=1)
    finally:
        whole_disk(site.lab, "gtx1080ti", "/var/cache/dlconf")
    text = result.stdout + result.stderr
    assert "cuda-repo-ubuntu2204-12-4-local" in text
    assert "free" in text.lower() or "space" in text.lower()
    assert "12-4" not in site.ssh("gtx1080ti", "dpkg-query", "--show")


def test_a_download_that_breaks_off_goes_on_where_it_ended(
    site: Site, faults: MirrorFaults
) -> None:
    words = ["--role", "cuda", "--set", "cuda=12.4", "--limit", "gtx1080ti", "--yes"]
    faults.abort(LOCAL_REPOSITORY, after_bytes=BROKEN_AFTER_BYTES, times=1)
    site.dlconf("apply", str(site.inventory), *words)
    assert "release 12.4" in site.ssh("gtx1080ti", "/usr/local/cuda/bin/nvcc", "--version")
    asked = [
        row["range"]
        for row in faults.requests()
        if "cuda-repo-ubuntu2204-12-4-local" in row["url"] and row["method"] == "GET"
    ]
    assert asked[-1] == f"bytes={BROKEN_AFTER_BYTES}-"
    site.dlconf("drift", str(site.inventory))
