"""Stand-in of the dlconf lab for conda: its command line over a real solver (py-rattler).

It knows what dlconf and its tests use: create, install, update, remove --all, list, info, env list,
config, run, init and clean, with `--json` where conda has it, and conda's own error names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from .environments import (
    ROOT,
    SPECS,
    CondaError,
    boolean,
    channels,
    configuration,
    environments,
    is_environment,
    merged_specs,
    prefix_of,
    read_rc,
    records,
    spec_name,
    write_rc,
)

VERSION = "@CONDA_VERSION@"
PLATFORM: Literal["linux-64"] = "linux-64"


async def solve(
    args: argparse.Namespace, prefix: Path, specs: list[str], *, update: bool
) -> tuple[list[Any], list[Any]]:
    """Return what is installed and what should be, as records of the solver."""
    import rattler  # noqa: PLC0415 (slow to load, and most commands do without)

    paths = (prefix / "conda-meta").glob("*.json") if is_environment(prefix) else []
    installed = [rattler.PrefixRecord.from_path(path) for path in paths]
    asked = {spec_name(spec) for spec in args.specs}
    kept = [] if update else [row for row in installed if row.name.normalized not in asked]
    try:
        wanted = await rattler.solve(
            [rattler.Channel(channel) for channel in channels(args)],
            specs,
            gateway=rattler.Gateway(cache_dir=ROOT / "pkgs" / "cache"),
            platforms=[PLATFORM, "noarch"],
            locked_packages=kept,
        )
    except Exception as error:
        text = str(error)
        name = "CondaHTTPError" if "http" in text else "UnsatisfiableError"
        raise CondaError(
            "PackagesNotFoundError" if "o candidates" in text else name, text
        ) from error
    return installed, wanted


async def change(args: argparse.Namespace, prefix: Path, *, update: bool = False) -> None:
    """Bring an environment to what is asked, and report as conda does."""
    import rattler  # noqa: PLC0415 (slow to load, and most commands do without)

    specs = merged_specs(prefix, args.specs)
    installed, wanted = await solve(args, prefix, specs, update=update)
    before = {(row.name.normalized, str(row.version), row.build) for row in installed}
    after = {(row.name.normalized, str(row.version), row.build) for row in wanted}
    if before == after:
        message = "All requested packages already installed."
        report(args, {"success": True, "message": message}, f"\n# {message}\n")
        return
    link = [{"name": name, "version": version} for name, version, _ in sorted(after - before)]
    unlink = [{"name": name, "version": version} for name, version, _ in sorted(before - after)]
    actions = {"LINK": link, "UNLINK": unlink, "PREFIX": str(prefix)}
    if not args.dry_run:
        await rattler.install(
            wanted, target_prefix=str(prefix), cache_dir=ROOT / "pkgs", show_progress=False
        )
        for path in (prefix / "conda-meta").glob("*.json"):
            path.chmod(0o644)  # the solver leaves them to root alone
        (prefix / "conda-meta" / "history").touch()
        (prefix / SPECS).write_text("\n".join(specs) + "\n")
    answer = {"success": True, "prefix": str(prefix), "dry_run": args.dry_run, "actions": actions}
    report(args, answer, "\nPreparing transaction: done\nExecuting transaction: done")


def report(args: argparse.Namespace, data: object, text: str) -> None:
    """Print the answer, as JSON where that is asked for."""
    print(json.dumps(data, indent=2) if args.json else text)


# ---- commands


def create(args: argparse.Namespace) -> None:
    """Make an environment, over an old one with --yes."""
    prefix = prefix_of(args, new=True)
    if is_environment(prefix) and not args.dry_run:
        if not args.yes:
            raise CondaError("CondaValueError", f"prefix already exists: {prefix}")
        shutil.rmtree(prefix)
    prefix.mkdir(parents=True, exist_ok=True)
    if args.specs:
        asyncio.run(change(args, prefix))
    else:
        (prefix / "conda-meta").mkdir(exist_ok=True)
        (prefix / "conda-meta" / "history").touch()


def install(args: argparse.Namespace) -> None:
    """Add packages to an environment, or move them to other versions."""
    asyncio.run(change(args, prefix_of(args)))


def update(args: argparse.Namespace) -> None:
    """Move packages to their newest versions."""
    args.specs = args.specs or [row["name"] for row in records(prefix_of(args))]
    asyncio.run(change(args, prefix_of(args), update=True))


def remove(args: argparse.Namespace) -> None:
    """Remove a whole environment."""
    prefix = prefix_of(args)
    if not args.all:
        raise CondaError("NotImplementedError", "the lab's conda removes whole environments only")
    shutil.rmtree(prefix)


def list_packages(args: argparse.Namespace) -> None:
    """List what is installed."""
    prefix = prefix_of(args)
    pattern = args.specs[0] if args.specs else ""
    rows = [row for row in records(prefix) if re.search(pattern, row["name"])]
    keys = {"name": "name", "version": "version", "build_string": "build", "channel": "channel"}
    data = [{key: row.get(field, "") for key, field in keys.items()} for row in rows]
    lines = [f"{row['name']:<25} {row['version']:<15} {row['build']}" for row in rows]
    report(args, data, "\n".join([f"# packages in environment at {prefix}:", "#", *lines]))


def info(args: argparse.Namespace) -> None:
    """Tell of the installation and its environments."""
    if args.base:
        print(ROOT)
        return
    names = [str(path) for path in environments()]
    data = {
        "conda_version": VERSION,
        "root_prefix": str(ROOT),
        "envs": names,
        "channels": configuration().get("channels", []),
        "platform": PLATFORM,
    }
    report(args, data, "\n".join(["# conda environments:", "#", *names]))


def config(args: argparse.Namespace) -> None:
    """Read or write settings."""
    path = ROOT / ".condarc" if args.system else Path.home() / ".condarc"
    values = read_rc(path)
    for key, value in args.set:
        values[key] = boolean(value)
    for key, value in args.add:
        items = values.setdefault(key, [])
        values[key] = [value, *(item for item in items if item != value)]
    for key, value in args.remove:
        values[key] = [item for item in values.get(key, []) if item != value]
    if args.set or args.add or args.remove:
        write_rc(path, values)
    if args.show is not None:
        shown = configuration()
        data = {args.show: shown.get(args.show)} if args.show else shown
        report(args, data, "\n".join(f"{key}: {value}" for key, value in data.items()))


def run_program(args: argparse.Namespace) -> None:
    """Run a program inside an environment."""
    prefix = prefix_of(args)
    path = f"{prefix}/bin:{os.environ['PATH']}"
    environment = {"CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": prefix.name, "PATH": path}
    sys.exit(
        subprocess.run(args.program, check=False, env={**os.environ, **environment}).returncode
    )


def init(args: argparse.Namespace) -> None:
    """Let shells find conda."""
    target = Path("/etc/profile.d/conda.sh") if args.system else Path.home() / ".bashrc"
    text = target.read_text() if target.exists() else ""
    if ">>> conda initialize >>>" in text:
        print("No action taken.")
        return
    block = f'# >>> conda initialize >>>\n. "{ROOT}/etc/profile.d/conda.sh"\n'
    target.write_text(f"{text}{block}# <<< conda initialize <<<\n")
    print(f"modified      {target}")


def clean(args: argparse.Namespace) -> None:
    """Keep nothing that could be cleaned."""
    report(args, {"success": True}, "There are no unused packages to remove.")


COMMANDS = {
    "create": create,
    "install": install,
    "update": update,
    "upgrade": update,
    "remove": remove,
    "list": list_packages,
    "info": info,
    "env": info,
    "config": config,
    "run": run_program,
    "init": init,
    "clean": clean,
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="conda")
    top.add_argument("-V", "--version", action="version", version=f"conda {VERSION}")
    commands = top.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        command = commands.add_parser(name)
        for flags in (["-q", "--quiet"], ["-y", "--yes"], ["-d", "--dry-run"], ["--json"]):
            command.add_argument(*flags, action="store_true")
        for flag in ("--all", "--override-channels", "--system", "--base", "-a", "-e", "--envs"):
            command.add_argument(flag, action="store_true")
        command.add_argument("-n", "--name")
        command.add_argument("-p", "--prefix")
        command.add_argument("-c", "--channel", action="append")
        if name == "run":
            command.add_argument("--no-capture-output", "--live-stream", action="store_true")
            command.add_argument("program", nargs=argparse.REMAINDER)
            continue
        command.add_argument("specs", nargs="*")
        if name == "config":
            command.add_argument("--show", "--get", nargs="?", const="")
            for flags in (["--set"], ["--add", "--prepend", "--append"], ["--remove"]):
                command.add_argument(*flags, nargs=2, action="append", default=[])
    return top


def main() -> None:
    """Run one command and leave at once: rattler's threads now and then crash the interpreter's shutdown."""
    try:
        run_command()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_command() -> None:
    """Run one command.

    Raises:
        SystemExit: it failed, or its arguments are wrong.
    """
    args = parser().parse_args()
    try:
        COMMANDS[args.command](args)
    except CondaError as error:
        data = {"error": f"{error.name}: {error}", "exception_name": error.name}
        if getattr(args, "json", False):
            print(json.dumps({**data, "message": str(error)}))
        else:
            print(f"\n{error.name}: {error}\n", file=sys.stderr)
        sys.exit(1)
