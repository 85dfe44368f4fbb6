"""Fixtures of all scenarios' tests; `host` is testinfra's, once for each machine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a module's tests on all machines of the scenario unless its `testinfra_hosts` names some."""
    if not hasattr(metafunc.module, "testinfra_hosts"):
        metafunc.module.testinfra_hosts = ["ansible://all"]


@pytest.fixture(scope="module")
def machine(host: Host) -> str:
    """Name of the machine in the inventory."""
    name: str = host.backend.get_pytest_id().removeprefix("ansible://")
    return name


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    """The runs of playbooks in this scenario so far, each with what it changed."""
    path = Path(os.environ["LAB_STATE"]) / "runs.json"
    loaded: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def converge_after(runs: list[dict[str, Any]]) -> Callable[[int], dict[str, Any]]:
    """A function: index of a run -> the first real run of the converge playbook after it."""

    def find(index: int) -> dict[str, Any]:
        later = runs[index:]
        return next(run for run in later if run["playbook"] == "converge" and not run["check"])

    return find


@pytest.fixture(scope="module")
def candidate(host: Host) -> Callable[[str], tuple[str, str]]:
    """A function: name of a package -> the version that apt would install, and where it comes from."""

    def look(package: str) -> tuple[str, str]:
        text = host.check_output("apt-cache policy %s", package)
        version = re.search(r"^  Candidate: (\S+)", text, re.M)
        assert version, f"apt does not know {package}"
        rows = re.search(
            rf"^ (?:\*\*\*|   ) {re.escape(version[1])} .*\n((?: {{8}}.*\n?)+)", text, re.M
        )
        origins = re.findall(r"^ +-?\d+ (\S+)", rows[1] if rows else "", re.M)
        return version[1], next((name for name in origins if name != "/var/lib/dpkg/status"), "")

    return look
