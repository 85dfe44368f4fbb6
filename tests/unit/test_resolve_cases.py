"""The resolver on a table of machines and wishes: one YAML file a theme in tests/cases/resolve."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf.catalogue import Catalogue, load
from dlconf.errors import DlconfError
from dlconf.resolve import resolve
from dlconf.stack import Machine
from dlconf.wishes import Wishes

TESTS = Path(__file__).parents[1]
CASES = [
    (path.stem, case)
    for path in sorted((TESTS / "cases" / "resolve").glob("*.yml"))
    for case in yaml.safe_load(path.read_text())
]
SYSTEM = ("cuda", "cudnn", "python")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def machine_of(case: dict[str, Any], catalogue: Catalogue) -> Machine | dict[str, Any]:
    described = case["machine"]
    if "facts" not in described:
        return Machine.described(catalogue=catalogue, **described)
    facts: dict[str, Any] = json.loads((TESTS / "facts" / f"{described['facts']}.json").read_text())
    facts.update(described.get("but", {}))
    return facts


def wishes_of(case: dict[str, Any]) -> Wishes:
    given = dict(case.get("wishes") or {})
    for name in ("frameworks", "ignore_gpus"):
        given[name] = tuple(given.get(name, ()))
    return Wishes(**given)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{theme}: {case['name']}") for theme, case in CASES]
)
def test_case(case: dict[str, Any], catalogue: Catalogue) -> None:
    case = copy.deepcopy(case)  # the checks take away what they have seen
    wishes = wishes_of(case)
    if "error" in case:
        with pytest.raises(DlconfError) as caught:
            resolve(machine_of(case, catalogue), wishes, catalogue)
        check_error(caught.value, case["error"])
        return
    check(resolve(machine_of(case, catalogue), wishes, catalogue).as_json(), case["expect"])


def check_error(error: DlconfError, expected: dict[str, Any]) -> None:
    assert type(error).__name__ == expected["kind"]
    for part in expected.get("message", []):
        assert part in error.message
    for part in expected.get("no_message", []):
        assert part not in error.message
    for part in expected.get("hint", []):
        assert part in error.hint
    for part in expected.get("no_hint", []):
        assert part not in error.hint


def check(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    stack = answer["stack"]
    found = {name: stack[name] and stack[name]["version"] for name in SYSTEM}
    driver = stack["driver"]
    found["driver"] = driver and f"{driver['branch']} {driver['flavour']} {driver['version']}"
    found["frameworks"] = {item["name"]: item["version"] for item in stack["frameworks"]}
    found["requirements"] = {item["name"]: item["requirements"] for item in stack["frameworks"]}
    notes = expected.pop("notes", [])
    no_notes = expected.pop("no_notes", [])
    reasons = expected.pop("reasons", {})
    install = expected.pop("install", {})
    gpus = expected.pop("gpus", None)
    costs = expected.pop("costs", None)
    assert {name: found[name] for name in expected} == expected
    for component, values in install.items():
        part = answer["install"][component]
        assert {name: part[name] for name in values} == values
    if costs is not None:
        assert all(part in " ".join(answer.get("costs", [])) for part in costs), answer.get(
            "costs", []
        )
        assert bool(costs) == bool(answer.get("costs", [])), answer.get("costs", [])
    for part in notes:
        assert any(part in note for note in answer["notes"]), answer["notes"]
    for part in no_notes:
        assert not any(part in note for note in answer["notes"]), answer["notes"]
    because = {item["component"]: item["because"] for item in answer["reasons"]}
    for component, part in reasons.items():
        assert part in because[component]
    if gpus is not None:
        assert [item["name"] for item in answer["gpus"]] == gpus
