"""Roles stop before any change where root would write, and run programs, below a folder that others can change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import BIN, ROOT

OTHERS = "/tmp"  # everybody may make what is not yet there
ENVIRONMENT = {
    "name": "pytorch",
    "environment": "pytorch",
    "python": "3.11",
    "requirements": ["torch"],
    "packages": {"torch": "2"},
}
ANACONDA = {
    "anaconda_distribution": "miniforge",
    "anaconda_version": "26.3.2-3",
    "anaconda_url": "https://nowhere.test/installer.sh",
    "anaconda_checksum": "sha256:" + "0" * 64,
}
FRAMEWORKS = {"frameworks_environments": [ENVIRONMENT]}
ASKED: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "conda": ("anaconda", ANACONDA, ("anaconda_prefix",)),
    "with-conda": (
        "frameworks",
        FRAMEWORKS,
        ("frameworks_root", "frameworks_kernels_root", "frameworks_conda_prefix"),
    ),
    "with-uv": (
        "frameworks",
        FRAMEWORKS | {"frameworks_backend": "venv"},
        ("frameworks_uv_prefix", "frameworks_uv_python_root"),
    ),
    "hub": ("jupyter", {"jupyter_mode": "hub"}, ("jupyter_prefix", "jupyter_proxy_prefix")),
}
"""By host: role, what it is given, and the variables that name a place."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the roles say, run in check mode on this machine, a host for each thing asked."""
    folder: Path = tmp_path_factory.mktemp("places")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        host: local | {"asked_role": role} | given | {name: f"{OTHERS}/{name}" for name in places}
        for host, (role, given, places) in ASKED.items()
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    task = {"name": "Run the role", "include_role": {"name": "{{ asked_role }}"}}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    words = ["--check", "-i", str(folder / "hosts.yml"), str(folder / "play.yml")]
    done = subprocess.run(
        [BIN / "ansible-playbook", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize(
    ("host", "name"), [(host, name) for host, asked in ASKED.items() for name in asked[2]]
)
def test_a_place_that_others_can_change_is_refused(told: str, host: str, name: str) -> None:
    path = f"{OTHERS}/{name}"
    said = [
        line for line in told.splitlines() if f": [{host}]" in line and f"change {path}," in line
    ]
    assert said, told[-3000:]
    for word in (
        f"root does not write to {path}",
        "nothing was changed",
        "Next: ",
        "choose another path",
    ):
        assert word in said[0]
