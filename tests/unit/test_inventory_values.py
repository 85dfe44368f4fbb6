"""Values and names as people write them: what must be said of each, and the line that a hint gives must then work."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf import content
from tests.unit.inventoryhosts import look

INVENTORIES = Path(__file__).parents[1] / "inventories"
CASES: dict[str, dict[str, Any]] = yaml.safe_load((INVENTORIES / "values.yml").read_text())


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_inventory_of_these_kinds_is_in_the_table() -> None:
    there = {path.name for kind in ("value", "name") for path in INVENTORIES.glob(f"{kind}-*")}
    assert there == {name.split("/")[0] for name in CASES}
    assert len(there) >= 25


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_and_the_line_that_would_be_right_is(
    name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    copy = tmp_path / "site" / name
    source = INVENTORIES / name
    if "/" in name:
        shutil.copytree(source.parent, copy.parent)
    else:
        copy.parent.mkdir()
        shutil.copy(source, copy)
    given = {"facts": case.get("facts", "rtx-3090-ubuntu-22.04"), "extra": case.get("extra")}
    state = look(copy, **given)
    if words := case.get("says"):
        assert state["error"], state["resolution"]
        told = f"{state['error']['message']}\n{state['error']['hint']}"
        assert [word for word in words if word not in told] == [], told
        assert state["error"]["exit_code"] == 2
        if not case.get("hint", True):
            return
        do(state["error"], copy.parent)
        state = look(copy, **given)
    hold(state, case)


def hold(state: dict[str, Any], case: dict[str, Any]) -> None:
    """Hold the state of a host to what its inventory, or the mended one, wishes."""
    assert state["error"] is None, state["error"]
    notes = "\n".join(state["resolution"]["notes"])
    assert [word for word in case.get("notes", ()) if word not in notes] == [], notes
    assert [word for word in case.get("silent", ()) if word in notes] == [], notes
    stack = state["resolution"]["stack"]
    versions = {
        name: (part or {}).get("version") for name, part in stack.items() if name != "frameworks"
    }
    versions |= {item["name"]: item["version"] for item in stack["frameworks"]}
    for component, version in case.get("stack", {}).items():
        found = versions[component]
        assert found is None if version is None else str(found).startswith(version), versions
    assert set(case.get("roles", ())) == set(state["contracts"]) & content.EXTRA_ROLES
    assert [role for role in case.get("owns_nothing", ()) if state["contracts"][role]] == []


def do(error: dict[str, Any], folder: Path) -> None:
    """Write the line of a hint where the message says that the wrong one stands."""
    line = re.search(r"(?:^|; )write (.*)$", error["hint"])
    place = re.search(r"\(([^()]+):(\d+)\)$", error["message"])
    assert line, error
    assert place, error
    path, at = folder / place[1], int(place[2]) - 1
    lines = path.read_text().splitlines()
    name = re.split("[:=]", line[1])[0]
    if path.suffix == ".ini":
        lines[at] = re.sub(rf"\b{name}=\S+.*?(?=$| \w+=)", lambda _: line[1], lines[at])
    else:
        found = next(n for n in range(at, -1, -1) if lines[n].lstrip().startswith(f"{name}:"))
        indent = len(lines[found]) - len(lines[found].lstrip())
        end = found + 1
        while end < len(lines) and re.match(rf" {{{indent + 1},}}| {{{indent}}}- ", lines[end]):
            end += 1
        lines[found:end] = [" " * indent + line[1]]
    path.write_text("\n".join(lines) + "\n")
