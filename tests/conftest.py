"""One lab for all tests that need one, driven through the installed `dlconf` command."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml

from tests.lab.lab import RunningLab
from tests.lab.settings import Lab

# A busy machine is no failure: nothing here is held to a time.
hypothesis.settings.register_profile("dlconf", deadline=None)
hypothesis.settings.load_profile("dlconf")

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
KINDS = ("cpu", "gtx1080ti", "rtx5090")
"""The end-to-end tests' hosts: none, the oldest and the newest GPU; what lies between the scenarios have."""
TIMEOUT_S = 3000  # of a first apply on a machine with other work to do


@dataclass(frozen=True)
class Result:
    """What one run of the command came to."""

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> dict[str, Any]:
        """The one object that --json prints."""
        loaded: dict[str, Any] = json.loads(self.stdout)
        return loaded


@dataclass(frozen=True)
class Site:
    """The lab as its admin sees it: an inventory, the command, and SSH to look for oneself."""

    lab: RunningLab
    state: Path

    @property
    def inventory(self) -> Path:
        return self.state / "hosts.ini"

    def dlconf(self, *words: str, code: int | tuple[int, ...] = 0) -> Result:
        """Run the command and hold it to an exit code, or to one of some."""
        result = self.start(*words)
        out, err = result.communicate(timeout=TIMEOUT_S)
        codes = (code,) if isinstance(code, int) else code
        assert result.returncode in codes, f"{words} ended with {result.returncode}\n{out}\n{err}"
        return Result(result.returncode, out, err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command and return its process."""
        environment = os.environ | {"XDG_STATE_HOME": str(self.state / "state"), "NO_COLOR": "1"}
        return subprocess.Popen(
            [str(BIN / "dlconf"), *words],
            cwd=self.state,  # not the project's folder: the command must work from anywhere
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def every_task(self, inventory: Path, *words: str) -> tuple[set[str], list[tuple[str, str]]]:
        """Run every task of every role with plain Ansible; return their names, and (task, host) that changed."""
        everything = ["-i", str(inventory), "playbooks/site.yml", "-e", "dlconf_all=true", *words]
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), *everything],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        names, changed, task = set(), [], ""
        for name, host in re.findall(r"^TASK \[(.*)\]|^changed: \[(\S+)\]", done.stdout, re.M):
            task = name or task
            names.add(task)
            if host:
                changed.append((task, host))
        return names, changed

    def ssh(self, host: str, *words: str, code: int = 0, timeout_s: float = 120) -> str:
        """Run a command on a machine as root and return what it printed."""
        ssh = ["ssh", "-o", "ConnectTimeout=60", "-F", str(self.state / "ssh_config"), host]
        command = [*ssh, shlex.join(["sudo", *words])]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode == code, (
            f"{words} on {host}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout.strip()

    def inventory_with(
        self, name: str, variables: dict[str, Any], hosts: Sequence[str] = ()
    ) -> Path:
        """Write another inventory beside the lab's: the same hosts, some variables other."""
        folder = self.state / "other" / name
        folder.mkdir(parents=True, exist_ok=True)
        listing = subprocess.run(
            [str(BIN / "ansible-inventory"), "-i", str(self.inventory), "--list"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        known = json.loads(listing)["_meta"]["hostvars"]
        chosen = {host: known[host] | variables for host in (hosts or known)}
        path = folder / "hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": chosen}}))
        return path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a lab of bare machines; end it and all it made afterwards."""
    with running_site(tmp_path_factory, KINDS) as started:
        yield started


@contextlib.contextmanager
def running_site(
    tmp_path_factory: pytest.TempPathFactory, kinds: tuple[str, ...], name: str = "e2e"
) -> Iterator[Site]:
    """Start a lab of bare machines of these kinds; end it and all it made afterwards. Labs at one time differ in name.

    DLCONF_TEST_LAB names the folder of a lab that runs already, and then stays up: for work on one test.
    """
    if running := os.environ.get("DLCONF_TEST_LAB"):
        folder = Path(running).absolute()
        known = json.loads((folder / "lab.json").read_text())["name"]
        yield Site(RunningLab(Lab(known, folder)), folder)
        return
    state = Path(tmp_path_factory.mktemp("lab", numbered=True)) / "state"
    state.mkdir()
    lab = RunningLab(Lab(f"{name}{os.getpid()}", state, len(kinds), kinds))
    try:
        lab.up()
        yield Site(lab, state)
    finally:
        lab.down()


@pytest.fixture(scope="session")
def first_apply(site: Site) -> Result:
    """The first apply on bare hosts; later tests find them converged."""
    return site.dlconf("apply", str(site.inventory), "--yes", "--json")


def pytest_configure() -> None:
    """Take Ctrl-C even where a shell started the tests in the background: what ignores a signal hands that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how long scenarios are begun (tests/molecule/conftest.py), and how much of the mutation matrix is run."""
    parser.addoption(
        "--begin-scenarios-within",
        type=float,
        metavar="MINUTES",
        help="leave out scenarios that have not begun by then, so that a slow machine comes to an end",
    )
    group = parser.getgroup("mutation matrix")
    group.addoption("--matrix-rounds", type=int, default=8, help="break everything in N rounds")
    group.addoption(
        "--matrix-round", type=int, action="append", help="only round N; may be repeated"
    )
    group.addoption("--matrix-sample", type=int, help="only so many of the rounds (default: all)")
    group.addoption("--matrix-seed", type=int, default=1, help="which sample")
