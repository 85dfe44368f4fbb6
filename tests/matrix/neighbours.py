"""Changes beside the resources of a contract, for each kind: what no report may name and no role may touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.matrix import programs
from tests.matrix.breaks import Command, Resource, name_of, shell


@dataclass(frozen=True)
class Neighbour:
    """Something beside a resource that is not of the contract.

    Attributes:
        make: what root runs on the host.
        there: succeeds while it is there.
        undo: takes it away again.
    """

    make: tuple[Command, ...]
    there: Command
    undo: tuple[Command, ...]


def _file(path: str, make: Command) -> Neighbour:
    return Neighbour((make,), ("test", "-e", path), (("rm", "--recursive", "--force", path),))


def beside(resource: Resource) -> Iterator[Neighbour]:
    """A copy under another name, and another time of the resource itself."""
    path = resource["path"]
    copy = f"{path}.dlconf-foreign"
    there = ("cp", "--no-dereference", path, copy)
    yield _file(copy, there if resource["kind"] != "absent" else ("touch", copy))
    if resource["kind"] in ("file", "source", "keyring"):
        yield Neighbour((("touch", path),), ("test", "-e", path), ())


def inside(resource: Resource) -> Iterator[Neighbour]:
    """A file and a folder in the folder."""
    for name, make in (("file", ("touch",)), ("folder", ("mkdir", "--parents", "--mode=0700"))):
        path = f"{resource['path']}/dlconf-foreign-{name}"
        yield _file(path, (*make, path))


def copies(resource: Resource) -> Iterator[Neighbour]:
    """Something else in the folder of the copies."""
    yield from inside({"path": resource["folder"]})


def package(resource: Resource) -> Iterator[Neighbour]:
    """A held package of a like name."""
    name = f"{name_of(resource).strip('*')}-dlconf-foreign"
    deb = f"/tmp/{name}.deb"
    build = ("python3", "-c", programs.EMPTY_PACKAGE, name, deb)
    make = (build, ("dpkg", "--install", deb), ("apt-mark", "hold", name), ("rm", deb))
    undo = (("dpkg", "--force-hold", "--purge", name),)
    yield Neighbour(make, ("dpkg-query", "--show", name), undo)


def environment(resource: Resource) -> Iterator[Neighbour]:
    """A distribution that was not asked for, and another environment beside."""
    path = resource["path"]
    python = f"{path}/bin/python"
    yield Neighbour(
        ((python, "-c", programs.FOREIGN_RECORDS),),
        (python, "-m", "pip", "--quiet", "show", "dlconf-foreign"),
        ((python, "-c", programs.LOSE_RECORDS, "dlconf-foreign"),),
    )
    other = f"{path}-dlconf-foreign"
    yield _file(other, ("mkdir", "--parents", f"{other}/conda-meta"))


def unit(resource: Resource) -> Iterator[Neighbour]:
    """Another unit, failed: a service, whatever the resource is."""
    name = f"dlconf-foreign-{name_of(resource).replace('.', '-')}"
    make = ("systemd-run", f"--unit={name}", "--property=Type=oneshot", "--no-block", "false")
    yield Neighbour((make,), ("true",), (("systemctl", "reset-failed"),))


def account(resource: Resource) -> Iterator[Neighbour]:
    """Another group; a user is put into it."""
    name = "dlconf-foreign"
    make: tuple[Command, ...] = (("groupadd", "--force", name),)
    if resource["kind"] == "user":
        make = (*make, ("usermod", "--append", "--groups", name, resource["name"]))
    yield Neighbour(make, ("getent", "group", name), (("groupdel", "--force", name),))


def key(resource: Resource) -> Iterator[Neighbour]:
    """Another key of the JSON file."""
    change = ("python3", "-c", programs.CHANGE_KEY, resource["path"], "dlconf-foreign")
    there = ("grep", "--quiet", "dlconf-foreign", resource["path"])
    yield Neighbour(((*change, "changed"),), there, ((*change, "lost"),))


def module(_resource: Resource) -> Iterator[Neighbour]:
    """Another module of DKMS, not built."""
    path = "/usr/src/dlconf-foreign-1"
    make = shell(
        'mkdir "$1"; printf "PACKAGE_NAME=dlconf-foreign\\nPACKAGE_VERSION=1\\n'
        'BUILT_MODULE_NAME[0]=foreign\\nDEST_MODULE_LOCATION[0]=/extra\\nAUTOINSTALL=no\\n" > "$1/dkms.conf"',
        path,
    )
    which = ("dlconf-foreign/1",)
    undo = (("dkms", "remove", *which, "--all"), ("rm", "--recursive", path))
    yield Neighbour((make, ("dkms", "add", *which)), ("test", "-e", path), undo)


def line(resource: Resource) -> Iterator[Neighbour]:
    """Another line of the file, which stays."""
    make = ("python3", "-c", programs.ADD_LINE, resource["path"], "# dlconf-foreign")
    yield Neighbour((make,), ("true",), ())


def nothing(_resource: Resource) -> Iterator[Neighbour]:
    """What the kind covers is the whole of something; there is no beside."""
    yield from ()


NEIGHBOURS: Mapping[str, Callable[[Resource], Iterator[Neighbour]]] = {
    "file": beside,
    "source": beside,
    "sources": nothing,
    "keyring": beside,
    "link": beside,
    "absent": beside,
    "copies": copies,
    "directory": inside,
    "json": key,
    "lines": line,
    "package": package,
    "package_like": nothing,  # the package's
    "hold": nothing,  # the package's
    "hold_source": package,
    "unattended_upgrades": nothing,  # the package's
    "origin": nothing,  # likewise
    "dkms": module,
    "dpkg": nothing,
    "service": unit,
    "user": account,
    "group": account,
    "python_env": environment,
    "conda_package": nothing,  # the directory's
    "kernel_module": nothing,
}
"""Every kind, as in mutators.py."""
