"""What an inventory plugin lacks on this machine, by what Ansible says of it, and the command that brings it. Pure."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

_UNKNOWN = re.compile(r"specifies unknown plugin '([a-z_]\w*)\.([a-z_]\w*)\.[\w.]+'")
_LIBRARY = re.compile(r"[Ff]ailed to import the required Python library \(([^()]+)\)")


def lacking(said: Iterable[str]) -> tuple[str, str] | None:
    """Return what is missing and the command that brings it, None where nothing is.

    Args:
        said: lines that Ansible printed. It says `specifies unknown plugin 'NAMESPACE.COLLECTION.NAME'` where the
            collection is not there (ansible.builtin.auto), and a plugin `Failed to import the required Python
            library (...)` where a library is not (ansible.module_utils.basic, missing_required_lib).
    """
    text = "\n".join(said)
    if found := _UNKNOWN.search(text):
        collection = f"{found[1]}.{found[2]}"
        if collection != "ansible.builtin":
            return (
                f"the collection {collection} is not installed",
                f"{_galaxy()} collection install {collection}",
            )
    if found := _LIBRARY.search(text):
        names = re.findall(r"[\w.-]+", re.sub(r"\band\b", " ", found[1]))
        python = sys.executable
        return (
            f"a Python library is missing: {', '.join(names)}",
            shlex.join([python, "-m", "pip", "install", *names]),
        )
    return None


def _galaxy() -> str:
    """Return the command `ansible-galaxy`; where it is on no PATH, that beside our Python."""
    if shutil.which("ansible-galaxy"):
        return "ansible-galaxy"
    return shlex.quote(str(Path(sys.executable).parent / "ansible-galaxy"))
