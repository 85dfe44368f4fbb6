"""Which section of the catalogue lies in which file, what its rows are, and what names a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dlconf.catalogue import model


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its data file, the dataclass of its rows, and the fields that name a row."""

    file: str
    kind: type[model.Row]
    key: tuple[str, ...]


SECTIONS: Mapping[str, Section] = {
    "meta": Section("rules.yml", model.Meta, ("as_of",)),
    "architectures": Section("architectures.yml", model.Architecture, ("name",)),
    "device_id_bands": Section("architectures.yml", model.DeviceIdBand, ("first",)),
    "gpus": Section("gpus.yml", model.Gpu, ("id",)),
    "vgpus": Section("vgpus.yml", model.Vgpu, ("device",)),
    "drivers": Section("drivers.yml", model.DriverBranch, ("branch",)),
    "driver_packages": Section(
        "driver_packages.yml",
        model.DriverPackage,
        ("os", "source_name", "branch", "flavour", "variant"),
    ),
    "distros": Section("cuda.yml", model.Distro, ("id",)),
    "cuda": Section("cuda.yml", model.CudaRelease, ("version",)),
    "cuda_local_repos": Section(
        "cuda.yml", model.CudaLocalRepo, ("distro", "cuda", "architecture")
    ),
    "cudnn": Section("cudnn.yml", model.CudnnBuild, ("version", "cuda_major", "built_for")),
    "cudnn_local_repos": Section(
        "cudnn.yml", model.CudnnLocalRepo, ("distro", "cudnn", "architecture")
    ),
    "frameworks": Section(
        "frameworks.yml", model.FrameworkBuild, ("framework", "version", "build")
    ),
    "pythons": Section("frameworks.yml", model.PythonVersion, ("version",)),
    "conda": Section("conda.yml", model.CondaInstaller, ("distribution", "version")),
    "host_traps": Section("rules.yml", model.HostTrap, ("id",)),
    "rules": Section("rules.yml", model.Rule, ("id",)),
    "kernel_builds": Section(
        "rules.yml", model.KernelBuild, ("branch", "packaging", "version", "kernel")
    ),
    "sightings": Section(
        "rules.yml", model.Sighting, ("framework", "versions", "compute_capability")
    ),
}
