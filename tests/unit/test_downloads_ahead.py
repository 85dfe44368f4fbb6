"""What site.yml fetches while the driver's module is compiled: what the host lacks of later roles, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from dlconf import content, rolefiles

CUDA, CUDNN = "cuda-repo-ubuntu2204-12-9-local", "cudnn-local-repo-ubuntu2204-9.10.2"
INSTALL = {
    "cuda": {"repository_package": CUDA, "repository_url": "https://nvidia.test/cuda.deb"},
    "cudnn": {"repository_package": CUDNN, "repository_url": "https://nvidia.test/cudnn.deb"},
    "anaconda": {"url": "https://conda.test/conda.sh"},
}


def fetched(drift: dict[str, dict[str, list[str]]], install: dict[str, Any]) -> list[str]:
    stack = rolefiles.read(content.playbook("vars") / "stack.yml")
    resolution = {"stack": {}, "install": install}
    host = {"dlconf": {"resolution": resolution}, "for_roles": {"drift": drift}}
    templar = Templar(DataLoader(), stack | {"dlconf_host": host})
    urls: list[str] = templar.template(stack["dlconf_downloads"])
    return urls


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        ({}, []),
        ({"cuda": {"kinds": ["package"], "ids": [CUDA]}}, ["cuda.deb"]),
        ({"cuda": {"kinds": ["hold", "package"], "ids": ["cuda-toolkit-12-9"]}}, []),
        ({"cudnn": {"kinds": ["file", "package"], "ids": ["/etc/x", CUDNN]}}, ["cudnn.deb"]),
        ({"anaconda": {"kinds": ["conda_package", "directory"], "ids": []}}, ["conda.sh"]),
        ({"anaconda": {"kinds": ["conda_package"], "ids": ["/opt/conda:conda"]}}, []),
    ],
    ids=["nothing", "CUDA", "its toolkit", "cuDNN", "conda", "an older conda"],
)
def test_what_the_host_lacks_is_fetched(
    drift: dict[str, dict[str, list[str]]], expected: list[str]
) -> None:
    assert [url.rpartition("/")[2] for url in fetched(drift, INSTALL)] == expected


def test_a_stack_without_local_repositories_has_nothing_to_fetch() -> None:
    drift = {"cuda": {"kinds": ["package"], "ids": ["cuda-toolkit-12-9"]}}
    assert fetched(drift, {"cuda": None, "cudnn": None, "anaconda": None}) == []
