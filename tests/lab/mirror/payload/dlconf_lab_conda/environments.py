"""Settings and environments, as the dlconf lab's stand-in for conda keeps them."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(sys.prefix)
SPECS = "conda-meta/requested-specs"  # what was asked for, one specification a line


class CondaError(Exception):
    """An error with the name that conda gives it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


# ---- settings: the subset of YAML that conda itself writes


def read_rc(path: Path) -> dict[str, Any]:
    """Read a .condarc of scalars and lists."""
    values: dict[str, Any] = {}
    key = ""
    for line in path.read_text().splitlines() if path.exists() else []:
        if item := re.match(r"\s*- (.*)", line):
            values.setdefault(key, []).append(item[1].strip("'\""))
        elif pair := re.match(r"(\w+):\s*(.*)", line):
            key = pair[1]
            values[key] = boolean(pair[2]) if pair[2] else []
    return values


def boolean(text: str) -> bool | str:
    """Return a setting's text, as a truth value where it is one."""
    return {"true": True, "false": False}.get(text.lower(), text)


def write_rc(path: Path, values: dict[str, Any]) -> None:
    """Write a .condarc."""
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, list):
            lines += [f"{key}:", *(f"  - {item}" for item in value)]
        else:
            lines.append(f"{key}: {str(value).lower() if isinstance(value, bool) else value}")
    path.write_text("".join(f"{line}\n" for line in lines))


def configuration() -> dict[str, Any]:
    """Return all settings; the user's own come before the installation's."""
    return {**read_rc(ROOT / ".condarc"), **read_rc(Path.home() / ".condarc")}


def channels(args: argparse.Namespace) -> list[str]:
    """Return the channels to search, those of the command line first."""
    configured = [] if args.override_channels else configuration().get("channels", [])
    return [*(args.channel or []), *configured] or ["conda-forge"]


# ---- environments


def is_environment(prefix: Path) -> bool:
    """Say whether a folder is an environment."""
    return (prefix / "conda-meta").is_dir()


def environments() -> list[Path]:
    """Return the prefixes that conda knows."""
    return [ROOT, *sorted(path for path in (ROOT / "envs").glob("*") if is_environment(path))]


def prefix_of(args: argparse.Namespace, *, new: bool = False) -> Path:
    """Return the prefix that the command line names."""
    name = args.name or os.environ.get("CONDA_DEFAULT_ENV") or "base"
    prefix = ROOT if name in ("base", "root") else ROOT / "envs" / name
    if args.prefix:
        prefix = Path(args.prefix).absolute()
    if not new and not is_environment(prefix):
        raise CondaError("EnvironmentLocationNotFound", f"Not a conda environment: {prefix}")
    return prefix


def records(prefix: Path) -> list[dict[str, Any]]:
    """Return what is installed, by name."""
    found = [json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json")]
    return sorted(found, key=lambda record: record["name"])


def spec_name(spec: str) -> str:
    """Return the package that a specification is about."""
    return re.split(r"[\s=<>!~]", spec.strip(), maxsplit=1)[0]


def merged_specs(prefix: Path, specs: list[str]) -> list[str]:
    """Return the new specifications with the older ones of other packages."""
    path = prefix / SPECS
    older = path.read_text().split("\n") if path.exists() else []
    names = {spec_name(spec) for spec in specs}
    merged = [*specs, *(spec for spec in older if spec and spec_name(spec) not in names)]
    with_pip = configuration().get("add_pip_as_python_dependency", True)
    all_names = {spec_name(spec) for spec in merged}
    return [*merged, "pip"] if with_pip and "python" in all_names - {"pip"} else merged
