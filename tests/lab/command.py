"""Running programs of the machine: the only place of the lab that starts processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence


class LabError(Exception):
    """The lab cannot do what was asked; the message says what and why."""


def say(message: str) -> None:
    """Print one line of progress on standard error."""
    print(f"lab: {message}", file=sys.stderr, flush=True)


def as_root(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the command that runs `argv` as root, with `environment` set across sudo.

    Args:
        argv: the command and its arguments.
        environment: variables to set; sudo passes none of ours on by itself.
    """
    settings = [f"{name}={value}" for name, value in (environment or {}).items()]
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    return [*prefix, *(["env", *settings] if settings else []), *argv]


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    stdin: bytes | None = None,
    cwd: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return its output as text.

    Args:
        argv: the command and its arguments; no shell reads it.
        check: raise when the program fails.
        stdin: bytes for the program's standard input; None gives it an empty one.
        cwd: the folder to run it in.
        environment: variables on top of our own.
        timeout_s: limit in seconds.

    Raises:
        LabError: the program is missing, failed (with `check`) or ran past the limit.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
            cwd=cwd,
            env={**os.environ, **environment} if environment else None,
            timeout=timeout_s,
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed: run `python -m tests.lab setup`") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{argv[0]} did not end within {timeout_s:g} s") from error
    text = subprocess.CompletedProcess(
        done.args,
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
    if check and text.returncode != 0:
        last_lines = "\n".join((text.stderr or text.stdout).strip().splitlines()[-15:])
        raise LabError(f"`{' '.join(argv[:6])} ...` failed with {text.returncode}:\n{last_lines}")
    return text


def installed(program: str) -> bool:
    """Say whether a program is there; root's folders count, as sudo will find it there."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(program, path=path) is not None
