"""What the lab's machines do not ask for by themselves: environments by uv, extras, and conda upgraded in place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Site

pytestmark = pytest.mark.lab

ON_CPU = ["--limit", "cpu", "--yes"]


def test_uv_makes_an_environment_with_extras_that_computes(site: Site) -> None:
    root = "/opt/dlconf/venvs"
    variables: dict[str, Any] = {
        "frameworks_backend": "venv",
        "frameworks_root": root,
        "frameworks_extras": ["opencv", "graphviz"],
        "dlconf_frameworks": ["jax"],
    }
    inventory = str(site.inventory_with("uv", variables, ["cpu"]))
    words = ["--role", "frameworks", *ON_CPU, "--json"]
    result = site.dlconf("apply", inventory, *words).data["hosts"]["cpu"]["result"]
    assert result["status"] == "done"
    assert [check["status"] for check in result["verify"]] == ["cpu"]
    site.ssh("cpu", f"{root}/jax/bin/python", "-c", "import cv2, graphviz, jax")
    assert "uv = " in site.ssh("cpu", "cat", f"{root}/jax/pyvenv.cfg")
    assert site.dlconf("apply", inventory, *words).data["summary"]["changed_tasks"] == 0


def test_conda_is_upgraded_in_place(site: Site) -> None:
    prefix = {"anaconda_prefix": "/opt/conda-upgraded"}
    old = site.inventory_with("old_conda", {**prefix, "anaconda_version": "24.3.0-0"}, ["cpu"])
    site.dlconf("apply", str(old), "--role", "anaconda", *ON_CPU)
    assert site.ssh("cpu", "/opt/conda-upgraded/bin/conda", "--version") == "conda 24.3.0"
    site.ssh("cpu", "touch", "/opt/conda-upgraded/somebodys-file")
    new = site.inventory_with("new_conda", prefix, ["cpu"])
    site.dlconf("apply", str(new), "--role", "anaconda", "--upgrade", *ON_CPU)
    assert site.ssh("cpu", "/opt/conda-upgraded/bin/conda", "--version") == "conda 26.3.2"
    site.ssh("cpu", "test", "-e", "/opt/conda-upgraded/somebodys-file")
    site.dlconf("apply", str(site.inventory), *ON_CPU)  # as the other tests know it
