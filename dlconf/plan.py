"""What would change on a host, role by role: the difference between its facts and the roles' contracts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dlconf.contract import PENDING_KINDS, Difference, Resource, differences
from dlconf.facts import Facts


@dataclass(frozen=True)
class Plan:
    """The differences of one host.

    Attributes:
        roles: role -> what it would change, in the order of the roles; roles with nothing to change are left out.
        pending: what only a reboot brings about; no role can, so it is no drift.
    """

    roles: Mapping[str, tuple[Difference, ...]]
    pending: tuple[Difference, ...] = ()

    def drift(self) -> dict[str, dict[str, list[str]]]:
        """Return kinds and ids of what differs, by role: by these a role knows which of its steps to run."""
        return {
            role: {
                "kinds": sorted({difference.kind for difference in found}),
                "ids": [difference.id for difference in found],
            }
            for role, found in self.roles.items()
        }

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        return {
            "roles": [
                {"role": role, "resources": [difference.as_json() for difference in found]}
                for role, found in self.roles.items()
            ],
            "pending": [difference.as_json() for difference in self.pending],
        }


def make(contracts: Mapping[str, Iterable[Resource]], facts: Facts) -> Plan:
    """Return the plan of one host.

    Args:
        contracts: role -> its rendered contract, in the order in which roles are applied.
        facts: the host's facts, gathered with the roles' watch lists.
    """
    roles: dict[str, tuple[Difference, ...]] = {}
    pending: list[Difference] = []
    for role, contract in contracts.items():
        found = differences(contract, facts)
        pending.extend(difference for difference in found if difference.kind in PENDING_KINDS)
        if drift := tuple(
            difference for difference in found if difference.kind not in PENDING_KINDS
        ):
            roles[role] = drift
    return Plan(roles, tuple(pending))


SETTING_KINDS = frozenset(
    {"file", "directory", "link", "absent", "json", "lines", "service", "user", "group"}
)
APT_PATHS = ("/etc/apt/", "/usr/share/keyrings/")


def touches_packages(plan: Plan) -> bool:
    """Say whether repairing a host changes packages or environments, or what apt goes by; else only settings change."""
    return any(
        difference.kind not in SETTING_KINDS or difference.id.startswith(APT_PATHS)
        for found in plan.roles.values()
        for difference in found
    )


BULKY_KINDS = frozenset({"package", "python_env", "conda_package"})
DISK_MIB: Mapping[str, Mapping[str, int]] = {
    # Debian 12's build-essential and cmake: 0.5 GB
    "base": {"/usr": 600, "/var": 200},
    "nvidia_driver": {"/usr": 1500, "/var": 500},
    # the toolkit; its local repository, packed and unpacked
    "cuda": {"/usr": 8000, "/var": 8000},
    "cudnn": {"/usr": 2500, "/var": 2500},
    # Ubuntu 26.04's libnccl2: 112 MB packed, 230 MB installed; NVIDIA's is for more GPUs
    "nccl": {"/usr": 600, "/var": 300},
    "anaconda": {"/opt": 1500},
    # JupyterLab and its 95 packages: 232 MB; the hub and its proxy less than that
    "jupyter": {"/opt": 500},
    "docker": {"/usr": 500, "/var": 300},
    "nvidia_services": {"/usr": 1500, "/var": 800},
    "nvidia_container_toolkit": {"/usr": 50, "/var": 50},
    "data_drive": {"/usr": 100, "/var": 50},
}
"""Space in MiB that a role needs when it installs anew, rounded up.

From Debian's own packages (driver 535: 0.9 GB; nvidia-cuda-toolkit 11.8: 1.6 GB packed, 5.6 GB installed, and NVIDIA's
toolkit brings its profilers too) and the cuDNN wheels on PyPI; Docker's packages are 100 MB packed, 400 MB installed.
"""
ENVIRONMENT_MIB = {"cpu": 2000, "gpu": 8000}
"""The same for one environment below /opt: PyTorch, JAX or TensorFlow take 0.6 to 1.5 GB, with CUDA's wheels 5 to 7."""


def disk_mib(plan: Plan, *, has_gpu: bool) -> dict[str, int]:
    """Return the free space in MiB, by path, that a plan needs; what is only mended needs none."""
    needed: Counter[str] = Counter()
    for role, found in plan.roles.items():
        new = [
            difference
            for difference in found
            if difference.action == "add" and difference.kind in BULKY_KINDS
        ]
        if role == "frameworks":
            environments = {
                difference.id
                for difference in new
                if difference.kind == "python_env" and ":" not in difference.id
            }
            needed["/opt"] += len(environments) * ENVIRONMENT_MIB["gpu" if has_gpu else "cpu"]
        elif new:
            needed.update(DISK_MIB.get(role, {}))
    return {path: mib for path, mib in needed.items() if mib}
