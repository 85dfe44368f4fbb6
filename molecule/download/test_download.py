"""Role download: the file, verified and whole, and no part beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml
from testinfra.host import Host


def test_the_file_is_the_one_that_was_asked_for(host: Host) -> None:
    catalogue = yaml.safe_load((Path(os.environ["LAB_STATE"]) / "catalogue.yml").read_text())
    file = host.file("/srv/fetched/file.deb")
    assert f"sha256:{file.sha256sum}" == catalogue["cuda_local_repos"][0]["checksum"]
    assert (file.user, file.group, file.mode) == ("root", "root", 0o644)
    assert host.check_output("ls -A /srv/fetched") == "file.deb"


def test_a_file_that_was_under_way_is_waited_for_and_asked_for_once(host: Host) -> None:
    """The mirror is so slow that the role finds the background at work; a second request would show."""
    state = Path(os.environ["LAB_STATE"])
    wanted = yaml.safe_load((state / "catalogue.yml").read_text())["cuda_local_repos"][1]
    name = wanted["url"].rpartition("/")[2]
    rows = [json.loads(line) for line in (state / "mirror" / "requests.jsonl").open()]
    asked = [(row["range"], row["bytes"]) for row in rows if row["url"].endswith(f"/{name}")]
    file = host.file(f"/var/cache/dlconf/{name}")
    assert f"sha256:{file.sha256sum}" == wanted["checksum"]
    assert (file.user, file.group, file.mode) == ("root", "root", 0o644)
    assert asked == [(None, file.size)]
    assert host.check_output("ls -A /var/cache/dlconf") == name


def test_nothing_was_installed_from_it(host: Host) -> None:
    assert not [
        line for line in host.check_output("dpkg-query --show").splitlines() if "cuda" in line
    ]


def test_the_part_was_continued_and_not_begun_anew(host: Host) -> None:
    """After the side effect the mirror is asked for the rest only."""
    requests = (Path(os.environ["LAB_STATE"]) / "mirror" / "requests.jsonl").read_text()
    runs = (Path(os.environ["LAB_STATE"]) / "runs.json").read_text()
    assert ("bytes=1000-" in requests) == ('"side_effect"' in runs)
