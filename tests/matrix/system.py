"""Ways to break packages, holds, kernel modules, units, users and groups."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from dlconf.facts import Facts
from tests.matrix import programs
from tests.matrix.breaks import Break, Resource, shell

APT = (
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "-qy",
    "--allow-change-held-packages",
    "--ignore-hold",
)


def package(resource: Resource, facts: Facts) -> Iterator[Break]:
    """Removed, purged, and an older version where the contract states one."""
    name = resource["name"]
    yield Break("removed", ((*APT, "remove", name),), (name,))
    yield Break("purged", ((*APT, "purge", name),), (name,))
    if resource.get("version", "*") != "*":
        deb = f"/tmp/{name}_0.0.1.deb"
        source = facts["dpkg"]["packages"][name]["source"]
        build = ("python3", "-c", programs.OLDER_PACKAGE, name, source, deb)
        # Removed first, so that what depends on the exact version goes too and apt finds nothing broken.
        replace = (build, (*APT, "remove", name), ("dpkg", "--install", deb))
        yield Break("older version", replace, (name,), undo=(("rm", deb),))


def origin(resource: Resource, facts: Facts) -> Iterator[Break]:
    """Another repository that offers a higher version."""
    name, folder = built_from(resource["source"], facts)[0], "/srv/dlconf-foreign"
    add = ("python3", "-c", programs.FOREIGN_REPOSITORY, name, folder, "8099")
    undo = (
        ("systemctl", "stop", "dlconf-foreign-repository.service"),
        ("rm", "--recursive", folder, "/etc/apt/sources.list.d/dlconf-foreign.list"),
        ("apt-get", "-q", "update"),
    )
    yield Break("a higher version elsewhere", (add,), (name,), undo=undo)


def hold(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """The hold lost."""
    name = resource["name"]
    yield Break("released", (("apt-mark", "unhold", name),), (name,))


def built_from(source: str, facts: Facts) -> list[str]:
    """Return the installed packages that are built from a source (fnmatch pattern)."""
    packages = facts["dpkg"]["packages"].items()
    return sorted(name for name, found in packages if fnmatch.fnmatchcase(found["source"], source))


def hold_source(resource: Resource, facts: Facts) -> Iterator[Break]:
    """The hold of the first, of the last and of all packages of the source lost."""
    built = built_from(resource["source"], facts)
    for word, names in (("first", built[:1]), ("last", built[-1:]), ("all", built)):
        yield Break(f"{word} released", (("apt-mark", "unhold", *names),), tuple(names))


def unattended_upgrades(resource: Resource, facts: Facts) -> Iterator[Break]:
    """apt's daily upgrade on, its list of what it leaves alone emptied, and the hold of a package lost."""
    name = built_from(resource["source"], facts)[0]
    settings, program = "/etc/apt/apt.conf.d/99dlconf-foreign", "/usr/bin/unattended-upgrade"
    text = '#clear Unattended-Upgrade::Package-Blacklist;\nAPT::Periodic::Unattended-Upgrade "1";\n'
    write = shell('printf %b "$2" > "$1"', settings, text)
    install = shell('test -e "$1" || ln --symbolic /bin/true "$1"', program)
    remove = shell('rm "$1"; test ! -L "$2" || rm "$2"', settings, program)
    commands = (write, install, ("apt-mark", "unhold", name))
    yield Break("within reach", commands, (name,), undo=(remove,))


def dkms(resource: Resource, facts: Facts) -> Iterator[Break]:
    """For each kernel the module not installed, not built, not known, its file lost."""
    module = resource["module"]
    for build in facts["dkms"]:
        kernel = str(build["kernel"])
        if build["module"] != module or kernel not in facts["kernels"]:
            continue
        ids = (f"{module} for {kernel}",)
        which = ("-m", module, "-v", str(build["version"]), "-k", kernel)
        for word, verb in (("installed", "uninstall"), ("built", "unbuild"), ("known", "remove")):
            yield Break(f"not {word} for {kernel}", (("dkms", verb, *which),), ids)
        lost = ("find", f"/lib/modules/{kernel}", "-name", f"{module}.ko*", "-delete")
        yield Break(f"file lost for {kernel}", (lost,), ids)


def dpkg_database(_resource: Resource, _facts: Facts) -> Iterator[Break]:
    """A package left unpacked, and a journal that dpkg did not get to the end of."""
    name = "dlconf-half-done"
    deb = f"/tmp/{name}.deb"
    build = ("python3", "-c", programs.EMPTY_PACKAGE, name, deb)
    undo = (("dpkg", "--purge", name), ("rm", deb))
    yield Break("a package unpacked", (build, ("dpkg", "--unpack", deb)), (name,), undo=undo)
    journal = shell(
        "sed -n '/^Package: base-files$/,/^$/p' /var/lib/dpkg/status > /var/lib/dpkg/updates/0001"
    )
    yield Break("a journal left", (journal,), ("(dpkg was interrupted)",))


def service(resource: Resource, facts: Facts) -> Iterator[Break]:
    """Stopped, disabled, masked; where it must not run: started, enabled."""
    name = resource["name"]
    unit = facts["units"].get(name)
    if resource.get("running", True):
        # One that waits for the driver, or that systemd skips in a container, is not running as it is.
        if unit and unit["active"] == "active":
            yield Break("stopped", (("systemctl", "stop", name),), (name,))
        # A unit that cannot be enabled by itself is by a link, which is a resource of its own.
        linked = any(path.endswith(f".wants/{name}") for path in facts["paths"])
        if unit and unit["enabled"] == "enabled" and not linked:
            yield Break("disabled", (("systemctl", "disable", name),), (name,))
        # systemd masks no unit whose file lies where the mask would; such a file is a resource of its own.
        if f"/etc/systemd/system/{name}" not in facts["paths"]:
            yield Break("masked", (("systemctl", "mask", "--now", name),), (name,))
    elif unit and unit["enabled"] == "disabled":
        yield Break("started", (("systemctl", "start", name),), (name,))
        yield Break("enabled", (("systemctl", "enable", name),), (name,))


def user(resource: Resource, facts: Facts) -> Iterator[Break]:
    """Deleted, taken out of each group, another shell."""
    name = resource["name"]
    yield Break("deleted", (("userdel", "--force", name),), (name,), account=name)
    primary = facts["users"][name]["groups"][0]
    for other in resource.get("groups", ()):
        if other != primary:
            leave = ("gpasswd", "--delete", name, other)
            yield Break(f"not in {other}", (leave,), (name,))
    if "shell" in resource:
        yield Break("another shell", (("usermod", "--shell", "/bin/dash", name),), (name,))


def group(resource: Resource, _facts: Facts) -> Iterator[Break]:
    """Deleted."""
    name = resource["name"]
    yield Break("deleted", (("groupdel", "--force", name),), (name,), account=name)
