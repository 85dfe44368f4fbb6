"""Builds the package sites of the mirror: the PPA, NVIDIA's repositories, and the keyserver."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.lab.mirror.compiler import with_compiler
from tests.lab.mirror.cuda import CudaRelease, nccl_packages, toolkit_packages
from tests.lab.mirror.cudnn import cudnn_packages, top_packages
from tests.lab.mirror.debs import Content, Deb, write_deb
from tests.lab.mirror.drivers import driver_packages
from tests.lab.mirror.nvidia_drivers import beside_drivers, debian_driver, ubuntu_driver
from tests.lab.mirror.repositories import (
    write_flat_repository,
    write_local_repository,
    write_suite,
)
from tests.lab.mirror.services import dcgm_packages, repository_services
from tests.lab.mirror.signing import SigningKey

NVIDIA = "developer.download.nvidia.com"
PPA = "ppa.launchpadcontent.net"
KEYSERVER = "keyserver.ubuntu.com"
PPA_ORIGIN = "LP-PPA-graphics-drivers"
# The fingerprint of the PPA's real key: machines that ask for it get the throw-away key, which
# a check of the fingerprint must then refuse.
PPA_REAL_FINGERPRINT = "2388FF3BE10A76F638F80723FCAE110B1118213C"
NVIDIA_KEY_FILE = "3bf863cc.pub"
LOCAL_DISTRO = "ubuntu2204"
SYSTEM_DRIVERS = {"ubuntu": ubuntu_driver, "debian": debian_driver}
# A time of its own, so that apt does not take the forged file for a part of the true one.
FORGED_AT = 1735689600


class PackageSites:
    """Writes below `root`: `sites/<host>/` as served, `faults/` for what tests swap in.

    Args:
        root: the mirror's folder.
        content: what `mirror.yml` says.
        keys: folder for the secret keys; short-lived, and outside of `root`.
    """

    def __init__(self, root: Path, content: dict[str, Any], keys: Path) -> None:
        self._sites = root / "sites"
        self._faults = self._sites / "faults"
        self._pool = keys / "pool"
        self._content = content
        self._keys = keys
        self.ppa_key = SigningKey(keys / "ppa", "Launchpad PPA for Graphics Drivers Team")
        self.nvidia_key = SigningKey(keys / "nvidia", "cudatools <cudatools@dlconf.test>")
        self.intruder_key = SigningKey(keys / "intruder", "Somebody else <else@dlconf.test>")
        self.releases = [CudaRelease(**row) for row in content["cuda"]]
        self.cuda_local: list[dict[str, str]] = []
        self.cudnn_local: list[dict[str, str]] = []

    def build(self) -> None:
        """Build everything; the rows for the site catalogue are then in `*_local`."""
        self._build_pools()
        self._build_ppa()
        self._build_keyserver()
        for cuda in self.releases:
            if cuda.local:
                self._build_cuda_local(cuda)
        for row in self._content["cudnn"]:
            self._build_cudnn_local(row)
        for distro in self._content["network"]:
            self._build_network(distro)
        for key in (self.ppa_key, self.nvidia_key, self.intruder_key):
            key.close()

    def _build_pools(self) -> None:
        """Write each NVIDIA package once; repositories then link to the same files."""
        for cuda in self.releases:
            debs = toolkit_packages(cuda)
            real = with_compiler(debs, cuda, self._content["python"]) if cuda.real else debs
            _write_all(self._pool / cuda.version, real)
        bundled = {cuda.driver for cuda in self.releases if cuda.driver}
        for upstream in bundled | set(self._content["nvidia_drivers"]):
            for system, driver in SYSTEM_DRIVERS.items():
                folder = self._pool / f"{system}-{upstream}"
                _write_all(folder, driver(upstream))
                _write_all(folder, repository_services(upstream))
        _write_all(self._pool / "beside", beside_drivers(self._content["nvidia_drivers"]))
        dcgm = self._content["dcgm"]
        _write_all(self._pool / "dcgm", dcgm_packages(dcgm["version"], dcgm["exporter"]))
        for row in self._content["cudnn"]:
            folder = self._pool / f"cudnn-{row['version']}"
            for release in row["cuda"]:
                _write_all(folder, cudnn_packages(row["version"], release))
            _write_all(folder, top_packages(row["version"]))
        for row in self._content["nccl"]:
            for release in row["cuda"]:
                _write_all(self._pool / "nccl", nccl_packages(row["version"], release))

    def _build_ppa(self) -> None:
        root = self._sites / PPA / "graphics-drivers/ppa/ubuntu"
        for upstream in self._content["ppa_drivers"]:
            branch = upstream.split(".")[0]
            folder = root / f"pool/main/n/nvidia-graphics-drivers-{branch}"
            _write_all(folder, driver_packages(upstream, f"{upstream}-0ubuntu0~gpu22.04.1"))
        write_suite(root, "jammy", self.ppa_key, origin=PPA_ORIGIN)
        forged = self._faults / "ppa-forged"
        write_suite(root, "jammy", self.intruder_key, origin=PPA_ORIGIN, dists=forged)
        for path in forged.iterdir():
            os.utime(path, (FORGED_AT, FORGED_AT))

    def _build_keyserver(self) -> None:
        folder = self._sites / KEYSERVER / "pks"
        for fingerprint in (self.ppa_key.fingerprint, PPA_REAL_FINGERPRINT):
            self.ppa_key.export(folder / f"0x{fingerprint}.asc", armor=True)
        self.intruder_key.export(self._faults / "intruder.asc", armor=True)

    def _build_cuda_local(self, cuda: CudaRelease) -> None:
        package, version = cuda.local_repository(LOCAL_DISTRO)
        content = self._pool / f"local-{cuda.version}"
        _link_all(self._pool / cuda.version, content)
        if cuda.driver:
            _link_all(self._pool / f"ubuntu-{cuda.driver}", content)
            _link_all(self._pool / "beside", content)
        base = f"compute/cuda/{cuda.version}"
        deb = self._local_repository(
            self._sites / NVIDIA / base / "local_installers", package, version, content
        )
        md5 = hashlib.md5(deb.read_bytes(), usedforsecurity=False).hexdigest()
        listing = self._sites / NVIDIA / base / "docs/sidebar/md5sum.txt"
        listing.parent.mkdir(parents=True)
        listing.write_text(f"{md5}  {deb.name}\n", encoding="ascii")
        url = f"https://{NVIDIA}/{base}/local_installers/{deb.name}"
        self.cuda_local.append({"distro": LOCAL_DISTRO, "cuda": cuda.version, **_file(deb, url)})

    def _build_cudnn_local(self, row: dict[str, Any]) -> None:
        short = ".".join(row["version"].split(".")[:3])
        package = f"cudnn-local-repo-{LOCAL_DISTRO}-{short}"
        content = self._pool / f"local-cudnn-{short}"
        _link_all(self._pool / f"cudnn-{row['version']}", content)
        base = f"compute/cudnn/{short}/local_installers"
        deb = self._local_repository(self._sites / NVIDIA / base, package, "1.0-1", content)
        url = f"https://{NVIDIA}/{base}/{deb.name}"
        self.cudnn_local.append({"distro": LOCAL_DISTRO, "cudnn": short, **_file(deb, url)})

    def _local_repository(self, folder: Path, package: str, version: str, content: Path) -> Path:
        """Write a local repository, signed by a key of its own as NVIDIA's are."""
        key = SigningKey(self._keys / package, f"{package} <cudatools@dlconf.test>")
        list_name = package.replace("-repo-", "-", 1)
        try:
            return write_local_repository(
                folder, content, key, package=package, version=version, list_name=list_name
            )
        finally:
            key.close()

    def _build_network(self, distro: str) -> None:
        """Write NVIDIA's network repository for a distribution: all toolkits, cuDNNs and NCCLs."""
        folder = self._sites / NVIDIA / f"compute/cuda/repos/{distro}/x86_64"
        others = [f"{system}-" for system in SYSTEM_DRIVERS if not distro.startswith(system)]
        for pool in sorted(self._pool.iterdir()):
            if not pool.name.startswith(("local-", *others)):
                _link_all(pool, folder)
        keyring = "/usr/share/keyrings/cuda-archive-keyring.gpg"
        key_file = self.nvidia_key.export(self._keys / "cuda-archive-keyring.gpg", armor=False)
        source = (
            f"deb [signed-by={keyring}] https://{NVIDIA}/compute/cuda/repos/{distro}/x86_64/ /\n"
        )
        files: dict[str, Content] = {
            keyring: key_file.read_bytes(),
            f"/etc/apt/sources.list.d/cuda-{distro}-x86_64.list": source,
        }
        write_deb(folder, Deb("cuda-keyring", "1.1-1", "all", files=files))
        self.nvidia_key.export(folder / NVIDIA_KEY_FILE, armor=True)
        write_flat_repository(folder, self.nvidia_key)


def _write_all(folder: Path, debs: Iterable[Deb]) -> None:
    for deb in debs:
        write_deb(folder, deb)


def _link_all(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for file in source.glob("*.deb"):
        link = target / file.name
        link.unlink(missing_ok=True)
        os.link(file, link)


def _file(deb: Path, url: str) -> dict[str, str]:
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    package = deb.name.split("_")[0]
    return {"file": deb.name, "package": package, "url": url, "checksum": f"sha256:{digest}"}
