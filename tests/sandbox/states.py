"""What somebody did to a host before dlconf came: each state puts files and packages there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.lab.mirror.answers import Answers
from tests.lab.mirror.archive import base_packages, other_packages
from tests.lab.mirror.debs import Deb
from tests.sandbox.repositories import NVIDIA, NVIDIA_KEYRING, PPA, cuda_keyring
from tests.sandbox.root import Root
from tests.sandbox.sites import Keys
from tests.sandbox.systems import FIRST_WITH_DEB822, System

SOURCES = "/etc/apt/sources.list.d"
OLD_PPA = "http://ppa.launchpad.net/graphics-drivers/ppa/ubuntu"  # row ppa-old-address
FIRST_WITH_NEW_ADDRESS = "ubuntu-22.04"


@dataclass(frozen=True)
class Host:
    """A host whose state is brought about.

    Attributes:
        known: every package that can be installed on it, by name and version.
        branch: of the driver that is chosen for it; "" for none.
        before: what is installed in that state, by name.
        twice: files that state one repository with different keys, so that apt reads no source at all.
    """

    root: Root
    system: System
    keys: Keys
    answers: Answers
    known: Mapping[tuple[str, str], Deb]
    branch: str
    before: dict[str, Deb] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)


State = Callable[[Host], None]


def bare(host: Host) -> None:
    """Put the system there, as its installer leaves it."""
    for path, text in host.system.sources().items():
        host.root.write(path, text)
    name = "ubuntu" if host.system.ubuntu else "debian"
    key = host.keys.of_repository(name)
    folder = host.root.path("/usr/share/keyrings")
    key.export(folder / f"{name}-archive-keyring.gpg", armor=False)
    key.export(host.root.path(f"/etc/apt/trusted.gpg.d/{name}-archive.gpg"), armor=False)
    host.root.put(base_packages(host.system.archive))


def ppa_list(host: Host) -> None:
    """Put the PPA there as add-apt-repository did up to 22.04: a list without signed-by, the key in trusted.gpg.d."""
    bare(host)
    codename, address = host.system.codename, _listed_ppa(host)
    path = f"{SOURCES}/graphics-drivers-ubuntu-ppa-{codename}.list"
    host.root.write(path, f"deb {address} {codename} main\n# deb-src {address} {codename} main\n")
    key = host.root.path("/etc/apt/trusted.gpg.d/graphics-drivers-ubuntu-ppa.gpg")
    host.keys.of_repository("ppa").export(key, armor=False)


def ppa_sources(host: Host) -> None:
    """Put the PPA there as add-apt-repository does from 24.04 on: deb822, with the key inline."""
    bare(host)
    codename = host.system.codename
    exported = host.root.path("/tmp-key.asc")
    key = host.keys.of_repository("ppa").export(exported, armor=True).read_text(encoding="ascii")
    exported.unlink()
    inline = "".join(f" {line or '.'}\n" for line in key.strip().splitlines())
    host.root.write(
        f"{SOURCES}/graphics-drivers-ubuntu-ppa-{codename}.sources",
        f"Types: deb\nURIs: {PPA}/\nSuites: {codename}\nComponents: main\nSigned-By:\n{inline}",
    )


def ppa_twice(host: Host) -> None:
    """Put the PPA there by add-apt-repository, and by hand with another keyring (row ppa-conflict)."""
    keyring, codename = "/etc/apt/keyrings/graphics-drivers.gpg", host.system.codename
    if host.system.os >= FIRST_WITH_DEB822:
        ppa_sources(host)
        form, path = "sources", f"{SOURCES}/gpu-drivers.list"
        text = f"deb [signed-by={keyring}] {PPA}/ {codename} main\n"
    else:
        ppa_list(host)
        form, path = (
            "list",
            f"{SOURCES}/gpu-drivers.sources",
        )  # before the other: there a key after none is no conflict
        text = f"Types: deb\nURIs: {_listed_ppa(host)}\nSuites: {codename}\nComponents: main\nSigned-By: {keyring}\n"
    host.keys.of_repository("ppa").export(host.root.path(keyring), armor=False)
    host.root.write(path, text)
    host.twice.extend([path, f"{SOURCES}/graphics-drivers-ubuntu-ppa-{codename}.{form}"])


def nvidia_repository(host: Host) -> None:
    """Put NVIDIA's repository there by hand, with a keyring and a file name of the user's own."""
    bare(host)
    _nvidia_by_hand(host)


def keyring_package(host: Host) -> None:
    """Have NVIDIA's package cuda-keyring installed, as NVIDIA's guide says."""
    bare(host)
    host.root.put([cuda_keyring(host.system)])
    key = host.keys.of_repository(host.system.distro)
    key.export(host.root.path(NVIDIA_KEYRING), armor=False)


def nvidia_twice(host: Host) -> None:
    """Have cuda-keyring installed beside a list of the user's own with another keyring (row nvidia-conflict)."""
    keyring_package(host)
    _nvidia_by_hand(host)
    host.twice.extend(
        [
            f"{SOURCES}/cuda-{host.system.distro}-x86_64.list",
            f"{SOURCES}/nvidia-cuda.list",
        ]
    )


