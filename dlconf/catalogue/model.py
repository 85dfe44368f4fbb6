"""The rows of the catalogue, one frozen dataclass a kind. Plain data: no rule is decided here.

Words and units: versions are strings as the vendor writes them; a compute capability is text
("8.6"), a list of compiled codes is integers (`sm_86` is 86); memory is MiB; a driver branch is
the first number of a driver version ("580"); an operating system is `<id>-<VERSION_ID>`
("ubuntu-22.04"), NVIDIA's own word for it is a distro ("ubuntu2204"). Every row says where its
facts come from (`source`) and whether that was read there (`verified`; False means generated from
a pattern, derived or remembered: such a row is never chosen silently).
"""

from __future__ import annotations

from dlconf.catalogue.row import Row
from dlconf.catalogue.rows_cuda import (
    CudaLocalRepo,
    CudaRelease,
    CudnnBuild,
    CudnnLocalRepo,
    Distro,
)
from dlconf.catalogue.rows_hardware import (
    Architecture,
    DeviceIdBand,
    DriverBranch,
    DriverPackage,
    Gpu,
    Vgpu,
)
from dlconf.catalogue.rows_software import (
    CondaInstaller,
    FrameworkBuild,
    HostTrap,
    KernelBuild,
    Meta,
    PythonVersion,
    Rule,
    Sighting,
)

__all__ = [
    "Architecture",
    "CondaInstaller",
    "CudaLocalRepo",
    "CudaRelease",
    "CudnnBuild",
    "CudnnLocalRepo",
    "DeviceIdBand",
    "Distro",
    "DriverBranch",
    "DriverPackage",
    "FrameworkBuild",
    "Gpu",
    "HostTrap",
    "KernelBuild",
    "Meta",
    "PythonVersion",
    "Row",
    "Rule",
    "Sighting",
    "Vgpu",
]
