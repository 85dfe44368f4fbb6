"""The mutants fit the roles as they are: else `make test-mutants` would prove nothing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutant import ROOT, Mutant, load

STEPS = ("prepare", "converge", "idempotence")
MUTANTS = load()


def names_of_tests(scenario: str) -> set[str]:
    """Return the names of the tests that a scenario runs."""
    files = [*(ROOT / "molecule" / scenario).glob("test_*.py")]
    files += (ROOT / "molecule" / "shared").glob("test_*.py")
    return {
        name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.slug)
def test_a_mutant_breaks_what_is_there(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.mutate(text) != text
    assert mutant.caught_by in STEPS or mutant.caught_by in names_of_tests(mutant.role)


def test_every_scenario_has_two_mutants() -> None:
    scenarios = {path.parent.name for path in Path(ROOT / "molecule").glob("*/molecule.yml")}
    count = Counter(mutant.role for mutant in MUTANTS)
    few = [name for name in scenarios if count[name] < 2 and not name.startswith("real_")]
    assert few == []


def test_every_role_has_two_mutants() -> None:
    """Those of the helpers turn the scenarios of the roles red that include them."""
    roles = {path.parents[1].name for path in Path(ROOT / "roles").glob("*/tasks/main.yml")}
    count = Counter(Path(mutant.file).parts[1] for mutant in MUTANTS)
    assert [name for name in roles if count[name] < 2] == []


def test_logs_do_not_overwrite_each_other() -> None:
    assert len({mutant.slug for mutant in MUTANTS}) == len(MUTANTS)
