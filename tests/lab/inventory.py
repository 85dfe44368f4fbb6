"""What the lab writes for its users: inventory, SSH settings, variables, site catalogue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.lab.settings import Machine

PYTHON = "/usr/bin/python3"


def hosts_ini(machines: Sequence[Machine], state: Path) -> str:
    """Return the inventory: all machines by group, reached with the lab's own SSH settings."""
    groups: dict[str, list[str]] = {}
    for machine in machines:
        for group in machine.kind.groups:
            groups.setdefault(group, []).append(machine.name)
    lines = [f"{machine.name} ansible_host={machine.address}" for machine in machines]
    for group, names in groups.items():
        lines += ["", f"[{group}]", *names]
    lines += [
        "",
        "[all:vars]",
        "ansible_user=lab",
        "ansible_become=true",
        f"ansible_python_interpreter={PYTHON}",
        f"ansible_ssh_private_key_file={state / 'id_ed25519'}",
        f"ansible_ssh_common_args=-F {state / 'ssh_config'}",
    ]
    return "\n".join(lines) + "\n"


def ssh_config(machines: Sequence[Machine], state: Path) -> str:
    """Return the SSH settings: names for the machines, their keys checked, nothing from $HOME."""
    blocks = [
        f"Host {machine.name} {machine.address}\n  HostName {machine.address}\n"
        for machine in machines
    ]
    common = (
        "Host *\n"
        "  User lab\n"
        f"  IdentityFile {state / 'id_ed25519'}\n"
        "  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {state / 'known_hosts'}\n"
        "  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n"
        "  ConnectTimeout 10\n"
    )
    return "".join(blocks) + common


def known_hosts(machines: Sequence[Machine], public_keys: dict[str, str]) -> str:
    """Return the known_hosts file; `public_keys` is by machine name."""
    return "".join(
        f"{machine.name},{machine.address} {' '.join(public_keys[machine.name].split()[:2])}\n"
        for machine in machines
    )


def group_variables(facts: dict[str, Any], state: Path, *, ubuntu_is_real: bool) -> dict[str, Any]:
    """Return what dlconf must be told because the contents of the vendors' sites are stand-ins.

    Args:
        facts: of the mirror.
        state: the lab's folder.
        ubuntu_is_real: else the kernel headers have Debian's name.
    """
    fingerprints = facts["fingerprints"]
    variables: dict[str, Any] = {
        "dlconf_catalogue": str(state / "catalogue.yml"),
        "nvidia_driver_ppa_key_fingerprint": fingerprints["ppa"],
        "nvidia_driver_nvidia_key_fingerprint": fingerprints["nvidia"],
        "cuda_network_key_fingerprint": fingerprints["nvidia"],
        "cudnn_network_key_fingerprint": fingerprints["nvidia"],
        "nvidia_services_key_fingerprint": fingerprints["nvidia"],
        "docker_key_fingerprint": fingerprints["docker"],
        "nvidia_container_toolkit_key_fingerprint": fingerprints["container_toolkit"],
        "nccl_network_key_fingerprint": fingerprints["nvidia"],
        "data_drive_ppa_key_fingerprint": fingerprints["drives"],
        # the boot id that Ansible looks at by default is the one of the machine below
        "dlconf_boot_time_command": "stat --format=%Y /proc/1",
        # the vendors' packages are stand-ins of a few kilobytes
        "preflight_free_disk_mib": {"/usr": 500, "/var": 500, "/opt": 3000},
    }
    if not ubuntu_is_real:
        variables["nvidia_driver_kernel_headers"] = ["linux-headers-amd64"]
    return variables


def site_catalogue(facts: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the site catalogue: the same rows as dlconf's own, with the stand-ins' checksums."""
    origin = {"source": "lab stand-in", "verified": True}
    return {
        section: [{**row, **origin} for row in facts[section]]
        for section in ("cuda_local_repos", "cudnn_local_repos", "conda")
    }


def write_inventory(
    machines: Sequence[Machine],
    state: Path,
    facts: dict[str, Any],
    public_keys: dict[str, str],
    *,
    ubuntu_is_real: bool,
) -> None:
    """Write all of it into the lab's folder."""
    header = "# Written by `python -m tests.lab up`; gone with `down`.\n"
    texts = {
        "hosts.ini": header + hosts_ini(machines, state),
        "ssh_config": header + ssh_config(machines, state),
        "known_hosts": known_hosts(machines, public_keys),
        "catalogue.yml": header + _yaml(site_catalogue(facts)),
        "group_vars/all.yml": header
        + _yaml(group_variables(facts, state, ubuntu_is_real=ubuntu_is_real)),
    }
    for machine in machines:
        variables = json.loads(json.dumps(machine.kind.variables))
        texts[f"host_vars/{machine.name}.yml"] = header + _yaml(variables)
    for name, text in texts.items():
        path = state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _yaml(data: object) -> str:
    return yaml.safe_dump(data, sort_keys=False, width=100)
