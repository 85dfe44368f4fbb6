"""Every role's Molecule scenario; `real_*` are left to `make test-real`."""

from __future__ import annotations

import pytest

from tests.molecule.conftest import ROOT, Scenarios
from tests.role_readme import ROLES

pytestmark = pytest.mark.lab

# The driver and CUDA first, since a slow machine may not come to the others, and the frameworks are in the
# end-to-end tests too; then the longest, so that the end is even.
FIRST = (
    *("nvidia_driver", "cuda", "verify", "cudnn", "anaconda", "frameworks"),
    *("jupyter", "nvidia_container_toolkit", "nvidia_services"),
)
NAMES = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
CHOSEN = [name for name in NAMES if not name.startswith("real_")]
ORDER = [*FIRST, *(name for name in CHOSEN if name not in FIRST)]
TAIL_LINES = 80
# Proved by the scenarios of the roles that include them: cuda, cudnn and docker; docker and
# nvidia_container_toolkit; frameworks and jupyter.
WITHOUT_SCENARIO = {"vendor_repository", "docker_daemon", "python_venv"}


@pytest.mark.parametrize("scenario", ORDER)
def test_scenario(scenario: str, scenarios: Scenarios) -> None:
    outcome = scenarios.wait(scenario)
    if outcome.code is None:
        pytest.skip(
            "the machine is slow: the time for beginning scenarios was over; make molecule runs it"
        )
    log = outcome.log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert outcome.code == 0, "\n".join([str(outcome.log), *log[-TAIL_LINES:]])


def test_every_role_has_a_scenario() -> None:
    roles = {path.name for path in ROLES.iterdir() if (path / "tasks").is_dir()}
    assert roles - set(NAMES) == WITHOUT_SCENARIO
