"""The job that travels to a worker: a private data folder of ansible-runner, and the arguments of its run.

The folder holds `project/` (roles, playbooks, ansible.cfg, and dlconf itself for its plugins), `inventory/` (the
inventory's file with some folders beside it, or its folder: what `travel.py` lets through), `env/` and `slice`, the
hosts.
Passwords are among the arguments, which ansible-runner writes to the stream and to no file.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlconf import ansiblesettings, content, extravars, forks, inventory, runner
from dlconf.fleet.travel import WHOLE, Sieve
from dlconf.runner import Run

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "_ansible", ".git")
_SETTINGS = {"suppress_output_file": True, "pexpect_timeout": 1}


def build(folder: Path, run: Run, hosts: Sequence[str]) -> None:
    """Write the private data folder of a slice.

    Args:
        folder: a new one that only its owner can read.
        run: what to run.
        hosts: the slice.
    """
    project = folder / "project"
    root = content.root()
    shutil.copytree(Path(content.__file__).parent, project / "dlconf", ignore=_LEFT_OUT)
    shutil.copytree(root / "roles", project / "roles", ignore=_LEFT_OUT)
    shutil.copytree(content.playbook(run.playbook).parent, project / "playbooks", ignore=_LEFT_OUT)
    shutil.copy(root / "ansible.cfg", project)
    _copy_inventory(run.inventory, folder / "inventory")
    (folder / "env").mkdir()
    (folder / "env" / "settings").write_text(json.dumps(_SETTINGS), encoding="utf-8")
    if run.extra_vars:
        extravars.write(folder / "env" / "extravars", run.extra_vars)
    (folder / "slice").write_text("".join(host + "\n" for host in hosts), encoding="utf-8")


def _copy_inventory(source: str, folder: Path) -> None:
    if (names := inventory.names(source)) is not None:
        folder.mkdir()
        (folder / "hosts").write_text("".join(name + "\n" for name in names), encoding="utf-8")
    elif (path := Path(source)).is_dir():
        shutil.copytree(path, folder, ignore=Sieve.of(path, os.environ).ignore)
    else:
        folder.mkdir()
        shutil.copy(path, folder)
        sieve = Sieve.of(path.parent, os.environ)
        for beside in WHOLE:
            if (path.parent / beside).is_dir():
                shutil.copytree(path.parent / beside, folder / beside, ignore=sieve.ignore)


def left_out(source: str) -> dict[str, list[str]]:
    """Return what of an inventory does not travel: reason -> names below its folder.

    Args:
        source: the inventory.
    """
    path = Path(source)
    if inventory.names(source) is not None:
        return {}
    sieve = Sieve.of(inventory_folder(source), os.environ)
    folders = [path] if path.is_dir() else [path.parent / beside for beside in WHOLE]
    found: dict[str, list[str]] = {}
    for folder in filter(Path.is_dir, folders):
        for name, reason in sieve.left_out(folder):
            found.setdefault(reason, []).append(name)
    return found


def arguments(
    folder: Path, run: Run, hosts: Sequence[str], cores: int, place: str
) -> dict[str, Any]:
    """Return the arguments of `ansible_runner.interface.run` for a slice.

    Args:
        folder: as `build` made it.
        run: what to run.
        hosts: the slice.
        cores: of the worker.
        place: the folder that it is unpacked to on the worker.
    """
    project = Path(place) / "project"
    source = Path(run.inventory)
    named = inventory.names(run.inventory) is not None
    inside = Path("hosts") if named else Path() if source.is_dir() else Path(source.name)
    return {
        "private_data_dir": str(folder),
        "playbook": f"playbooks/{content.playbook(run.playbook).name}",
        "inventory": str(folder / "inventory" / inside),
        "limit": "@../slice",  # Ansible runs in project/
        "forks": run.forks or forks.default(cores, len(hosts)),
        "cmdline": shlex.join(runner.flags(run)),
        "envvars": {
            **ansiblesettings.OURS,
            **ansiblesettings.paths(project, project / "dlconf"),
            "ANSIBLE_FILTER_PLUGINS": ansiblesettings.filters(project / "dlconf"),
            **({"ANSIBLE_INVENTORY_ENABLED": "ini"} if named else {}),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            # ansible-runner turns the check of host keys off unless it is told.
            "ANSIBLE_HOST_KEY_CHECKING": os.environ.get("ANSIBLE_HOST_KEY_CHECKING", "True"),
        },
        "passwords": runner.answers(run.passwords),
        "fact_cache_type": "",
        "suppress_env_files": True,  # else it writes the passwords to a file
    }


def inventory_folder(source: str) -> Path:
    """Return the folder on the controller that `inventory/` on a worker stands for."""
    path = Path(source)
    if inventory.names(source) is not None:
        return Path(inventory.current_folder())
    return path if path.is_dir() else path.parent
