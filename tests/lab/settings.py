"""What a lab is: its name, folder, addresses and machines. Pure but for reading `machines.yml`."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.lab.command import LabError

HERE = Path(__file__).resolve().parent
DEFAULT_HOSTS = 4
MAXIMUM_HOSTS = 60
MIRROR_ADDRESS = 2
FIRST_MACHINE_ADDRESS = 11
SUPERNET = ipaddress.ip_network("10.77.0.0/16")


@dataclass(frozen=True)
class PciFunction:
    """One function on a machine's PCI bus; numbers as `lspci -nn` prints them, without 0x."""

    slot: str
    vendor: int
    device: int
    pci_class: int
    subsystem_vendor: int = 0
    subsystem_device: int = 0
    driver: str | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of machine: its operating system, its PCI bus and what is wished for it.

    Attributes:
        options: options of `podman create` for such a machine.
        on_request: a lab has one only when its kind is named.
    """

    name: str
    os: str
    groups: tuple[str, ...]
    pci: tuple[PciFunction, ...]
    variables: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    on_request: bool = False


@dataclass(frozen=True)
class Machine:
    """One machine of a lab."""

    name: str
    kind: Kind
    address: str

    @property
    def mac(self) -> str:
        """Its hardware address, made of its IP address: the same after each boot, so that no
        ARP table holds an older one."""
        return ":".join(
            f"{byte:02x}" for byte in (2, 66, *ipaddress.ip_address(self.address).packed)
        )


@dataclass(frozen=True)
class Lab:
    """A lab on this machine; two labs differ in name or folder and share nothing.

    Attributes:
        name: the user's word for it.
        state: absolute path of its folder.
        hosts: how many machines it has.
        kinds: names of the kinds that they are of; none takes all kinds in turn.
    """

    name: str
    state: Path
    hosts: int = DEFAULT_HOSTS
    kinds: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Name for everything of this lab on the machine; the folder makes it unique."""
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:4]
        return f"dlconf-{self.name}-{digest}"

    def container(self, machine: str) -> str:
        """Return the name of a machine's container."""
        return f"{self.identity}-{machine}"


def default_state(name: str) -> Path:
    """Return the folder a lab of this name gets: `.lab` for the lab called `lab`."""
    return Path(".lab" if name == "lab" else f".lab-{name}").absolute()


def load_kinds(path: Path = HERE / "machines.yml") -> list[Kind]:
    """Read the kinds of machines in the order in which a lab takes them."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))["machines"]
    return [
        Kind(
            name=row["kind"],
            os=row["os"],
            groups=tuple(row["groups"]),
            pci=tuple(_pci_function(text) for text in row["pci"]),
            variables=row.get("variables", {}),
            options=tuple(row.get("options", ())),
            on_request=row.get("on_request", False),
        )
        for row in rows
    ]


def _pci_function(text: str) -> PciFunction:
    """Read `01:00.0 10de:2204 0300 1043:87b3 nouveau`; subsystem and driver may be absent."""
    slot, ids, pci_class, *rest = text.split()
    vendor, device = (int(part, 16) for part in ids.split(":"))
    subsystem = [int(part, 16) for part in rest[0].split(":")] if rest else [0, 0]
    return PciFunction(
        slot=slot,
        vendor=vendor,
        device=device,
        pci_class=int(pci_class, 16),
        subsystem_vendor=subsystem[0],
        subsystem_device=subsystem[1],
        driver=rest[1] if len(rest) > 1 else None,
    )


def chosen(kinds: list[Kind], names: Sequence[str]) -> list[Kind]:
    """Return the kinds of these names, in the order of the names; those of every lab where none is named.

    Raises:
        LabError: there is no kind of that name.
    """
    by_name = {kind.name: kind for kind in kinds}
    if unknown := [name for name in names if name not in by_name]:
        raise LabError(f"no kind of machine {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in names] or [kind for kind in kinds if not kind.on_request]


def machines(kinds: list[Kind], hosts: int, subnet: str) -> list[Machine]:
    """Lay out `hosts` machines in a subnet, repeating the kinds (`gtx1080ti-2`) when they run out.

    Raises:
        LabError: the number is not between 1 and the addresses that are set aside.
    """
    if not 1 <= hosts <= MAXIMUM_HOSTS:
        raise LabError(f"a lab has 1 to {MAXIMUM_HOSTS} machines, not {hosts}")
    addresses = ipaddress.ip_network(subnet)
    result = []
    for index in range(hosts):
        kind = kinds[index % len(kinds)]
        round_number = index // len(kinds) + 1
        name = kind.name if round_number == 1 else f"{kind.name}-{round_number}"
        result.append(Machine(name, kind, str(addresses[FIRST_MACHINE_ADDRESS + index])))
    return result


def mirror_address(subnet: str) -> str:
    """Return the address of the vendor mirror in a lab's subnet."""
    return str(ipaddress.ip_network(subnet)[MIRROR_ADDRESS])


def subnet_candidates(identity: str) -> Iterator[str]:
    """Yield every /24 of 10.77.0.0/16 once, starting where the lab's identity points."""
    start = int(hashlib.sha256(identity.encode()).hexdigest(), 16)
    networks = list(SUPERNET.subnets(new_prefix=24))
    for offset in range(len(networks)):
        yield str(networks[(start + offset) % len(networks)])


def pick_subnet(identity: str, taken: Iterable[str]) -> str:
    """Return the lab's first candidate that overlaps none of the `taken` networks.

    Raises:
        LabError: all are taken.
    """
    used = [ipaddress.ip_network(text, strict=False) for text in taken]
    for candidate in subnet_candidates(identity):
        network = ipaddress.ip_network(candidate)
        if not any(network.overlaps(other) for other in used if other.version == network.version):
            return candidate
    raise LabError(f"every subnet of {SUPERNET} is in use")
