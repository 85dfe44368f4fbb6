"""Ways to break files, keyrings, directories, links and keys of JSON files."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import PurePosixPath

from dlconf.facts import Facts
from tests.matrix import programs
from tests.matrix.breaks import Break, Resource, missing_ids, shell

OTHER_KEYS = (
    "cat /usr/share/keyrings/debian-archive-keyring.gpg"
    " || cat /usr/share/keyrings/ubuntu-archive-keyring.gpg"
)


def file(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Deleted; other content where the contract states it; other mode and owners; a link instead."""
    path, moved = resource["path"], f"{resource['path']}.moved"
    yield Break("deleted", (("rm", path),), (path,), gone=path)
    if "content" in resource:
        yield Break("truncated", (("truncate", "--size=0", path),), (path,))
        yield Break("edited", (shell('echo "# edited by hand" >> "$1"', path),), (path,))
    yield from ownership(resource, "0644")
    link_instead = (("mv", path, moved), ("ln", "--symbolic", moved, path))
    yield Break("a link instead", link_instead, (path,), undo=(("rm", "--force", moved),))


FOREIGN = "/etc/apt/sources.list.d/foreign.sources"
FOREIGN_LIST = "/etc/apt/sources.list.d/foreign.list"


def source(resource: Resource, facts: Facts) -> Iterator[Break]:
    """As a file; stated once more elsewhere, with the same key and, so that apt reads no source at all, without one."""
    yield from file(resource, facts)
    path = resource["path"]
    yield Break("stated twice", (("cp", path, FOREIGN),), (FOREIGN,))
    keyless = shell('grep -v ^Signed-By: "$1" > "$2"', path, FOREIGN)
    yield Break("stated twice, with no key", (keyless,), (FOREIGN,))


def sources(_resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Two statements of one repository that name different keys."""
    keyed = "/etc/apt/sources.list.d/another.list"
    state = 'echo "deb $1https://apt.example/debian stable main" > "$2"'
    first = shell(state, "[signed-by=/usr/share/keyrings/foreign.gpg] ", keyed)
    second = shell(state, "", FOREIGN_LIST)
    yield Break("stated twice", (first, second), (FOREIGN_LIST,), undo=(("rm", keyed),))


def ownership(resource: Resource, usual: str) -> Iterator[Break]:
    """Other mode, owner and group of a path."""
    path = resource["path"]
    mode = "0700" if str(resource.get("mode", usual)) != "0700" else "0750"
    yield Break("other mode", (("chmod", mode, path),), (path,))
    yield Break("other owner", (("chown", "nobody", path),), (path,))
    if resource.get("group") != "*":
        yield Break("other group", (("chgrp", "nogroup", path),), (path,))


def keyring(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Deleted, cut off, a second key added, other keys instead; other mode and owners."""
    path = resource["path"]
    yield Break("deleted", (("rm", path),), (path,), gone=path)
    yield Break("truncated", (("truncate", "--size=100", path),), (path,))
    yield Break("another key added", (shell(f'({OTHER_KEYS}) >> "$1"', path),), (path,))
    yield Break("other keys", (shell(f'({OTHER_KEYS}) > "$1"', path),), (path,))
    yield from ownership(resource, "0644")


def directory(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Moved away with all in it; other mode and owners."""
    path, moved = resource["path"], f"{resource['path']}.moved"
    yield from ownership(resource, "0755")
    undo = (("rm", "--recursive", "--force", moved),)
    yield Break("moved away", (("mv", path, moved),), (path,), gone=path, undo=undo)


def lines(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """All lines lost, ours and others'."""
    path = resource["path"]
    empty = ("python3", "-c", programs.EMPTY_FILE, path)
    yield Break("emptied", (empty,), (path,))


def link(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Deleted; pointing elsewhere, to something and to nothing."""
    path = resource["path"]
    point = ("ln", "--force", "--symbolic", "--no-dereference")
    yield Break("deleted", (("rm", path),), (path,), gone=path)
    yield Break("wrong target", ((*point, "/usr", path),), (path,))
    yield Break("target that is not there", ((*point, "/nowhere", path),), (path,))


def absent(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """A file and a link where nothing should be."""
    path = resource["path"]
    yield Break("a file there", (shell('echo "# foreign" > "$1"', path),), (path,))
    yield Break("a link there", (("ln", "--symbolic", "/dev/null", path),), (path,))


def copies(resource: Resource, facts: Facts) -> Iterator[Break]:
    """Each copy as a file of stated content."""
    for source in sorted(fnmatch.filter(facts["paths"], resource["source"])):
        path = f"{resource['folder']}/{PurePosixPath(source).name}"
        yield from file({"content": "", "mode": resource["mode"], "path": path}, facts)


def json_values(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Each key lost and changed; the file cut off and deleted."""
    path = resource["path"]
    for key in resource["values"]:
        for word in ("lost", "changed"):
            change = ("python3", "-c", programs.CHANGE_KEY, path, key, word)
            yield Break(f"{key} {word}", (change,), (f"{path}: {key}",))
    yield Break("truncated", (("truncate", "--size=1", path),), (path,))
    yield Break("deleted", (("rm", path),), tuple(missing_ids(resource)), gone=path)
