"""How the program of a worker is started there, and what the worker must have for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

from dlconf import workfolder
from dlconf.fleet import remote

WORKER_HOME = "$HOME/.dlconf-worker"
"""A virtual environment there comes before whatever else a worker has."""

_SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15")
_SSH_ALIVE = ("-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3")


_PROGRAM = """\
import sys, types
module = sys.modules["dlconf.workfolder"] = types.ModuleType("dlconf.workfolder")
package = sys.modules["dlconf"] = types.ModuleType("dlconf")
package.workfolder = module
exec({workfolder!r}, vars(module))
exec({remote!r})
"""


def program() -> bytes:
    """Return the program of a worker: `remote.py`, and before it the one module of dlconf that it imports."""
    texts = {
        name: Path(str(module.__file__)).read_text(encoding="utf-8")
        for name, module in (("workfolder", workfolder), ("remote", remote))
    }
    return _PROGRAM.format(**texts).encode()


def command(worker: str, length: int) -> list[str]:
    """Return the command that starts the program of so many bytes on a worker; it reads it from standard input."""
    script = (
        f'PATH="{WORKER_HOME}/bin:$PATH"; '
        f'exec python3 -c "import sys; exec(sys.stdin.buffer.read({length}))"'
    )
    return [*_SSH, *_SSH_ALIVE, "--", worker, f"exec sh -c '{script}'"]


def needs() -> list[Requirement]:
    """Return what a worker must have, in the versions that dlconf itself asks for."""
    wanted = ("ansible-core", "ansible-runner")
    found = [Requirement(text) for text in requires("dlconf") or ()]
    return [requirement for requirement in found if requirement.name in wanted]


def missing(worker: str, versions: Mapping[str, str | None]) -> str:
    """Return what a worker lacks and the command that installs it, or nothing."""
    lacks = [
        f"{need.name} {have or 'is not there'}{f', needed is {need.specifier}' if have else ''}"
        for need in needs()
        if (have := versions.get(need.name)) is None or have not in need.specifier
    ]
    if not lacks:
        return ""
    folder = WORKER_HOME.replace("$HOME", "~")
    packages = " ".join(f'"{need.name}{need.specifier}"' for need in needs())
    install = f"python3 -m venv {folder} && {folder}/bin/pip install {packages}"
    return f"{'; '.join(lacks)}; install it with: ssh {worker} '{install}'"
