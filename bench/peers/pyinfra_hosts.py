"""The lab's hosts for pyinfra; BENCH_LAB is the lab's folder."""

import os
from pathlib import Path

_STATE = Path(os.environ["BENCH_LAB"])
_SSH = {
    "ssh_user": "lab",
    "ssh_key": str(_STATE / "id_ed25519"),
    "ssh_config_file": str(_STATE / "ssh_config"),
    "ssh_known_hosts_file": str(_STATE / "known_hosts"),
    "ssh_strict_host_key_checking": "yes",
}

lab = [
    (line.split()[0], {**_SSH, "ssh_hostname": line.rpartition("ansible_host=")[2]})
    for line in (_STATE / "hosts.ini").read_text().splitlines()
    if " ansible_host=" in line
]
