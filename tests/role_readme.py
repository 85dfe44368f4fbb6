"""The variables in each role's README, made from its argument spec: `python -m tests.role_readme` writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parent.parent / "roles"
BEGIN = "<!-- variables: written by `python -m tests.role_readme` from meta/argument_specs.yml -->"
END = "<!-- end of variables -->"

# Markup of Ansible's documentation, such as O(name), C(text) and B(text).
MARKUP = re.compile(r"\b[A-Z]\(([^()]*)\)")


def read(path: Path) -> Any:
    """Return a YAML file's data, None where there is no such file."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def specs(role: Path) -> dict[str, dict[str, Any]]:
    """Return the specs of a role's entry points, empty for a role that has none."""
    data = read(role / "meta" / "argument_specs.yml") or {}
    found: dict[str, dict[str, Any]] = data.get("argument_specs", {})
    return found


def options(role: Path) -> dict[str, dict[str, Any]]:
    """Return a role's variables by name, as the specs of its entry points state them."""
    return {
        name: option
        for spec in specs(role).values()
        for name, option in (spec.get("options") or {}).items()
    }


def prose(text: str | list[str]) -> str:
    """Return a description in Markdown, on one line."""
    joined = text if isinstance(text, str) else " ".join(text)
    return " ".join(MARKUP.sub(r"`\1`", joined).split())


def section(role: Path) -> str:
    """Return the README's section on variables."""
    rows = [
        f"| `{name}` | {_default(option)} | {_words(option)} |"
        for name, option in options(role).items()
    ]
    table = ["| variable | default | meaning |", "| --- | --- | --- |", *rows]
    lines = table if rows else ["None."]
    return "\n".join([BEGIN, "## Variables", "", *lines, END]) + "\n"


def readme(role: Path) -> str:
    """Return the README with its section on variables renewed; a role without README gets one from its spec."""
    path = role / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else _opening(role)
    head, found, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2].lstrip("\n") if found else ""
    return "\n".join(part for part in (head.rstrip("\n") + "\n", section(role), tail) if part)


def _opening(role: Path) -> str:
    main = specs(role).get("main", {})
    points = main.get("description", [])
    lines = [f"- {prose(point)}" for point in ([points] if isinstance(points, str) else points)]
    return "\n".join(
        [f"# {role.name}", "", prose(main.get("short_description", "")) + ".", "", *lines, ""]
    )


def _default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    return f"`{json.dumps(option['default'])}`" if "default" in option else "none"


def _words(option: dict[str, Any]) -> str:
    words = prose(option["description"]).replace("|", "\\|")
    choices = option.get("choices")
    return f"{words} One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else words


def main() -> None:
    """Write the README of every role."""
    for role in sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml")):
        (role / "README.md").write_text(readme(role), encoding="utf-8")


if __name__ == "__main__":
    main()
