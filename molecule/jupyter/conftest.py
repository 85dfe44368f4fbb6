"""Tunnels to the machines, by the command that users have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

STATE = Path(os.environ["LAB_STATE"])


@pytest.fixture(scope="module")
def url(machine: str) -> Iterator[str]:
    """The URL that `dlconf tunnel` prints for the machine, while the tunnel is open."""
    argv = [str(Path(sys.executable).parent / "dlconf"), "tunnel", machine, "--json"]
    inventory = ["--inventory", str(STATE / "hosts.ini")]
    with subprocess.Popen([*argv, *inventory], stdout=subprocess.PIPE, text=True) as tunnel:
        assert tunnel.stdout is not None
        yield json.loads(tunnel.stdout.readline())["url"]
        tunnel.terminate()


@pytest.fixture(scope="module")
def lab_password() -> str:
    """The password that the scenario's inventory made for JupyterLab."""
    return (STATE / "jupyter_password").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def labpw_password() -> str:
    """The password of the user labpw on every machine of the lab."""
    record = json.loads((STATE / "lab.json").read_text(encoding="utf-8"))
    return str(record["labpw_password"])


@pytest.fixture
def main_process(host: Host) -> Callable[[str], str]:
    """A function: name of a unit -> the number of its main process, 0 where none runs."""

    def number(unit: str) -> str:
        text: str = host.check_output("systemctl show --value -p MainPID %s", unit)
        return text

    return number
