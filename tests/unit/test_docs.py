"""The documents keep step: commands parse as written, targets and linked files exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dlconf.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
README = (ROOT / "README.md").read_text()


def lines_of_shell(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    return [
        line.split("  #")[0].split("   ")[0].strip()
        for block in blocks
        for line in block.splitlines()
    ]


UNITS = sorted((ROOT / "docs" / "systemd").glob("*.service"))
COMMANDS = sorted(
    {
        line
        for page in PAGES
        for line in lines_of_shell(page.read_text())
        if line.startswith("dlconf ")
    }
    | {
        line.removeprefix("ExecStart=/usr/local/bin/")
        for unit in UNITS
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_documents_is_one_that_dlconf_takes(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command | None = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        verb, *words = words
        command = command.get_command(context, verb)
        assert command is not None, f"no command {verb}"
        context = click.Context(command, info_name=verb, parent=context)
    assert command is not None
    command.parse_args(context, words)


def test_the_readme_shows_every_command() -> None:
    with click.Context(main) as context:
        commands = set(main.list_commands(context))
    assert {
        shlex.split(line)[1] for line in lines_of_shell(README) if line.startswith("dlconf ")
    } == commands


def test_resolve_runs_as_the_readme_writes_it() -> None:
    line = next(line for line in lines_of_shell(README) if line.startswith("dlconf resolve"))
    result = CliRunner().invoke(main, shlex.split(line)[1:])
    assert result.exit_code == 0, result.output
    assert "580" in result.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_linked_files_exist(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_make_targets_of_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    named |= {line.split()[1] for line in lines_of_shell(README) if line.startswith("make ")}
    assert named <= targets


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in lines_of_shell(README)
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()
