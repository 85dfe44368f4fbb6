"""`dlconf apply localhost,`: the machine one sits at, where dlconf is installed from its wheel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Site

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("first_apply")]

HOST = (
    "cpu"  # it ends as `localhost,` wants it, without frameworks: so this file's test is the last
)


@pytest.fixture
def command(site: Site, tmp_path: Path) -> str:
    """Install the wheel on the machine, with its dependencies from the index; return the command."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    config = str(site.state / "ssh_config")
    subprocess.run(["scp", "-q", "-F", config, str(wheel), f"{HOST}:/tmp/"], check=True)
    site.ssh(HOST, "python3", "-m", "venv", "/root/dlconf")
    site.ssh(HOST, "/root/dlconf/bin/pip", "install", "--quiet", f"/tmp/{wheel.name}")
    return "/root/dlconf/bin/dlconf"


def test_apply_on_the_machine_one_sits_at(site: Site, command: str) -> None:
    site.ssh(HOST, "rm", "/etc/profile.d/conda.sh")
    detected = json.loads(site.ssh(HOST, command, "detect", "localhost,", "--json"))
    assert detected["hosts"]["localhost"]["gpus"] == []
    applied = json.loads(site.ssh(HOST, command, "apply", "localhost,", "--yes", "--json"))
    assert applied["hosts"]["localhost"]["result"]["status"] == "done"
    site.ssh(HOST, "test", "-e", "/etc/profile.d/conda.sh")
    assert "nothing to change on 1 host" in site.ssh(HOST, command, "apply", "localhost,")
