"""Plain `ansible-playbook` leaves nothing of dlconf's in the fact cache of a user who has one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from dlconf import ansiblesettings, content
from tests.unit.test_runner import SYSTEM_PYTHON


def test_nothing_of_ours_stays_in_a_users_fact_cache(tmp_path: Path) -> None:
    environment = os.environ | ansiblesettings.environment({})
    environment |= {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"),
        "ANSIBLE_PYTHON_INTERPRETER": str(SYSTEM_PYTHON),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    look = content.playbook("state.yml")
    words = ["-i", "localhost,", "-c", "local", "-e", "dlconf_become=false", str(look)]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (kept,) = (tmp_path / "facts").iterdir()
    facts = json.loads(kept.read_text(encoding="utf-8"))
    assert "distribution" in str(facts)  # what the cache is for
    assert "dlconf" not in str(facts)
    assert "cuda" not in str(facts)
