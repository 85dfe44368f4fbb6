"""Inventories that cannot be read, and hosts that are not reached: what Ansible says of it is what the user reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import BIN

INVENTORIES = Path(__file__).parents[1] / "inventories"
CASES: dict[str, dict[str, Any]] = yaml.safe_load((INVENTORIES / "reasons.yml").read_text())
KINDS = ("reason", "settings", "several", "unreachable")


def test_every_inventory_of_these_kinds_is_in_the_table() -> None:
    there = {path.name for kind in KINDS for path in INVENTORIES.glob(f"{kind}-*")}
    named = {
        word.split("/")[0]: case
        for words, case in CASES.items()
        for word in re.split("[ ,]", words)
        if word.startswith(KINDS)
    }
    assert there == {name for name, case in named.items() if "write" not in case}
    assert len(named) >= 20


@pytest.mark.parametrize("words", CASES)
def test_the_reason_is_said(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[words]
    shutil.copytree(INVENTORIES, tmp_path / "site")  # a path that everybody can read
    for name, text in case.get("write", {}).items():
        path = tmp_path / "site" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    done = subprocess.run(
        [str(BIN / "dlconf"), "plan", *words.split()],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert [word for word in case["says"] if word not in said] == [], said
    assert [word for word in case.get("silent", ()) if word in said] == [], said
    assert done.returncode == case.get("code", 1), said
    warned = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warned) == len(set(warned))
