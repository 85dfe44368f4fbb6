"""Ways to break Python environments and conda's own packages."""

from __future__ import annotations

from collections.abc import Iterator

from dlconf.facts import Facts
from tests.matrix import programs
from tests.matrix.breaks import Break, Resource, shell

UNINSTALL = ("-m", "pip", "--quiet", "uninstall", "--yes", "--root-user-action", "ignore")


def python_env(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Renamed; its interpreter lost or emptied; each package removed, without its records, damaged, older."""
    path, moved = resource["path"], f"{resource['path']}.moved"
    python = f"{path}/bin/python"
    undo = (("rm", "--recursive", "--force", moved),)
    yield Break("renamed", (("mv", path, moved),), (path,), gone=path, undo=undo)
    yield Break("interpreter lost", (("rm", python),), (path,))
    emptied = shell('rm "$1"; : > "$1"; chmod 0755 "$1"', python)
    yield Break("interpreter emptied", (emptied,), (path,))
    for name, pattern in resource["packages"].items():
        ids = (f"{path}: {name}",)
        yield Break(f"{name} removed", ((python, *UNINSTALL, name),), ids)
        lose = (python, "-c", programs.LOSE_RECORDS, name)
        yield Break(f"{name} without its records", (lose,), ids)
        cut = (python, "-c", programs.CUT_MODULE, name)
        yield Break(f"{name} with a module cut off", (cut,), ids)
        if pattern != "*":
            older = (python, "-c", programs.OLDER_RECORDS, name)
            yield Break(f"{name} older", (older,), ids)


def conda_package(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Without its record, and older."""
    path, name = resource["path"], resource["name"]
    ids = (f"{path}: {name}",)
    lose = shell('rm "$1/$2"-[0-9]*.json', f"{path}/conda-meta", name)
    yield Break("without its record", (lose,), ids)
    older = ("python3", "-c", programs.OLDER_CONDA_PACKAGE, path, name)
    yield Break("older", (older,), ids)