def other_branch(host: Host) -> None:
    """Have another driver branch installed and held, with an older CUDA and cuDNN, all from sources that are gone."""
    bare(host)
    branches = sorted({int(v.split(".", maxsplit=1)[0]) for v in host.system.archive.drivers})
    other = next(str(branch) for branch in branches if str(branch) != host.branch)
    names = [f"nvidia-driver-{other}"]
    if not host.system.ubuntu:
        names = [f"{host.system.archive.transitional.get(other, 'nvidia')}-driver"]
    driver = _closure(host, names)
    host.root.put(driver)
    host.root.held |= {deb.name for deb in driver if "nvidia" in deb.fields.get("Source", "")}
    toolkit = f"cuda-toolkit-{'-'.join(host.system.cuda[0].split('.')[:2])}"
    host.root.put(_closure(host, [toolkit]))
    if "9.8.0.87" in host.system.cudnn:
        host.root.put(_closure(host, ["cudnn9-cuda-12"], {"cudnn": "9.8.0.87"}))


def named_driver(host: Host) -> None:
    """Have driver 580 installed and held, the last of NVIDIA's with the branch in its names: the PPA's, or NVIDIA's."""
    of_nvidia = host.system.os >= FIRST_WITH_DEB822
    (keyring_package if of_nvidia else ppa_list)(host)
    name = "nvidia-open-580" if of_nvidia else "nvidia-driver-580"
    version = "580.178.04-0ubuntu1" if of_nvidia else "580.178.04-0ubuntu0~gpu"
    driver = _closure(host, [name], {"nvidia": version})
    host.root.put(driver)
    host.root.held |= {deb.name for deb in driver if "nvidia" in deb.fields.get("Source", "")}


def user_holds(host: Host) -> None:
    """Have the user hold the kernel, and what DKMS needs."""
    bare(host)
    archive = host.system.archive
    debs = {deb.name: deb for deb in [*base_packages(archive), *other_packages(archive)]}
    kernels = [f"linux-image-{archive.kernels[0]}", f"linux-headers-{archive.kernels[0]}"]
    names = [*kernels, "dkms", "gcc"]
    host.root.put(debs[name] for name in names)
    host.root.held |= set(names)


STATES: Mapping[str, State] = {
    "bare": bare,
    "ppa-list": ppa_list,
    "ppa-sources": ppa_sources,
    "nvidia-repository": nvidia_repository,
    "cuda-keyring": keyring_package,
    "other-branch": other_branch,
    "user-holds": user_holds,
    "ppa-twice": ppa_twice,
    "nvidia-twice": nvidia_twice,
    "named-driver": named_driver,
}
NAMED = "named-driver"
NAMED_SYSTEMS = ("ubuntu-22.04", "ubuntu-24.04")
"""Where NVIDIA's repository has drivers of names with the branch, and of names without."""
PPA_STATES = frozenset({"ppa-list", "ppa-sources", "ppa-twice", NAMED})


def states_of(system: System, source: str | None) -> list[str]:
    """Return the states that a host of a system can be in, and that matter where the driver comes from a source."""
    found = [name for name in STATES if system.ubuntu or name not in PPA_STATES]
    named = source == "nvidia" and system.os in NAMED_SYSTEMS
    return [name for name in found if named or name != NAMED]


def _listed_ppa(host: Host) -> str:
    """Return the PPA's address as add-apt-repository writes it into a list."""
    return f"{PPA}/" if host.system.os >= FIRST_WITH_NEW_ADDRESS else OLD_PPA


def _nvidia_by_hand(host: Host) -> None:
    keyring = "/etc/apt/keyrings/nvidia-cuda.gpg"
    host.keys.of_repository(host.system.distro).export(host.root.path(keyring), armor=False)
    host.root.write(
        f"{SOURCES}/nvidia-cuda.list",
        f"deb [arch=amd64 signed-by={keyring}] {NVIDIA}/{host.system.distro}/x86_64/ /\n",
    )


def _closure(host: Host, names: list[str], versions: Mapping[str, str] | None = None) -> list[Deb]:
    """Return packages with all that they depend on, the first alternative and the oldest version of each.

    Args:
        versions: part of a name -> the beginning of the version that such packages must have.
    """
    found: dict[str, Deb] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found or name in host.root.installed:
            continue
        wanted = next((v for part, v in (versions or {}).items() if part in name), "")
        debs = [deb for (known, _), deb in host.known.items() if known == name]
        deb = next(deb for deb in debs if deb.version.startswith(wanted))
        found[name] = deb
        for relation in deb.relations:
            if relation.field == "Depends":
                todo.append(relation.text.split(" ")[0])
    return list(found.values())
