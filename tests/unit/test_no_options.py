"""No word of a catalogue or an inventory is taken for an option of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlconf.catalogue.problem import Place
from dlconf.catalogue.schema import row_problems
from dlconf.catalogue.sections import SECTIONS
from tests.role_readme import ROLES

ROOT = ROLES.parent
PLACE = Place("site.yml", "section", "row")
# What runs on hosts with names behind it, and reads options among them unless `--` ends these.
TAKES_NAMES = re.compile(
    r"apt-get\b.*\binstall|apt-cache\b.*\b(madison|policy|show)|dpkg-query\b.*--(show|listfiles)|\bmadison\b"
    r"|docker', 'run'|'npm', 'install'|'venv', "
)
FROM_OUTSIDE = re.compile(r"\{\{|\+ ")


def commands() -> Iterator[tuple[Path, str]]:
    for path in sorted(ROLES.rglob("*.yml")):
        if path.parent.name in ("tasks", "handlers"):
            lines = path.read_text(encoding="utf-8").splitlines()
            for at, line in enumerate(lines):
                if TAKES_NAMES.search(line) and re.search(r"argv:|^\s+(\{\{|\+)", line):
                    whole = "argv: [" in line
                    end = (
                        at if whole else next(n for n in range(at, len(lines)) if "}}" in lines[n])
                    )
                    yield path.relative_to(ROOT), "".join(lines[at : end + 1])


def test_names_stand_behind_the_end_of_options() -> None:
    found = list(commands())
    assert len(found) >= 12
    without = [
        f"{path}: {line.strip()}"
        for path, line in found
        if FROM_OUTSIDE.search(line) and not re.search(r"['\s]--['\],]", line)
    ]
    assert without == []


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("cuda", "packages", ["-oDPkg::Pre-Install-Pkgs::=/bin/x"]),
        ("cuda", "package_version", "-x"),
        ("cudnn", "packages", ["--reinstall"]),
        ("driver_packages", "packages", ["-y"]),
        ("driver_packages", "pin_package", "-y"),
        ("cuda_local_repos", "package", "-x"),
        ("frameworks", "requirements", ["--index-url=https://evil.example"]),
        ("frameworks", "requirements", ["torch @ https://evil.example/x.whl"]),
        ("frameworks", "packages", {"-r": "1"}),
        ("frameworks", "companions", {"--pre": "1"}),
    ],
)
def test_a_name_that_looks_like_an_option_is_no_name(
    section: str, field: str, value: object
) -> None:
    kind = SECTIONS[section].kind
    found = {problem.field: problem for problem in row_problems(kind, {field: value}, PLACE)}
    assert found[field].expected.split()[0] in ("a", "the")  # what it must look like
