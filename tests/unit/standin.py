"""The command `dlconf` with modules of a test's own in the place of dlconf's: a run takes none from the environment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from dlconf import ansiblesettings
from dlconf.cli import main

_OURS = ansiblesettings.paths


def paths(library: Path) -> Callable[[Path, Path], dict[str, str]]:
    """Return `ansiblesettings.paths` with another folder of modules."""
    return lambda project, package: _OURS(project, package) | {"ANSIBLE_LIBRARY": str(library)}


def command(library: Path) -> list[str]:
    """Return the command line of `dlconf` with this folder of modules."""
    return [sys.executable, __file__, str(library)]


if __name__ == "__main__":
    with mock.patch.object(ansiblesettings, "paths", paths(Path(sys.argv.pop(1)))):
        main()
