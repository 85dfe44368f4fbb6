"""Rows about GPUs and their drivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dlconf.catalogue.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture(Row):
    """A GPU generation ("pascal").

    Attributes:
        compute_capabilities: all of the generation, ascending.
        chips: chip code name -> compute capability.
        first_driver_branch: compute capability -> first branch that drives it.
        last_driver_branch: last branch that drives it; None while the newest one still does.
        kernel_modules: `proprietary`, `both` or `open`: what its cards can use.
        open_from: first branch whose open modules drive it; None where none does or unknown.
        first_cuda, last_cuda: compute capability -> toolkit release whose nvcc makes code for it;
            a capability absent from `last_cuda` is still served by the newest toolkit.
        supported: False where dlconf refuses (below compute capability 3.0 no framework runs).
    """

    name: str
    compute_capabilities: tuple[str, ...]
    chips: Mapping[str, str]
    first_driver_branch: Mapping[str, str]
    last_driver_branch: str | None
    kernel_modules: str
    open_from: str | None = None
    first_cuda: Mapping[str, str] = field(default_factory=dict)
    last_cuda: Mapping[str, str] = field(default_factory=dict)
    supported: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu(Row):
    """One PCI device id of vendor 10de.

    Attributes:
        id: four lower-case hex digits.
        chip: code name; None where pci.ids names none.
        architecture: name of an `Architecture`.
        compute_capability: None below Fermi.
        gpu_class: `geforce`, `workstation`, `datacenter`, `cmp` (mining), `embedded` or `other`.
        memory_mib: every size sold under this id, ascending; empty when unknown.
        memory_verified: the size stands in NVIDIA's product name; False = a nominal figure.
        kernel_modules: `proprietary`, `both` or `open`.
        last_branch: last driver branch of this very card; None while still supported.
        min_driver: first driver version that lists an open-only card; None = see Architecture.
        host_architecture: as `uname -m` says it, of the only machines that have it: a chip that is
            one with an ARM processor is in no other; None for a card of any machine.
        other_names: further product names of the id.
        subsystems: "vvvv:ssss" (PCI subsystem vendor:device) -> product name.
    """

    id: str
    name: str
    chip: str | None
    architecture: str
    compute_capability: str | None
    gpu_class: str
    memory_mib: tuple[int, ...] = ()
    memory_verified: bool = False
    kernel_modules: str
    last_branch: str | None = None
    min_driver: str | None = None
    host_architecture: str | None = None
    other_names: tuple[str, ...] = ()
    subsystems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vgpu(Row):
    """The shares of one card that a hypervisor gives to its guests.

    A guest sees the id of the card (`device`), with a subsystem of NVIDIA's that no card has:
    `subsystems` is the four hex digits of it -> name of the share ("GRID M60-2Q").
    """

    device: str
    subsystems: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIdBand(Row):
    """The safe rule for an id without a row: a range of ids and the last branch for it.

    `first`..`last` (inclusive, four hex digits) compare as text. `last_driver_branch` None = the
    newest branch still drives it. `architecture_from` is the oldest generation of the band.
    """

    first: str
    last: str
    last_driver_branch: str | None
    architecture_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverBranch(Row):
    """A driver branch.

    Attributes:
        latest_version: newest point release seen; latest_version_verified: read, not remembered.
        type: `production`, `new_feature`, `long_term`, `legacy` or `unknown`.
        end_of_life: "YYYY-MM", `unmaintained` (over, date not seen) or None (not published).
        architectures: generations some flavour of it drives; see also first_driver_branch there.
        cuda: CUDA version it carries; toolkits up to it run natively. None before CUDA.
        flavours: kernel-module flavours it ships.
        min_compute_capability: lowest it drives.
    """

    branch: str
    latest_version: str
    latest_version_verified: bool = False
    type: str
    end_of_life: str | None
    architectures: tuple[str, ...]
    cuda: str | None
    flavours: tuple[str, ...]
    min_compute_capability: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverPackage(Row):
    """The packages that install one branch in one flavour on one operating system.

    Attributes:
        os: "ubuntu-22.04".
        source_name: `ppa` (graphics-drivers), `distribution` or `nvidia` (network repository).
        flavour: `proprietary` or `open`.
        variant: `desktop`, or `server` (Ubuntu's -server) or `tesla` (Debian's second set of the
            same branch): these two only where wished.
        packages: names for apt, the whole set (metapackage, DKMS source, utilities).
        version: newest version seen; None = not seen.
        transitional_to: what the names really install when they are only a transition: a
            branch ("580"), a branch in one flavour ("615-open") or `unknown`; else None.
        source_package: fnmatch pattern of the dpkg source packages to hold.
        dkms_module: name in `dkms status`.
        pin_package: package of NVIDIA's repository that pins the branch; install it before.
    """

    os: str
    branch: str
    source_name: str
    flavour: str
    variant: str = "desktop"
    packages: tuple[str, ...]
    version: str | None = None
    transitional_to: str | None = None
    source_package: str
    dkms_module: str
    pin_package: str | None = None
