"""What the state task finds on hosts, with their rendered contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlconf.runfolder import RunFolder
from dlconf.runner import Run, run_playbook


def states(inventory: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Return each host's facts, resolution, plan and rendered contracts, from the state task itself.

    Args:
        inventory: the hosts.
        folder: where the run's log goes; made where it is not there.
    """
    folder.mkdir(exist_ok=True)
    run = Run("state.yml", inventory, extra_vars={"dlconf_contracts": True})
    outcome = run_playbook(run, RunFolder(folder))
    return {name: host.states[-1] for name, host in outcome.hosts.items()}
