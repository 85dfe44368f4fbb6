"""Extra variables as a file that Ansible reads as plain data.

Ansible trusts an extra-variables file: it renders a text in it that looks like a template, JSON or not (seen with
ansible-core 2.19: `{"p": "{{ 1+1 }}"}` becomes 2). What dlconf hands over comes from hosts and inventories too (the
name of a GPU, say), so the whole file carries the tag `!unsafe`, with which Ansible takes all below it as it stands.
The tag belongs on the mapping: on a scalar it makes Ansible guess the type anew, and "12.10" becomes 12.1.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
"""Characters that JSON takes as they are and that YAML does not, or reads as the end of a line."""


def render(variables: Mapping[str, Any]) -> str:
    """Return the variables as YAML: as JSON, which is YAML, behind the tag `!unsafe`.

    The two differ in one thing that counts: a float with an exponent is text to YAML. dlconf hands over none.

    Raises:
        ValueError: a name is none that Ansible takes.
    """
    for name in variables:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"not a variable name: {name!r}")
    text = json.dumps(dict(variables), ensure_ascii=False)
    return f"--- !unsafe\n{_NOT_YAML.sub(_escaped, text)}\n"


def _escaped(character: re.Match[str]) -> str:
    if (
        "\ud800" <= character[0] <= "\udfff"
    ):  # a byte of a host that was no text; YAML has no word for it
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\u{ord(character[0]):04x}"


def write(path: Path, variables: Mapping[str, Any]) -> None:
    """Write the variables to a new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(render(variables))
