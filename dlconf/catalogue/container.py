"""The catalogue as the resolver sees it: sections of rows, and lookups by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar, cast

from dlconf.catalogue import gpusearch, model
from dlconf.catalogue.gpusearch import plain_id
from dlconf.catalogue.model import Row

R = TypeVar("R", bound=Row)


class Catalogue:
    """All rows, by section; a section is read when it is first asked for.

    Args:
        sections: section name -> its rows (the loader gives a lazy mapping).
    """

    def __init__(self, sections: Mapping[str, Sequence[Row]]) -> None:
        self._sections = sections

    def with_rows(self, section: str, rows: Sequence[Row]) -> Catalogue:
        """Give a copy in which one section holds these rows instead (for what-if questions)."""
        return Catalogue(
            {name: rows if name == section else self._sections[name] for name in self._sections}
        )

    def sections(self) -> tuple[str, ...]:
        """Name the sections, in the order of the data files."""
        return tuple(self._sections)

    def rows(self, section: str) -> tuple[Row, ...]:
        """Give the rows of a section, in file order. KeyError for an unknown section."""
        return tuple(self._sections[section])

    def _typed(self, section: str, kind: type[R]) -> tuple[R, ...]:
        del kind  # the loader has built rows of this class; it only types the answer
        return cast("tuple[R, ...]", self.rows(section))

    @cached_property
    def as_of(self) -> str:
        """The day ("YYYY-MM-DD") whose knowledge this is: the resolver's today."""
        return self._typed("meta", model.Meta)[0].as_of

    @cached_property
    def architectures(self) -> Mapping[str, model.Architecture]:
        """Architectures by name, oldest first."""
        return MappingProxyType(
            {row.name: row for row in self._typed("architectures", model.Architecture)}
        )

    @cached_property
    def gpus(self) -> Mapping[str, model.Gpu]:
        """GPUs by PCI device id."""
        return MappingProxyType({row.id: row for row in self._typed("gpus", model.Gpu)})

    def gpu(self, device_id: str) -> model.Gpu | None:
        """The row of a PCI device id (hex, any case, `0x` or `10de:` in front); None if unknown."""
        return self.gpus.get(plain_id(device_id))

    def find_gpus(self, words: str) -> tuple[model.Gpu, ...]:
        """GPUs one of whose names has every word, or whose id is `words`; the likest first."""
        named = gpusearch.named(self.gpus.values(), words)
        exact = self.gpu(words.strip())
        return named if exact is None or exact in named else (*named, exact)

    def nearest_gpu_names(self, words: str, count: int = 5) -> tuple[str, ...]:
        """Names like `words`, the likest first: what to say when find_gpus found none."""
        return gpusearch.nearest_names(self.gpus.values(), words, count)

    def gpu_beside(self, device_id: str) -> model.Gpu | None:
        """A row of the chip that an id without a row must have; None where that is not sure."""
        return gpusearch.beside(self.gpus.values(), plain_id(device_id))

    @cached_property
    def _vgpus(self) -> Mapping[str, model.Vgpu]:
        return {row.device: row for row in self._typed("vgpus", model.Vgpu)}

    def vgpu(self, device_id: str, subsystem: str) -> tuple[str, model.Vgpu] | None:
        """The name of a hypervisor's share of a card, and its row; None for a card itself.

        `subsystem` is "vvvv:ssss", as a guest sees it.
        """
        vendor, _, number = subsystem.partition(":")
        row = self._vgpus.get(plain_id(device_id)) if vendor == gpusearch.NVIDIA_VENDOR else None
        name = row.subsystems.get(number) if row else None
        return (name, row) if row and name else None

    def device_id_band(self, device_id: str) -> model.DeviceIdBand | None:
        """The band an unknown id lies in; None when no band holds it."""
        plain = plain_id(device_id)
        return next(
            (
                band
                for band in self._typed("device_id_bands", model.DeviceIdBand)
                if band.first <= plain <= band.last
            ),
            None,
        )

    @cached_property
    def drivers(self) -> Mapping[str, model.DriverBranch]:
        """Driver branches by name ("580"), oldest first."""
        return MappingProxyType(
            {row.branch: row for row in self._typed("drivers", model.DriverBranch)}
        )

    @cached_property
    def driver_packages(self) -> tuple[model.DriverPackage, ...]:
        """All driver package rows."""
        return self._typed("driver_packages", model.DriverPackage)

    def packages_for(self, os: str, branch: str) -> tuple[model.DriverPackage, ...]:
        """Driver package rows of an operating system ("ubuntu-22.04") and branch ("580")."""
        return self._packages_by_os.get((os, branch), ())

    @cached_property
    def _packages_by_os(self) -> Mapping[tuple[str, str], tuple[model.DriverPackage, ...]]:
        found: dict[tuple[str, str], tuple[model.DriverPackage, ...]] = {}
        for row in self.driver_packages:
            found[row.os, row.branch] = (*found.get((row.os, row.branch), ()), row)
        return found

    @cached_property
    def distros(self) -> Mapping[str, model.Distro]:
        """Operating systems by NVIDIA's word ("ubuntu2204")."""
        return MappingProxyType({row.id: row for row in self._typed("distros", model.Distro)})

    def distro_of(self, os: str) -> model.Distro | None:
        """The distro row of an operating system ("ubuntu-22.04"); None if NVIDIA has none."""
        return next((row for row in self.distros.values() if row.os == os), None)

    @cached_property
    def cuda(self) -> Mapping[str, model.CudaRelease]:
        """CUDA toolkits by version ("12.8.1"), oldest first."""
        return MappingProxyType(
            {row.version: row for row in self._typed("cuda", model.CudaRelease)}
        )

    @cached_property
    def _cuda_local_repos(self) -> Mapping[tuple[str, str, str], model.CudaLocalRepo]:
        return {
            (row.distro, row.cuda, row.architecture): row
            for row in self._typed("cuda_local_repos", model.CudaLocalRepo)
        }

    def cuda_local_repo(
        self,
        distro: str,
        version: str,
        architecture: str = "x86_64",
    ) -> model.CudaLocalRepo | None:
        """The local repository of a toolkit version for a distro ("ubuntu2204"); None if none."""
        return self._cuda_local_repos.get((distro, version, architecture))

    @cached_property
    def cudnn(self) -> tuple[model.CudnnBuild, ...]:
        """cuDNN builds, oldest first."""
        return self._typed("cudnn", model.CudnnBuild)

    @cached_property
    def _cudnn_local_repos(self) -> Mapping[tuple[str, str, str], model.CudnnLocalRepo]:
        return {
            (row.distro, row.cudnn, row.architecture): row
            for row in self._typed("cudnn_local_repos", model.CudnnLocalRepo)
        }

    def cudnn_local_repo(
        self, distro: str, version: str, architecture: str = "x86_64"
    ) -> model.CudnnLocalRepo | None:
        """The local repository of a cuDNN for a distro; None if none is known.

        `version` is a build's ("9.10.2.21") or its first three numbers, as NVIDIA names the files.
        """
        short = ".".join(version.split(".")[:3])
        repos = self._cudnn_local_repos
        return repos.get((distro, version, architecture)) or repos.get(
            (distro, short, architecture)
        )

    @cached_property
    def frameworks(self) -> Mapping[str, tuple[model.FrameworkBuild, ...]]:
        """Builds by framework name ("pytorch"), in file order (newest first within a build)."""
        found: dict[str, list[model.FrameworkBuild]] = {}
        for row in self._typed("frameworks", model.FrameworkBuild):
            found.setdefault(row.framework, []).append(row)
        return MappingProxyType({name: tuple(rows) for name, rows in found.items()})

    @cached_property
    def pythons(self) -> Mapping[str, model.PythonVersion]:
        """Python versions by "X.Y", oldest first."""
        return MappingProxyType(
            {row.version: row for row in self._typed("pythons", model.PythonVersion)}
        )

    def conda(self, distribution: str) -> tuple[model.CondaInstaller, ...]:
        """Installers of a distribution, newest first; empty for an unknown one."""
        return tuple(
            row
            for row in self._typed("conda", model.CondaInstaller)
            if row.distribution == distribution
        )

    @cached_property
    def host_traps(self) -> tuple[model.HostTrap, ...]:
        """Toolkits that do not work on some operating systems."""
        return self._typed("host_traps", model.HostTrap)

    @cached_property
    def rules(self) -> Mapping[str, model.Rule]:
        """Rules of the field by id."""
        return MappingProxyType({row.id: row for row in self._typed("rules", model.Rule)})

    @cached_property
    def kernel_builds(self) -> Mapping[str, tuple[model.KernelBuild, ...]]:
        """What was seen to build on a kernel or to fail, by branch."""
        found: dict[str, tuple[model.KernelBuild, ...]] = {}
        for row in self._typed("kernel_builds", model.KernelBuild):
            found[row.branch] = (*found.get(row.branch, ()), row)
        return MappingProxyType(found)

    @cached_property
    def sightings(self) -> Mapping[tuple[str, str], tuple[model.Sighting, ...]]:
        """What was seen to run or fail, by framework and compute capability."""
        found: dict[tuple[str, str], tuple[model.Sighting, ...]] = {}
        for row in self._typed("sightings", model.Sighting):
            key = row.framework, row.compute_capability
            found[key] = (*found.get(key, ()), row)
        return MappingProxyType(found)

    @cached_property
    def first_cuda(self) -> Mapping[str, str]:
        """Compute capability -> first toolkit release that makes code for it."""
        return MappingProxyType(
            {
                capability: release
                for row in self.architectures.values()
                for capability, release in row.first_cuda.items()
            }
        )
