"""The lab's hosts in order, with more kinds of resources than the other tests ask for, and their contracts."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf.content import EXTRA_ROLES
from tests.conftest import Result, Site, running_site
from tests.lab.states import states
from tests.matrix.breaks import Break, Command, shell
from tests.matrix.neighbours import Neighbour
from tests.matrix.rounds import Found, Host, Left

BREAKING_LIMIT_S = 600

EXTRAS_LEFT_OUT: Mapping[str, str] = {
    "data_drive": "it needs a server and a machine that may mount; its scenario has both",
    "docker": "an engine needs a privileged machine; its scenario has one",
    "nvidia_container_toolkit": "it needs Docker",
}
"""Extra role -> why no host of the matrix has it."""

KINDS_ELSEWHERE: Mapping[str, str] = {
    "json": "Docker's and JupyterHub's settings; the scenarios of these roles break them",
    "package_like": "Fabric Manager's, which only hosts with NVSwitches have; its scenario breaks it",
}
"""Kind of resource -> why no host of the matrix has one."""

ON_ONE_HOST: Mapping[str, str] = {"jupyter": "cpu", "nvidia_services": "rtx3090"}
"""Extra role -> the one host that has it: its environment is large; its services are wished there."""

HOST_VARIABLES: Mapping[str, Mapping[str, Any]] = {
    "cpu": {
        "base_groups": ["lab-users"],
        "base_users": [
            {
                "name": "ada",
                "groups": ["lab-users", "video"],
                "shell": "/bin/bash",
                "authorized_keys": [
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYi1rZXktb2YtYWRhLW5vdC1hLXJlYWwtb25lISE= ada"
                ],
            },
            {"name": "bob", "groups": ["lab-users"]},
        ],
        "base_timezone": "Europe/Berlin",
        "jupyter_user": "labpw",
        "jupyter_password_hash": "argon2:$argon2id$v=19$m=10240,t=10,p=8$b2Ygbm9ib2R5$bm8gcGFzc3dvcmQgaGFzIHRoaXM",
    },
    "rtx3090": {
        "nvidia_driver_kernel_headers": ["linux-headers-amd64"],
        "cuda_hold": True,
        "nvidia_services_dcgm_exporter": True,
        "nvidia_services_dcgm_exporter_listen": "127.0.0.1:9400",
    },
    "rtx5090": {
        "cuda_source": "network",
        "frameworks_backend": "venv",
        "frameworks_extras": ["graphviz", "libarchive"],
    },
}
"""The hosts, and what none has by default: users, a zone, Jupyter, holds of CUDA, DCGM, the network repository, uv.

Two hosts with a GPU are enough: a third would own the same in other versions, and each costs its share of every round.
"""


@dataclass(frozen=True)
class Matrix:
    """The hosts of the matrix and what is done to them."""

    site: Site
    inventory: Path
    hosts: Mapping[str, Host]

    def dlconf(self, verb: str, *words: str, code: int | tuple[int, ...] = 0) -> Result:
        """Run a command on all hosts and hold it to an exit code, or to one of some."""
        return self.site.dlconf(verb, str(self.inventory), "--json", *words, code=code)

    def apply(self) -> list[str]:
        """Run `dlconf apply` on all hosts; return what failed."""
        applied = self.dlconf("apply", "--yes", code=(0, 1)).data
        failures = {name: (host["result"] or {}) for name, host in applied["hosts"].items()}
        return [
            f"{name}: apply: {result['status']}: {result['failure'] or result['left']}"
            for name, result in failures.items()
            if result.get("status", "done") != "done"
        ]

    def drift(self) -> dict[str, set[Found]]:
        """Return what `dlconf drift` names on each host."""
        hosts = self.dlconf("drift", code=(0, 4)).data["hosts"]
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

    def undo(self, host: str, made: Iterable[Break | Neighbour]) -> None:
        """Take away what was made; where that failed half-way, some of it is not there."""
        words = [shlex.join(command) for one in made for command in one.undo]
        self.site.ssh(host, "sh", "-c", "\n".join([*words, "true"]), timeout_s=BREAKING_LIMIT_S)

    def left(self, host: str) -> Left:
        """Ask a host for what removing packages may have taken along."""
        owned = [resource for _role, resource in self.hosts[host].resources()]
        form = "--showformat=${Package} ${db:Status-Abbrev} ${source:Package}\\n"
        rows = [
            line.split() for line in self.site.ssh(host, "dpkg-query", "--show", form).splitlines()
        ]
        paths = sorted({one["path"] for one in owned if one.get("path", "").startswith("/")})
        gone = shell(
            'for path; do test -e "$path" || test -L "$path" || echo "$path"; done', *paths
        )
        units = sorted({one["name"] for one in owned if one["kind"] == "service"})
        off = shell(
            'for unit; do systemctl --quiet is-enabled "$unit" || echo "$unit"; done', *units
        )
        return Left(
            installed={name: (status, source) for name, status, source in rows},
            modules=self.site.ssh(host, "sh", "-c", "dkms status || true"),
            paths=frozenset(self.site.ssh(host, *gone).splitlines()),
            units=frozenset(self.site.ssh(host, *off).splitlines()),
        )


def say(config: pytest.Config, text: str) -> None:
    """Print at once, past pytest's capture: a run takes long enough to ask where it is."""
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{text}", end="", flush=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a lab of the hosts of the matrix."""
    with running_site(tmp_path_factory, tuple(HOST_VARIABLES)) as started:
        yield started


@pytest.fixture(scope="session")
def matrix(site: Site, pytestconfig: pytest.Config) -> Matrix:
    """Bring the hosts to what the matrix asks for, and read their contracts."""
    inventory = site.inventory_with("matrix", {}, tuple(HOST_VARIABLES))
    listing = yaml.safe_load(inventory.read_text())
    for host, variables in listing["all"]["hosts"].items():
        variables.update(HOST_VARIABLES[host], dlconf_extras=extras(host))
    inventory.write_text(yaml.safe_dump(listing))
    say(pytestconfig, "matrix: bringing the hosts in order")
    started = time.monotonic()
    site.dlconf("apply", str(inventory), "--upgrade", "--yes", "--json")
    say(pytestconfig, f"matrix: in order after {time.monotonic() - started:.0f} s")
    return Matrix(site, inventory, look(site, inventory))


def extras(host: str) -> list[str]:
    """Return the extra roles that a host of the matrix has."""
    elsewhere = {role for role, one in ON_ONE_HOST.items() if one != host}
    return sorted(EXTRA_ROLES - EXTRAS_LEFT_OUT.keys() - elsewhere)


def look(site: Site, inventory: Path) -> dict[str, Host]:
    """Return each host with its contracts and facts, from the state task itself."""
    found = states(str(inventory), site.state / "contracts")
    return {name: Host(name, state["contracts"], state["facts"]) for name, state in found.items()}
