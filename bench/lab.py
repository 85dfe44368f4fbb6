"""The lab that the benchmark runs on, and what its hosts should have."""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DLCONF, ANSIBLE, PLAYBOOK, PYINFRA = (
    str(BIN / name) for name in ("dlconf", "ansible", "ansible-playbook", "pyinfra")
)


@dataclass(frozen=True)
class Lab:
    """A lab of the benchmark.

    Attributes:
        state: its folder.
        size: number of its hosts.
        name: what its machines are called after.
    """

    state: Path
    size: int
    name: str = "bench"

    @property
    def inventory(self) -> str:
        """The path of the inventory."""
        return str(self.state / "hosts.ini")

    @property
    def hosts(self) -> list[str]:
        """The names of the hosts, in the inventory's order."""
        lines = Path(self.inventory).read_text().splitlines()
        return [line.split()[0] for line in lines if " ansible_host=" in line]

    def verb(self, verb: str) -> None:
        """Run a verb of the container lab."""
        command = [sys.executable, "-m", "tests.lab", verb, "--hosts", str(self.size)]
        places = ["--name", self.name, "--state", str(self.state)]
        subprocess.run([*command, *places], cwd=ROOT, check=True)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Bring the lab up, and end it."""
        try:
            self.verb("up")
            yield
        finally:
            self.verb("down")

    def ssh(self, host: str, *words: str) -> list[str]:
        """Return the command that runs another as root on a host."""
        return ["ssh", "-F", str(self.state / "ssh_config"), host, "sudo", *words]


def write_resources(path: Path, states: Mapping[str, Mapping[str, Any]]) -> None:
    """Write each host's resources for the peers, as JSON: host -> list.

    The holds of packages built from a source are told by the packages' names.
    """
    resources = {}
    for host, state in states.items():
        owned = [resource for contract in state["contracts"].values() for resource in contract]
        sources = [resource["source"] for resource in owned if resource["kind"] == "hold_source"]
        owned += [
            {"kind": "hold", "name": name}
            for name, package in state["facts"]["dpkg"]["packages"].items()
            if any(fnmatch.fnmatchcase(package["source"], source) for source in sources)
        ]
        resources[host] = owned
    path.write_text(json.dumps(resources))
