"""What `pip install` brings: the wheel carries roles, playbooks and plugins, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(folder),
    ]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_roles_and_playbooks_of_the_checkout_are_all_there(unpacked: Path) -> None:
    for name in ("roles", "playbooks"):
        here = {
            path.relative_to(ROOT)
            for path in (ROOT / name).rglob("*")
            if path.is_file() and ".ansible" not in path.parts
        }
        there = {
            path.relative_to(unpacked / "dlconf" / "_ansible")
            for path in (unpacked / "dlconf" / "_ansible" / name).rglob("*")
            if path.is_file()
        }
        assert there == here


def test_the_installed_command_finds_its_playbooks_from_any_folder(
    unpacked: Path, tmp_path: Path
) -> None:
    program = (
        "import dlconf, sys; assert dlconf.__file__.startswith(sys.argv[1]), dlconf.__file__; "
        "sys.argv = ['dlconf', 'plan', 'nowhere,', '--json']; from dlconf.cli import main; main()"
    )
    environment = os.environ | {
        "PYTHONPATH": str(unpacked),
        "XDG_STATE_HOME": str(tmp_path),
        "ANSIBLE_SSH_ARGS": "-o ProxyCommand=false",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(unpacked)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # the playbook ran, with the module and the plugins of the wheel: all that is missing is the host
    assert done.returncode == 1, done.stderr
    assert '"status": "unreachable"' in done.stdout, done.stdout + done.stderr
