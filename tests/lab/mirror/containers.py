"""The packages of Docker's and of the container toolkit's repositories, and the sites that carry them.

Docker's packages are stand-ins that take the engine out of the distribution's docker.io, so that it is real.
They cannot depend on that package: it conflicts with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.lab.mirror.cudnn import numbers
from tests.lab.mirror.debs import Content, Deb, write_deb
from tests.lab.mirror.relations import GUESS, STAND_IN, Relation, depends
from tests.lab.mirror.repositories import write_flat_repository, write_suite
from tests.lab.mirror.signing import SigningKey

DOCKER = "download.docker.com"
TOOLKIT = "nvidia.github.io"
ENGINE = STAND_IN  # what the engine taken out of docker.io needs
FIRST_WITH_REFRESH = (1, 18)  # row toolkit-cdi-refresh

NVIDIA_CTK = """\
#!/bin/sh
# Stand-in of the dlconf lab: it knows one command, and finds the driver as the real one does.
[ "$1 $2" = "cdi generate" ] || { echo "stand-in nvidia-ctk of the dlconf lab: no $*" >&2; exit 1; }
if [ ! -e /proc/driver/nvidia/version ]; then
  echo "failed to generate CDI spec: failed to initialize NVML: ERROR_LIBRARY_NOT_FOUND" >&2
  exit 1
fi
for argument in "$@"; do
  case "$argument" in --output=*) target=${argument#--output=} ;; esac
done
mkdir -p "$(dirname "$target")"
printf 'cdiVersion: 0.5.0\\nkind: nvidia.com/gpu\\ndevices:\\n- name: all\\n' >"$target"
"""
RUNTIME = """\
#!/bin/sh
# Stand-in of the dlconf lab for the NVIDIA Container Runtime: plain runc, and no GPU.
exec runc "$@"
"""
CDI_SERVICE = """\
[Unit]
Description=Refresh NVIDIA CDI specification file (stand-in of the dlconf lab)
ConditionPathExists=/usr/bin/nvidia-smi
ConditionPathExists=/usr/bin/nvidia-ctk
[Service]
Type=oneshot
ExecCondition=/usr/bin/grep -qE '/nvidia.ko' /lib/modules/%v/modules.dep
ExecStart=/usr/bin/nvidia-ctk cdi generate --output=/var/run/cdi/nvidia.yaml
[Install]
WantedBy=multi-user.target
"""
CDI_PATH = """\
[Unit]
Description=Trigger CDI refresh on NVIDIA driver install / uninstall events (stand-in of the dlconf lab)
[Path]
PathChanged=/lib/modules/%v/modules.dep
PathChanged=/lib/modules/%v/modules.dep.bin
[Install]
WantedBy=multi-user.target
"""
ENABLE_CDI = """\
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable --now nvidia-cdi-refresh.path nvidia-cdi-refresh.service
fi
"""
TAKE_ENGINE = """\
if [ "$1" = configure ]; then
  echo "stand-in docker-ce of the dlconf lab: its engine is the one of the distribution's docker.io"
  folder=$(mktemp -d)
  (cd "$folder" && apt-get -q -o APT::Sandbox::User=root download docker.io && dpkg-deb -x ./*.deb tree)
  for part in "$folder"/tree/*; do cp -a "$part/." "/$(basename "$part")/"; done
  rm -r "$folder"
  getent group docker >/dev/null || groupadd --system docker
  systemctl daemon-reload
  systemctl enable --now docker.socket docker.service || true
fi
"""


def docker_packages(row: Mapping[str, str], suite: str) -> Iterator[Deb]:
    """Yield Docker's packages for a release.

    Args:
        row: package -> version.
        suite: what the versions end in, such as `ubuntu.22.04~jammy`.
    """
    engine = depends(ENGINE, "containerd", "runc")
    needs: Mapping[str, tuple[Relation, ...]] = {
        "docker-ce-cli": (),
        "containerd.io": engine,
        "docker-buildx-plugin": (),
        "docker-compose-plugin": (),
    }
    for name, relations in needs.items():
        yield Deb(name, f"{row[name]}~{suite}", section="admin", relations=relations)
    yield Deb(
        "docker-ce",
        f"{row['docker-ce']}~{suite}",
        section="admin",
        relations=(
            *depends(GUESS, "containerd.io", "docker-ce-cli", "iptables"),
            *depends(ENGINE, "libdevmapper1.02.1", "tini"),
            Relation("Conflicts", "docker.io", GUESS),
        ),
        scripts={"postinst": TAKE_ENGINE},
    )


def toolkit_packages(version: str) -> Iterator[Deb]:
    """Yield the container toolkit; `version` is Debian's, `1.19.1-1`."""
    same = f"(= {version})"
    base: dict[str, Content] = {
        "/usr/bin/nvidia-ctk": NVIDIA_CTK,
        "/usr/bin/nvidia-container-runtime": RUNTIME,
    }
    refreshes = numbers(version.partition("-")[0]) >= FIRST_WITH_REFRESH
    if refreshes:
        base["/lib/systemd/system/nvidia-cdi-refresh.service"] = CDI_SERVICE
        base["/lib/systemd/system/nvidia-cdi-refresh.path"] = CDI_PATH
    yield Deb("libnvidia-container1", version, section="libs")
    library = depends("toolkit-same-version", f"libnvidia-container1 {same}")
    yield Deb("libnvidia-container-tools", version, section="utils", relations=library)
    yield Deb(
        "nvidia-container-toolkit-base",
        version,
        section="utils",
        files=base,
        scripts={"postinst": ENABLE_CDI} if refreshes else {},
    )
    hook: dict[str, Content] = {"/usr/bin/nvidia-container-runtime-hook": "#!/bin/sh\nexit 0\n"}
    needs = (
        *depends("toolkit-same-version", f"libnvidia-container-tools {same}"),
        *depends(GUESS, f"nvidia-container-toolkit-base {same}"),
    )
    yield Deb("nvidia-container-toolkit", version, section="utils", files=hook, relations=needs)


def build(sites: Path, content: Mapping[str, Any], keys: Path) -> dict[str, str]:
    """Write both sites and return the fingerprints of their keys."""
    docker = SigningKey(keys / "docker", "Docker Release (CE deb) <docker@dlconf.test>")
    toolkit = SigningKey(keys / "toolkit", "NVIDIA CORPORATION <cudatools@dlconf.test>")
    for distribution, releases in content["docker"]["releases"].items():
        root = sites / DOCKER / "linux" / distribution
        for codename, suite in releases.items():
            pool = f"dists/{codename}/pool/stable"
            for deb in docker_packages(content["docker"]["packages"], suite):
                write_deb(root / pool / "amd64", deb)
            write_suite(root, codename, docker, origin="Docker", pool=pool, component="stable")
        docker.export(root / "gpg", armor=True)
    folder = sites / TOOLKIT / "libnvidia-container"
    for version in content["container_toolkit"]:
        for deb in toolkit_packages(version):
            write_deb(folder / "stable/deb/amd64", deb)
    write_flat_repository(folder / "stable/deb/amd64", toolkit)
    toolkit.export(folder / "gpgkey", armor=True)
    fingerprints = {"docker": docker.fingerprint, "container_toolkit": toolkit.fingerprint}
    for key in (docker, toolkit):
        key.close()
    return fingerprints
