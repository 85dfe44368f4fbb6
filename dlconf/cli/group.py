"""The group of commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import traceback
from collections.abc import Mapping
from typing import Any

import click

from dlconf import __version__
from dlconf.cli import output
from dlconf.errors import DlconfError, nearest_names
from dlconf.report.text import clean, json_text
from dlconf.terminal import Lasting
from dlconf.withheld import without_logins

VERBS = {
    "apply": "Bring each host to its stack: plan, confirm, converge, verify, summary.",
    "detect": "Report GPUs, driver, CUDA, system, memory and free disk of each host.",
    "plan": "Show what apply would do, per host and role, and why.",
    "explain": "Say why each version was chosen, and which row rejected each newer one.",
    "drift": "Report what differs from the wanted state; exit with 4 where something does.",
    "verify": "Prove driver, CUDA and frameworks on each host, on the GPU where there is one.",
    "tunnel": "Open an SSH forward to the Jupyter of HOST, and print the URL to open here.",
    "resolve": "Choose the stack for a machine described on the command line.",
    "catalogue": "Look up what dlconf knows of GPUs, drivers, CUDA and frameworks; check and refresh it.",
}
"""Each command, which is a module of this package, with the first line of its help: so help imports no command."""
JSON_KEY = "dlconf.json"
INCOMPLETE_KEY = "dlconf.incomplete"
"""Where in the context's `meta` stands the folder of a run that was not complete; the command ends by saying why."""
INTERRUPTED = 130
_CRASH_LOG = "dlconf-traceback-"


class LazyGroup(click.Group):
    """A group that imports a command when it is used.

    Args:
        package: where a command of the name `verb` is `package.verb.verb`.
        verbs: the commands in the order in which one needs them, each with the first line of its help.
    """

    def __init__(self, *args: Any, package: str, verbs: Mapping[str, str], **given: Any) -> None:
        super().__init__(*args, **given)
        self._package = package
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which one needs them."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a verb and return its command."""
        if cmd_name not in self._verbs:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._verbs.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, name the nearest."""
        if args and args[0] not in self._verbs and not args[0].startswith("-"):
            near = nearest_names(args[0], self._verbs)
            raise click.UsageError(f"no command {args[0]!r}; {near}", ctx)
        return super().resolve_command(ctx, args)


class Main(LazyGroup):
    """The group of all commands, which turns errors into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; print what went wrong, if something did, and exit with its code."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit as done:
            code = done.exit_code
        except click.ClickException:
            raise
        except DlconfError as error:
            _tell(ctx, error.message, error.hint, error.exit_code)
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            _tell(ctx, "interrupted", "", INTERRUPTED)
            code = INTERRUPTED
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            _tell(ctx, f"unexpected {type(error).__name__}: {error}", _keep_traceback(error), 1)
            code = 1
        if folder := ctx.meta.get(INCOMPLETE_KEY):
            _say(folder.trouble.message, folder.trouble.hint)
            code = folder.exit_code(code)
        return ctx.exit(code)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command from the command line; its end, and its exit code, need nobody to read what it prints."""
        with Lasting() as streams:
            try:
                return super().main(*args, **kwargs)
            except SystemExit as end:
                if not streams.trouble:
                    raise
                _say(f"cannot write to standard output: {streams.trouble}", "")
                raise SystemExit(end.code or 1) from None


def _say(message: str, hint: str) -> None:
    """Print an error on standard error."""
    coloured = not os.environ.get("NO_COLOR")
    output.echo(click.style("error:", fg="red") if coloured else "error:", err=True, nl=False)
    output.echo(f" {clean(message)}", err=True)
    if hint:
        output.echo(f"\nhint: {clean(hint)}", err=True)


def _tell(ctx: click.Context, message: str, hint: str, code: int) -> None:
    """Print an error on standard error, and with --json as the one object on standard output."""
    _say(message, hint)
    if ctx.find_root().meta.get(JSON_KEY):
        error = {"message": message, "hint": hint, "exit_code": code}
        output.echo(json_text({"schema": 1, "error": error}))


def _keep_traceback(error: Exception) -> str:
    """Save the traceback to a file that only its owner can read, and return a hint that names it."""
    with contextlib.suppress(OSError):
        descriptor, path = tempfile.mkstemp(prefix=_CRASH_LOG, suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(map(without_logins, traceback.format_exception(error)))
        return f"this is a bug in dlconf; the traceback is in {path}, and --debug shows it"
    return "this is a bug in dlconf; dlconf --debug shows the traceback"


@click.group(
    cls=Main,
    package="dlconf.cli",
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.version_option(__version__, prog_name="dlconf")
def main(debug: bool) -> None:
    """Turn lab machines into working deep-learning machines, and keep them so.

    INVENTORY is any Ansible inventory: a file, a folder, a script, or host names with a comma (gpu1,). "localhost,"
    is this machine. Without INVENTORY the folder's hosts.ini is taken, else this machine. What a host is to have
    stands in group_vars and host_vars beside it.

    Exit codes: 0 done, 1 failed on a host, 2 wrong usage, 3 no compatible stack, 4 drift, 130 interrupted.
    """
