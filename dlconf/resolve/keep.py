"""What a host has already: recorded by dlconf, or installed. Kept while nothing forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from dlconf.resolve.candidates import (
    Candidate,
    CudaCandidate,
    CudnnCandidate,
    DriverCandidate,
    FrameworkCandidate,
    PythonCandidate,
    upstream_of,
)
from dlconf.stack import Machine

RECORDED, INSTALLED, NEW = range(3)
WORDS = {RECORDED: "recorded on this host", INSTALLED: "installed on this host"}


class Kept:
    """The choices of a host, to be asked of a candidate.

    Args:
        machine: with its record, packages and environments.
        upgrade: nothing is kept.
    """

    def __init__(self, machine: Machine, *, upgrade: bool) -> None:
        self._machine = machine
        self._upgrade = upgrade
        self.record: Mapping[str, object] = {} if upgrade else machine.record or {}
        self._environments = {
            PurePosixPath(prefix).name: content
            for prefix, content in sorted(machine.environments.items())
        }

    @property
    def anything(self) -> bool:
        """Whether the host has anything that could be kept."""
        machine = self._machine
        return not self._upgrade and bool(
            machine.record or machine.packages or machine.environments
        )

    def level(self, candidate: Candidate) -> int:
        """Whether a candidate is RECORDED, INSTALLED or NEW."""
        if not self.anything:
            return NEW
        if self._is_recorded(candidate):
            return RECORDED
        return INSTALLED if self._is_installed(candidate) else NEW

    def has_python(self) -> bool:
        """Whether environments are there whose Python should stay."""
        return not self._upgrade and (
            bool(self.record.get("python"))
            or any(content.get("python") for content in self._environments.values())
        )

    def recorded(self, component: str) -> str:
        """The recorded version of a component, for people; "" when none is."""
        value = self.record.get(component)
        if value is None:
            frameworks = self.record.get("frameworks")
            value = frameworks.get(component) if isinstance(frameworks, Mapping) else None
        if isinstance(value, Mapping):
            return " ".join(str(value[key]) for key in ("branch", "flavour") if key in value)
        return str(value) if value else ""

    def _is_recorded(self, candidate: Candidate) -> bool:
        if isinstance(candidate, DriverCandidate):
            package = candidate.package
            return self.recorded(candidate.component) == f"{package.branch} {package.flavour}"
        return self.recorded(candidate.component) == candidate.text

    def _is_installed(self, candidate: Candidate) -> bool:
        packages = self._machine.packages
        if isinstance(candidate, DriverCandidate):
            names = candidate.package.packages
            return all(name in packages for name in names) and any(
                upstream_of(packages[name]).split(".")[0] == candidate.package.branch
                for name in names
            )
        if isinstance(candidate, CudaCandidate):
            return any(
                packages.get(name, "").startswith(f"{candidate.text}-")
                for name in candidate.row.packages
            )
        if isinstance(candidate, CudnnCandidate):
            return candidate.row.package_version is not None and any(
                packages.get(name) == candidate.row.package_version
                for name in candidate.row.packages
            )
        return self._is_in_environment(candidate)

    def _is_in_environment(self, candidate: Candidate) -> bool:
        if isinstance(candidate, PythonCandidate):
            return any(
                str(content.get("python") or "").startswith(f"{candidate.text}.")
                for content in self._environments.values()
            )
        if not isinstance(candidate, FrameworkCandidate) or not candidate.row.packages:
            return False
        content = self._environments.get(candidate.component)
        found = content.get("packages", {}) if content else {}
        return all(found.get(name) == version for name, version in candidate.row.packages.items())
