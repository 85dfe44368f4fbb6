"""A second run on hosts in order, beside what else brings hosts to a state: Ansible, Mitogen, pyinfra, a ping."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import measure
from bench.lab import ANSIBLE, DLCONF, PLAYBOOK, PYINFRA, ROOT, Lab, write_resources
from bench.measure import Row
from tests.lab.states import states

PEERS = Path(__file__).parent / "peers"
CHANGE = "echo '# another hand' >> /etc/modprobe.d/dlconf-nouveau.conf"


def prepare(lab: Lab, folder: Path, log: Path) -> None:
    """Bring the hosts in order, and write what the peers should find there."""
    measure.run([DLCONF, "apply", lab.inventory, "--yes"], ROOT, log)
    write_resources(folder / "resources.json", states(lab.inventory, folder / "contracts"))


def plain(lab: Lab) -> list[str]:
    """Return the command that runs every task by Ansible, with pipelining (ansible.cfg) and enough forks."""
    everything = ["-i", lab.inventory, "playbooks/site.yml", "-e", "dlconf_all=true"]
    return [PLAYBOOK, *everything, "-f", str(len(lab.hosts))]


def mitogen(lab: Lab) -> list[str]:
    """Return the same with Mitogen."""
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        raise SystemExit("bench: Mitogen is not installed: pip install -e '.[dev]'")
    strategies = Path(found.origin).parent / "plugins" / "strategy"
    settings = [f"ANSIBLE_STRATEGY_PLUGINS={strategies}", "ANSIBLE_STRATEGY=mitogen_linear"]
    return ["env", *settings, *plain(lab)]


def pyinfra(lab: Lab, folder: Path) -> list[str]:
    """Return the command that runs the pyinfra deploy."""
    settings = [f"BENCH_LAB={lab.state}", f"BENCH_RESOURCES={folder / 'resources.json'}"]
    files = [str(PEERS / "pyinfra_hosts.py"), str(PEERS / "pyinfra_deploy.py")]
    return ["env", *settings, PYINFRA, "--yes", "--sudo", *files]


def rows(
    wanted: Callable[[str], bool], lab: Lab, folder: Path, runs: int, log: Path
) -> Iterator[Row]:
    """Time a second apply and what else is wanted in rounds, on the same hosts.

    The quick ones come first in a round, with the connections open that Ansible keeps for a minute. What plain
    Ansible takes to mend a file is no less than what it takes where nothing is to do, so that counts for both.
    """
    hosts = len(lab.hosts)
    apply = [DLCONF, "apply", lab.inventory, "--yes"]
    ping = [ANSIBLE, "-i", lab.inventory, "all", "-m", "ping", "-f", str(hosts)]
    re_run = f"re-run, nothing to do, {hosts} hosts"
    mending = f"re-run, one file drifted on one of {hosts} hosts"
    every_task = "ansible-playbook, every task"
    peers = {  # name -> what it is set against, with what, the goal
        "ping": (re_run, "ansible -m ping", "ping", 1 / 1.5),
        "pyinfra": (re_run, "pyinfra", "pyinfra", 4.0),
        "mitogen": (re_run, "ansible-playbook with Mitogen, every task", "mitogen", 10.0),
        "plain": (re_run, every_task, "plain", 40.0),
        "drift": (mending, every_task, "plain", 20.0),
    }
    chosen = [row for name, row in peers.items() if wanted(name)]
    known: dict[str, Callable[[], list[str]]] = {
        "ping": lambda: ping,
        re_run: lambda: apply,
        "pyinfra": lambda: pyinfra(lab, folder),
        mending: lambda: apply,
        "plain": lambda: plain(lab),
        "mitogen": lambda: mitogen(lab),
    }
    needed = {side for name, _, peer, _ in chosen for side in (name, peer)}
    samples = measure.in_turn(
        {name: command() for name, command in known.items() if name in needed},
        runs=runs,
        cwd=ROOT,
        log=log,
        before={"ping": lambda: _run_quietly(ping), mending: lambda: drift(lab)},
    )
    for name, against, peer, goal in chosen:
        yield measure.compared((name, samples[name]), (against, samples[peer]), goal)


def _run_quietly(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def drift(lab: Lab) -> None:
    """Change a file that dlconf owns on the first host."""
    subprocess.run(lab.ssh(lab.hosts[0], "sh", "-c", shlex.quote(CHANGE)), check=True)
