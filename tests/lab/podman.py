"""Podman as the lab uses it: as root, with settings of the lab's own."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

from tests.lab.command import LabError, as_root, installed, run

LABEL = "dlconf-lab"
SYSTEMD_RUNNING = Path("/run/systemd/system")
UNIFIED_CGROUPS = Path("/sys/fs/cgroup/cgroup.controllers")
USUAL_LIMIT = 1048576
PROCESSES = 4096  # of one user, over all containers; well below what any machine allows root
REMOVE_ATTEMPTS = 5


def containers_conf() -> str:
    """Return the containers.conf that works on this machine.

    crun is podman's usual runtime and needs unified cgroups; runc takes hybrid ones too. Without
    systemd as the first process podman manages cgroups itself. Podman's usual limits cannot be set
    where the machine's own are lower.
    """
    runtime = "crun" if installed("crun") and UNIFIED_CGROUPS.exists() else "runc"
    manager = "systemd" if SYSTEMD_RUNNING.exists() else "cgroupfs"
    files = _hard_limit(resource.RLIMIT_NOFILE, USUAL_LIMIT)
    processes = _hard_limit(resource.RLIMIT_NPROC, PROCESSES)
    return (
        "[containers]\n"
        f'default_ulimits = ["nofile=1024:{files}", "nproc={processes}:{processes}"]\n'
        "[engine]\n"
        f'cgroup_manager = "{manager}"\n'
        'events_logger = "file"\n'
        f'runtime = "{runtime}"\n'
        "[network]\n"
        'network_backend = "netavark"\n'
    )


def _hard_limit(kind: int, most: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


class Podman:
    """Podman with settings of its own.

    Args:
        conf: path of the containers.conf to use; written when it is missing.
    """

    def __init__(self, conf: Path) -> None:
        self._conf = conf

    def run(
        self,
        *arguments: str,
        check: bool = True,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
    ) -> str:
        """Run `podman ARGUMENTS` as root and return its standard output.

        Raises:
            LabError: podman failed (with `check`).
        """
        argv = self._command(arguments)
        return run(argv, check=check, stdin=stdin, timeout_s=timeout_s).stdout

    def succeeds(self, *arguments: str, timeout_s: float | None = None) -> bool:
        """Say whether `podman ARGUMENTS` ends well; running past the limit is not well."""
        argv = self._command(arguments)
        try:
            return run(argv, check=False, timeout_s=timeout_s).returncode == 0
        except LabError:
            return False

    def image_exists(self, image: str) -> bool:
        """Say whether an image is in the local store."""
        return self.succeeds("image", "exists", image)

    def containers(self, identity: str) -> dict[str, str]:
        """Return the state (`running`, `exited`) of each container of a lab by name."""
        listing = self._json("ps", "--all", "--filter", f"label={LABEL}={identity}")
        return {row["Names"][0]: row["State"] for row in listing}

    def subnets(self) -> list[str]:
        """Return the subnets of podman's networks."""
        networks = self._json("network", "ls")
        return [subnet["subnet"] for row in networks for subnet in row.get("subnets") or []]

    def process_id(self, container: str) -> int:
        """Return the first process of a running container, as the machine numbers it."""
        return int(self.run("inspect", "--format", "{{.State.Pid}}", container).strip())

    def remove(self, containers: list[str]) -> None:
        """Remove containers at once, running or not.

        Raises:
            LabError: one would not go, after several attempts.
        """
        if not containers:
            return
        for _ in range(REMOVE_ATTEMPTS):
            # A slow stop makes `rm` fail now and then ("StopSignal failed"); the next one works.
            if self.succeeds("rm", "--force", "--ignore", "--time", "1", *containers):
                return
        raise LabError(f"podman cannot remove {' '.join(containers)}")

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        if not self._conf.exists():
            self._conf.parent.mkdir(parents=True, exist_ok=True)
            self._conf.write_text(containers_conf(), encoding="utf-8")
        return as_root(["podman", *arguments], {"CONTAINERS_CONF": str(self._conf)})

    def _json(self, *arguments: str) -> list[dict[str, Any]]:
        text = self.run(*arguments, "--format", "json")
        rows: list[dict[str, Any]] = json.loads(text or "[]") or []
        return rows
