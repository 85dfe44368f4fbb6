"""Runs on the sandbox's host: asks real apt, one question after the other, whether packages can be installed there.

    ask.py < questions.json

Each question is `{"pins": TEXT, "names": ["NAME=VERSION", ...]}`; what is printed is a list, in their order, of
apt-get's exit status, output and complaint. Nothing is installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PREFERENCES = Path("/etc/apt/preferences.d/question")


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Return what apt says to one question."""
    PREFERENCES.write_text(question["pins"], encoding="utf-8")
    argv = ["apt-get", "--simulate", "--quiet", "--assume-yes", "install", "--", *question["names"]]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


if __name__ == "__main__":
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
