"""`dlconf apply localhost,`: the machine one sits at, where dlconf is installed from its wheel."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT, Site

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("first_apply")]

HOST = "cpu"  # it ends as `localhost,` wants it, without frameworks: so this file is the last


@pytest.fixture(scope="module")
def command(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install the wheel on the machine, with its dependencies from the index; return the command."""
    tmp_path = tmp_path_factory.mktemp("wheel")
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


def test_what_is_wished_without_an_inventory_stays_until_it_is_taken_off(
    site: Site, command: str
) -> None:
    def record() -> dict[str, object]:
        kept: dict[str, object] = json.loads(site.ssh(HOST, "cat", "/etc/dlconf/stack.json"))
        return kept

    words = (HOST, command, "apply", "--yes", "--json")
    result = json.loads(site.ssh(*words, "--want", "jax"))["hosts"]["localhost"]["result"]
    assert result["status"] == "done"
    assert record()["wished"] == ["jax"]
    site.ssh(HOST, command, "drift")
    verified = json.loads(site.ssh(HOST, command, "verify", "--json"))["hosts"]["localhost"]
    assert [check["status"] for check in verified["result"]["verify"]] == ["cpu"]
    site.ssh(*words, "--unwant", "jax")
    assert "wished" not in record()
    site.ssh(HOST, command, "drift")
