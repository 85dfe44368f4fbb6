"""The daemons around NVIDIA's driver: persistence daemon, Fabric Manager, DCGM and its exporter."""

from __future__ import annotations

from collections.abc import Iterator

from tests.lab.mirror.debs import Content, Deb
from tests.lab.mirror.relations import GUESS, depends

# As the real ones: without a loaded driver they end with an error.
DAEMON = """\
#!/bin/sh
# Stand-in of the dlconf lab for {name}.
if [ ! -e /proc/driver/nvidia/version ]; then
  echo "{name} (stand-in of the dlconf lab): no NVIDIA driver is loaded" >&2
  exit 1
fi
exec sleep infinity
"""
UNIT = """\
[Unit]
Description={name} (stand-in of the dlconf lab)
[Service]
Environment=DLCONF_LAB_STAND_IN=1
ExecStart={program}
{install}"""
INSTALL = "[Install]\nWantedBy=multi-user.target\n"

# From this branch on NVIDIA's own repositories have these packages without a branch in the name.
FIRST_UNBRANCHED = 580


def persistence_files(*, static: bool) -> dict[str, Content]:
    """Return the persistence daemon; Ubuntu's unit is static: udev starts it, and nothing enables it."""
    return _daemon("nvidia-persistenced", "nvidia-persistenced", static=static)


def repository_services(upstream: str) -> Iterator[Deb]:
    """Yield what NVIDIA's own repositories have beside one driver, in its version."""
    branch = upstream.split(".", maxsplit=1)[0]
    tail = "" if int(branch) >= FIRST_UNBRANCHED else f"-{branch}"
    version = f"{upstream}-1ubuntu1"
    manager = _daemon("nv-fabricmanager", "nvidia-fabricmanager")
    yield Deb(f"nvidia-fabricmanager{tail}", version, section="multiverse/libs", files=manager)
    if not tail:
        files = persistence_files(static=False)
        yield Deb("nvidia-persistenced", version, section="multiverse/utils", files=files)


def dcgm_packages(version: str, exporter: str) -> Iterator[Deb]:
    """Yield DCGM for each CUDA major, and the exporter; versions are Debian's."""
    core = f"datacenter-gpu-manager-4-core (= {version})"
    files = _daemon("nv-hostengine", "nvidia-dcgm")
    section = "multiverse/misc"
    yield Deb("datacenter-gpu-manager-4-core", version, section=section, files=files)
    for major in (11, 12, 13):
        name = f"datacenter-gpu-manager-4-cuda{major}"
        yield Deb(name, version, section=section, relations=depends(GUESS, core))
    yield Deb(
        "datacenter-gpu-manager-exporter",
        exporter,
        section=section,
        relations=depends(GUESS, "datacenter-gpu-manager-4-core"),
        files=_daemon("dcgm-exporter", "nvidia-dcgm-exporter"),
    )


def _daemon(program: str, unit: str, *, static: bool = False) -> dict[str, Content]:
    path = f"/usr/bin/{program}"
    text = UNIT.format(name=program, program=path, install="" if static else INSTALL)
    return {path: DAEMON.format(name=program), f"/lib/systemd/system/{unit}.service": text}
