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
    """Time a second apply beside each wanted peer, on the same hosts."""
    hosts = len(lab.hosts)
    ours = (f"re-run, nothing to do, {hosts} hosts", [DLCONF, "apply", lab.inventory, "--yes"])
    ping = [ANSIBLE, "-i", lab.inventory, "all", "-m", "ping", "-f", str(hosts)]
    peers: dict[str, tuple[str, Callable[[], list[str]], float]] = {
        "ping": ("ansible -m ping", lambda: ping, 1 / 1.5),
        "pyinfra": ("pyinfra", lambda: pyinfra(lab, folder), 4.0),
        "mitogen": ("ansible-playbook with Mitogen, every task", lambda: mitogen(lab), 10.0),
        "plain": ("ansible-playbook, every task", lambda: plain(lab), 40.0),
    }
    for name, (against, command, goal) in peers.items():
        if wanted(name):
            yield measure.beside(ours, (against, command()), goal, runs=runs, cwd=ROOT, log=log)
    if wanted("drift"):
        yield measure.beside(
            (f"re-run, one file drifted on one of {hosts} hosts", ours[1]),
            ("ansible-playbook, every task", plain(lab)),
            20.0,
            runs=runs,
            cwd=ROOT,
            log=log,
            before=lambda: drift(lab),
        )


def drift(lab: Lab) -> None:
    """Change a file that dlconf owns on the first host."""
    subprocess.run(lab.ssh(lab.hosts[0], "sh", "-c", shlex.quote(CHANGE)), check=True)
