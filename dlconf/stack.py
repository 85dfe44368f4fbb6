"""What the resolver reads and gives: a machine in, a resolution out. Plain data, no rule.

Versions are text as the vendor writes them, memory is MiB, PCI numbers are lower-case hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from dlconf.facts import nvswitches
from dlconf.gpunames import device_id

if TYPE_CHECKING:
    from dlconf.catalogue import Catalogue

NVIDIA_VENDOR = "10de"
DISPLAY_CLASS = "03"  # PCI base class: 0300 VGA, 0302 3D (data centre, laptop), 0380 other display

PAST_SYSTEMS = ("ubuntu-16.04", "ubuntu-18.04", "debian-11")
"""Systems of which the catalogue can still say what fits, and which dlconf does not set up."""


@dataclass(frozen=True, slots=True)
class PciGpu:
    """One NVIDIA display controller as the PCI bus shows it; `subsystem` is "vvvv:ssss".

    `shows_nothing`: no connector of it has a screen, and the machine did not start on it; False
    where that is not known.
    """

    slot: str
    device: str
    subsystem: str = ""
    shows_nothing: bool = False


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What of a host counts for its stack.

    Attributes:
        os: "<id>-<VERSION_ID>" ("ubuntu-22.04"); os_name: as os-release says it.
        architecture: as `uname -m` says it.
        glibc: version; None = that of the release.
        kernel: the running one, as `uname -r` says it; "" = not known.
        gpus: NVIDIA display controllers, in slot order.
        other_gpus: vendor and device ids of display controllers that are not NVIDIA's.
        nvswitches: how many NVSwitches join them.
        driver_names: PCI slot -> product name, where a loaded driver told it.
        packages: installed Debian packages, name -> version.
        environments: prefix of a Python environment -> what is in it (see dlconf.facts).
        record: the choice that dlconf recorded on the host (see dlconf.resolve.record).
        is_host: it stands somewhere; False where it is only described in words.
    """

    os: str
    os_name: str = ""
    architecture: str = "x86_64"
    kernel: str = ""
    glibc: str | None = None
    gpus: tuple[PciGpu, ...] = ()
    other_gpus: tuple[tuple[str, str], ...] = ()
    nvswitches: int = 0
    driver_names: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    record: Mapping[str, Any] | None = None
    is_host: bool = True

    @property
    def is_of_the_past(self) -> bool:
        """Whether it is no host, and has a system that dlconf no longer sets up."""
        return not self.is_host and self.os in PAST_SYSTEMS

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Machine:
        """Take from collected facts (dlconf.facts, schema 1) what counts."""
        system = facts["os"]
        packages = (facts.get("dpkg") or {}).get("packages") or {}
        return cls(
            os=f"{system['id']}-{system['version']}",
            os_name=system.get("name", ""),
            architecture=facts["architecture"],
            kernel=facts.get("kernel", ""),
            glibc=facts.get("glibc"),
            gpus=_nvidia_gpus(facts.get("pci") or ()),
            other_gpus=_other_gpus(facts.get("pci") or ()),
            nvswitches=len(nvswitches(facts.get("pci") or ())),
            driver_names={
                gpu["slot"]: gpu["name"] for gpu in (facts.get("nvidia") or {}).get("gpus") or ()
            },
            packages={
                name: package["version"]
                for name, package in packages.items()
                if package.get("status", "installed") == "installed"
            },
            environments=facts.get("environments") or {},
            record=facts.get("record"),
        )

    @classmethod
    def described(
        cls,
        *,
        gpus: Sequence[str],
        os: str,
        architecture: str = "x86_64",
        kernel: str = "",
        catalogue: Catalogue,
    ) -> Machine:
        """Describe a machine in words: GPU names or PCI ids, an operating system, a kernel.

        Raises:
            UsageError: no GPU has that name (the nearest names are the hint), or several do.
        """
        return cls(
            os=os,
            architecture=architecture,
            kernel=kernel,
            is_host=False,
            gpus=tuple(
                PciGpu(f"0000:{index:02x}:00.0", device_id(words, catalogue))
                for index, words in enumerate(gpus, start=1)
            ),
        )


def _other_gpus(functions: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (pci["vendor"].lower(), pci["device"].lower())
            for pci in functions
            if pci["vendor"].lower() != NVIDIA_VENDOR and pci["class"].startswith(DISPLAY_CLASS)
        )
    )


def _nvidia_gpus(functions: Iterable[Mapping[str, Any]]) -> tuple[PciGpu, ...]:
    return tuple(
        sorted(
            (
                PciGpu(
                    pci["slot"],
                    pci["device"].lower(),
                    f"{pci.get('subsystem_vendor') or ''}:{pci.get('subsystem_device') or ''}".lower(),
                    pci.get("display") == {"connected": False, "boot_vga": False},
                )
                for pci in functions
                if pci["vendor"].lower() == NVIDIA_VENDOR and pci["class"].startswith(DISPLAY_CLASS)
            ),
            key=lambda gpu: gpu.slot,
        )
    )


@dataclass(frozen=True, slots=True)
class Driver:
    """The chosen driver: branch ("580"), kernel-module flavour, version."""

    branch: str
    flavour: str
    version: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A chosen version of CUDA, cuDNN or Python."""

    version: str


@dataclass(frozen=True, slots=True)
class Framework:
    """A chosen framework build, with pip's arguments for it."""

    name: str
    version: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """A version of everything; None where a component is not needed or cannot be had."""

    driver: Driver | None
    cuda: Chosen | None
    cudnn: Chosen | None
    python: Chosen
    frameworks: tuple[Framework, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a component got its version: one sentence, and the row that says so."""

    component: str
    choice: str
    because: str
    source: str


@dataclass(frozen=True, slots=True)
class ReportedGpu:
    """A GPU of the host as the catalogue knows it; `known` is False where a rule guessed."""

    slot: str
    device: str
    name: str
    architecture: str
    compute_capability: str
    memory_mib: int | None
    known: bool


@dataclass(frozen=True, slots=True)
class Resolution:
    """The chosen stack, how to install it (dlconf.resolve.install), and why.

    `costs`: what weak GPUs cost the others, to be said before all else.
    `wished`: frameworks that the host's record is to keep as wishes (dlconf.wishes).
    """

    stack: Stack
    install: Any
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    gpus: tuple[ReportedGpu, ...]
    costs: tuple[str, ...] = ()
    wished: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the resolution as plain JSON data, with keys in the order of the fields.

        `costs` and `wished` are there only where they hold something.
        """
        plain = _plain(self)
        assert isinstance(plain, dict)  # noqa: S101 - for the type checker
        return {
            name: value for name, value in plain.items() if name not in ("costs", "wished") or value
        }


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
