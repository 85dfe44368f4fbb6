"""The facts of a host, as the module `dlconf_collect` gathers them and as tests record them.

Facts are plain JSON data and stay so: they are compared, stored and sent as they came. The types below say what is
in them, and `read` holds what comes from a host or a file to them. Sizes are in MiB, versions are text, PCI numbers
are lower-case hexadecimal.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any, Literal, NotRequired, TypedDict, cast

from dlconf import shape
from dlconf.errors import DlconfError

SCHEMA = 1


class OperatingSystem(TypedDict):
    """Fields of os-release."""

    id: str
    version: str
    codename: str
    name: str


class PcieLink(TypedDict):
    """A card's PCIe link: speed in GT/s and width in lanes, now, at most, and of the port above; None = not known."""

    speed_gts: float | None
    max_speed_gts: float | None
    port_speed_gts: float | None
    width: float | None
    max_width: float | None
    port_width: float | None


class DisplayUse(TypedDict):
    """Whether a connector of a card has a screen, and whether the machine started on it; None = not known."""

    connected: bool | None
    boot_vga: bool | None


class PciDevice(TypedDict):
    """One PCI function; `class` is six hexadecimal digits; NVIDIA's display controllers have a link."""

    slot: str
    vendor: str
    device: str
    subsystem_vendor: str
    subsystem_device: str
    driver: str | None
    link: NotRequired[PcieLink]
    display: NotRequired[DisplayUse]


class Temperature(TypedDict):
    """A card's temperature, and the one from which on it slows down; in degrees Celsius."""

    slot: str
    celsius: float
    limit_celsius: float | None


class DataDisk(TypedDict):
    """The disks below the data path; `rotational` is None where the kernel cannot say."""

    path: str
    devices: list[str]
    rotational: bool | None


class GpuProcess(TypedDict):
    """One process that holds a GPU's device file open; `command` is its name without arguments."""

    pid: int
    user: str
    command: str


class NvidiaState(TypedDict):
    """What the running kernel says of NVIDIA's module, and the library on disk."""

    module_version: str | None
    module_flavour: Literal["open", "proprietary"] | None
    library_version: str | None
    nouveau_loaded: bool
    gpus: list[dict[str, str]]
    processes: list[GpuProcess]


class DkmsBuild(TypedDict):
    """One module build; `state` is added, built or installed."""

    module: str
    version: str
    kernel: str | None
    state: str


class Package(TypedDict):
    """One installed Debian package."""

    version: str
    source: str
    status: str
    hold: bool


class DpkgState(TypedDict):
    """Watched packages by name, and all packages that dpkg left half-done."""

    packages: dict[str, Package]
    broken: list[str]


class Source(TypedDict):
    """One index of a package source as apt names it, and the origin that its Release file names."""

    source: str
    origin: str


class Candidate(TypedDict):
    """The version that apt would choose, where it is not the installed one, and the sources that offer it."""

    version: str
    sources: list[Source]


class UnattendedUpgrades(TypedDict):
    """Whether apt upgrades by itself each day, and the patterns (`re.match`) of names that it then leaves alone."""

    enabled: bool
    blacklist: list[str]


class SourceStatement(TypedDict):
    """One repository that a source file of apt's states, without password; `signed_by` is "" where no key is named."""

    file: str
    uri: str
    suite: str
    signed_by: str


class AptState(TypedDict):
    """What apt says of watched packages (None where it fails), and of its daily job (None where there is none).

    `sources` is what its source files state, in the order in which it reads them; stored facts may lack them.
    """

    candidates: dict[str, Candidate] | None
    unattended_upgrades: UnattendedUpgrades | None
    sources: NotRequired[list[SourceStatement]]


class PathState(TypedDict):
    """One existing path; `sha256` and `size` (bytes) for files, `target` for links; `special` is a FIFO, a device...

    `content` is `as set` or `differs`, for a secret file that the host compared by itself.
    """

    type: Literal["file", "directory", "link", "special"]
    mode: NotRequired[str]
    owner: NotRequired[str]
    group: NotRequired[str]
    sha256: NotRequired[str]
    size: NotRequired[int]
    content: NotRequired[str]
    target: NotRequired[str]
    fingerprints: NotRequired[list[str]]


