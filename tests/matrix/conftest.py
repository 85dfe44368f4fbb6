"""The lab's hosts in order, with more kinds of resources than the other tests ask for, and their contracts."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf.content import EXTRA_ROLES
from tests.conftest import Result, Site
from tests.lab.states import states
from tests.matrix.breaks import Command
from tests.matrix.rounds import Found, Host, Installed

BREAKING_LIMIT_S = 600

EXTRAS_LEFT_OUT: Mapping[str, str] = {
    "data_drive": "it needs a server and a machine that may mount; its scenario has both",
    "docker": "an engine needs a privileged machine; its scenario has one",
    "nvidia_container_toolkit": "it needs Docker",
    "nvidia_services": "its services need a loaded driver; none can be loaded here",
}
"""Extra role -> why no host of the matrix has it."""

ON_ONE_HOST: Mapping[str, str] = {"jupyter": "cpu"}
"""Extra role -> the one host that has it: its environment is large."""

HOST_VARIABLES: Mapping[str, Mapping[str, Any]] = {
    "cpu": {
        "jupyter_user": "labpw",
        "jupyter_password_hash": "argon2:$argon2id$v=19$m=10240,t=10,p=8$b2Ygbm9ib2R5$bm8gcGFzc3dvcmQgaGFzIHRoaXM",
    },
    "rtx3090": {"nvidia_driver_kernel_headers": ["linux-headers-amd64"], "cuda_hold": True},
    "rtx5090": {
        "cuda_source": "network",
        "frameworks_backend": "venv",
        "frameworks_extras": ["graphviz", "libarchive"],
    },
}
"""Resources that no host has by default: Jupyter's, holds of CUDA, kernel headers, NVIDIA's network repository, uv."""


@dataclass(frozen=True)
class Matrix:
    """The hosts of the matrix and what is done to them."""

    site: Site
    inventory: Path
    hosts: Mapping[str, Host]

    def dlconf(self, verb: str, *words: str, code: int = 0) -> Result:
        """Run a command on all hosts and hold it to an exit code."""
        return self.site.dlconf(verb, str(self.inventory), "--json", *words, code=code)

    def drift(self, *, code: int) -> dict[str, set[Found]]:
        """Return what `dlconf drift` names on each host."""
        hosts = self.dlconf("drift", code=code).data["hosts"]
        return {
            name: {
                (role["role"], change["kind"], change["id"])
                for role in host["roles"]
                for change in role["resources"]
            }
            for name, host in hosts.items()
        }

    def run(self, host: str, commands: Iterable[Command]) -> str:
        """Run commands on a host, all in one login; the first that fails ends it."""
        text = "\n".join(shlex.join(command) for command in commands)
        return self.site.ssh(host, "sh", "-ec", text, timeout_s=BREAKING_LIMIT_S)

    def installed(self, host: str) -> Installed:
        """Ask dpkg for its packages."""
        form = "--showformat=${Package} ${db:Status-Abbrev} ${source:Package}\\n"
        lines = self.site.ssh(host, "dpkg-query", "--show", form).splitlines()
        rows = [line.split() for line in lines]
        return {name: (status, source) for name, status, source in rows}


@pytest.fixture(scope="session")
def matrix(site: Site) -> Matrix:
    """Bring the hosts to what the matrix asks for, and read their contracts."""
    inventory = site.inventory_with("matrix", {})
    listing = yaml.safe_load(inventory.read_text())
    for host, variables in listing["all"]["hosts"].items():
        variables.update(HOST_VARIABLES.get(host, {}), dlconf_extras=extras(host))
    inventory.write_text(yaml.safe_dump(listing))
    site.dlconf("apply", str(inventory), "--upgrade", "--yes", "--json")
    return Matrix(site, inventory, look(site, inventory))


def extras(host: str) -> list[str]:
    """Return the extra roles that a host of the matrix has."""
    elsewhere = {role for role, one in ON_ONE_HOST.items() if one != host}
    return sorted(EXTRA_ROLES - EXTRAS_LEFT_OUT.keys() - elsewhere)


def look(site: Site, inventory: Path) -> dict[str, Host]:
    """Return each host with its contracts and facts, from the state task itself."""
    found = states(str(inventory), site.state / "contracts")
    return {name: Host(name, state["contracts"], state["facts"]) for name, state in found.items()}