class Environment(TypedDict):
    """One Python environment; `python` is None where the interpreter does not run.

    `damaged`: watched distribution -> its first file that is missing or of another size than recorded.
    """

    python: str | None
    packages: dict[str, str]
    damaged: dict[str, str]
    conda: dict[str, str]


class Unit(TypedDict):
    """One systemd unit, in systemd's own words (LoadState, UnitFileState, ActiveState).

    `skipped`: systemd does not start it here because a condition of the unit does not hold, as in a container.
    """

    load: str
    enabled: str
    active: str
    skipped: NotRequired[bool]


class User(TypedDict):
    """One user; `groups` are all of them, the primary one first."""

    uid: int
    home: str
    shell: str
    groups: list[str]


class LaterFacts(TypedDict, total=False):
    """Facts that the first versions did not gather; stored ones may lack them.

    `unread`: what is there or was asked, and gave no answer (a path as it is watched, a program) -> why.
    """

    data_disk: DataDisk
    temperatures: list[Temperature]
    unread: dict[str, str]


class Facts(LaterFacts):
    """All that is known of a host.

    `kernels` are those with headers; `next_kernel` is the newest that can boot, with headers or without.
    `reboot_required` are the packages that ask for a restart; None where the system asks for none.
    """

    schema: int
    hostname: str
    os: OperatingSystem
    architecture: str
    kernel: str
    glibc: str | None
    python: str
    memory_mib: int
    free_mib: dict[str, int]
    secure_boot: bool | None
    pci: list[PciDevice]
    nvidia: NvidiaState
    kernels: list[str]
    next_kernel: str | None
    reboot_required: list[str] | None
    dkms: list[DkmsBuild]
    dpkg: DpkgState
    apt: AptState
    paths: dict[str, PathState]
    environments: dict[str, Environment]
    units: dict[str, Unit]
    users: dict[str, User]
    groups: dict[str, int]
    json: dict[str, dict[str, Any] | None]
    lines: dict[str, list[str]]
    record: dict[str, Any] | None


def unread(facts: Facts, *names: str) -> str | None:
    """Return why the host could not say what is asked for, None where it said it.

    Args:
        facts: of the host.
        names: what would have told it: a path, which may match a pattern that was not read, or a program.
    """
    for what, why in facts.get("unread", {}).items():
        if any(name == what or fnmatch.fnmatchcase(name, what) for name in names):
            return f"not read: {why}"
    return None


def read(data: Any) -> Facts:
    """Return decoded JSON as facts.

    Raises:
        DlconfError: the data has another schema, lacks a field, or one is of a wrong type.
    """
    if not isinstance(data, dict):
        raise DlconfError("these facts are no JSON object")
    if data.get("schema") != SCHEMA:
        raise DlconfError(
            f"these facts have schema {data.get('schema')!r}; this dlconf reads schema {SCHEMA}",
            hint="collect them again with `dlconf detect --json`",
        )
    if missing := sorted(Facts.__required_keys__ - data.keys()):
        raise DlconfError(f"these facts lack {', '.join(missing)}")
    if wrong := shape.check_of(Facts)(data):
        raise DlconfError(f"these facts cannot be: {wrong.removeprefix('.')}")
    return cast(Facts, dict(data))


NVSWITCH_DEVICES = frozenset({"1ac2", "1af1", "22a3"})
"""PCI device ids of NVSwitches: of the HGX-2, HGX A100 and HGX H100 baseboards.

From the baseboards in NVIDIA's Fabric Manager user guide, and pci.ids. The class (0680, bridge) does not tell: boards
with an nForce chipset have such functions too. The NVSwitches of an HGX B200 are no PCI functions of the host.
"""


def nvswitches(pci: Iterable[PciDevice]) -> list[str]:
    """Return the slots of the NVSwitches among PCI functions."""
    return [
        device["slot"]
        for device in pci
        if device["vendor"] == "10de" and device["device"] in NVSWITCH_DEVICES
    ]
