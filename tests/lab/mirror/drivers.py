"""The packages of NVIDIA's driver, with names and dependencies as in Ubuntu and the PPA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.lab.mirror.debs import Content, Deb
from tests.lab.mirror.repositories import library_link
from tests.lab.mirror.services import FIRST_UNBRANCHED as FIRST_WITH_SERVICES
from tests.lab.mirror.services import persistence_files

LIBRARIES = "/usr/lib/x86_64-linux-gnu"

# The libraries that the driver package brings, beside those with a function of their own below.
PLAIN_LIBRARIES = ("cfg1", "decode", "encode", "extra", "fbc1", "gl")

NVIDIA_SMI = """\
#!/bin/sh
echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. \
Make sure that the latest NVIDIA driver is installed and running."
echo
echo "(stand-in nvidia-smi {version} of the dlconf lab: there is no GPU)" >&2
exit 9
"""

DKMS_CONF = """\
PACKAGE_NAME="nvidia"
PACKAGE_VERSION="{version}"
BUILT_MODULE_NAME[0]="nvidia"
DEST_MODULE_LOCATION[0]="/kernel/drivers/char/drm"
AUTOINSTALL="yes"
MAKE[0]="make -C ${{kernel_source_dir}} M=${{dkms_tree}}/nvidia/{version}/build modules"
"""

MODULE = """\
/* Stand-in of the dlconf lab for NVIDIA's kernel module: it builds, and drives nothing. */
#include <linux/module.h>
static int __init stand_in_init(void) {{ return 0; }}
static void __exit stand_in_exit(void) {{}}
module_init(stand_in_init);
module_exit(stand_in_exit);
MODULE_LICENSE("{license}");
MODULE_VERSION("{version}");
MODULE_DESCRIPTION("stand-in for the NVIDIA kernel module");
"""

LICENSES = {"": "NVIDIA", "-open": "Dual MIT/GPL"}


# From this branch on NVIDIA's own repository has no branch in the names of packages.
FIRST_UNBRANCHED = 590


def driver_packages(
    upstream: str, version: str, *, tail: str | None = None, persistence: bool = True
) -> Iterator[Deb]:
    """Yield the packages of one driver in both flavours.

    Args:
        upstream: NVIDIA's version, `580.178.04`; its first number is the branch.
        version: the packages' version, `580.178.04-0ubuntu0~gpu22.04.1`.
        tail: what names end in; None = the branch (`-580`), as Ubuntu and the PPA have it.
        persistence: whether the persistence daemon is in one of them, or a package of its own.
    """
    branch = upstream.split(".", maxsplit=1)[0]
    end = f"-{branch}" if tail is None else tail
    for deb in _common_packages(end, upstream, version, persistence=persistence):
        yield replace(deb, fields={**deb.fields, "Source": f"nvidia-graphics-drivers-{branch}"})
    for flavour in LICENSES:
        for deb in _flavour_packages(end, upstream, version, flavour):
            yield replace(deb, fields={**deb.fields, "Source": f"nvidia-graphics-drivers-{branch}"})


def nvidia_repository_driver(upstream: str) -> Iterator[Deb]:
    """Yield a driver as NVIDIA's own repositories have it, with metapackages and the pin."""
    branch = upstream.split(".", maxsplit=1)[0]
    tail = "" if int(branch) >= FIRST_UNBRANCHED else f"-{branch}"
    version = f"{upstream}-1ubuntu1"
    persistence = int(branch) < FIRST_WITH_SERVICES
    yield from driver_packages(upstream, version, tail=tail, persistence=persistence)
    for name, flavour in (("cuda-drivers", ""), ("nvidia-open", "-open")):
        driver = f"nvidia-driver{tail}{flavour} (= {version})"
        yield _package(f"{name}{tail}", version, depends=driver)
        if tail:
            yield _package(name, version, depends=f"{name}{tail} (= {version})")
    preferences = (
        "Package: nvidia-* libnvidia-* cuda-drivers*\n"
        f"Pin: version {branch}.*\nPin-Priority: 1000\n"
    )
    pin = f"nvidia-driver-pinning-{branch}"
    yield _package(pin, version, files={f"/etc/apt/preferences.d/{pin}": preferences})


def _package(
    name: str,
    version: str,
    *,
    depends: str = "",
    exclusive: str = "",
    files: dict[str, Content] | None = None,
    scripts: dict[str, str] | None = None,
    section: str = "libs",
) -> Deb:
    """Return one package of the driver; of those with the same `exclusive` only one can be there."""
    fields = {"Depends": depends} if depends else {}
    if exclusive:
        fields.update(dict.fromkeys(("Provides", "Conflicts", "Replaces"), exclusive))
    return Deb(
        name,
        version,
        section=f"restricted/{section}",
        fields=fields,
        files=files or {},
        scripts=scripts or {},
    )


def _common_packages(end: str, upstream: str, version: str, *, persistence: bool) -> Iterator[Deb]:
    """Yield what both flavours share."""
    yield _package(f"libnvidia-common{end}", version)
    for name in PLAIN_LIBRARIES:
        depends = f"libnvidia-common{end}" if name == "gl" else ""
        full_name = f"libnvidia-{name}{end}"
        yield _package(full_name, version, depends=depends, exclusive=f"libnvidia-{name}")
    yield _package(
        f"libnvidia-compute{end}",
        version,
        exclusive="libnvidia-compute",
        files={
            **library_link(LIBRARIES, "libcuda", upstream, "1"),
            **library_link(LIBRARIES, "libnvidia-ml", upstream, "1"),
        },
    )
    yield _package(
        f"nvidia-utils{end}",
        version,
        depends=f"libnvidia-compute{end} (= {version})",
        exclusive="nvidia-utils",
        files={"/usr/bin/nvidia-smi": NVIDIA_SMI.format(version=upstream)},
        section="utils",
    )
    yield _package(
        f"nvidia-compute-utils{end}",
        version,
        depends=f"libnvidia-compute{end} (= {version})",
        exclusive="nvidia-compute-utils",
        files=persistence_files(static=True) if persistence else None,
        section="utils",
    )
    yield _package(f"nvidia-firmware{end}-{upstream}", version, section="kernel")
    yield _package(f"nvidia-kernel-common{end}", version, exclusive="nvidia-kernel-common")


def _flavour_packages(end: str, upstream: str, version: str, flavour: str) -> Iterator[Deb]:
    """Yield what differs between the proprietary ("") and the open ("-open") kernel modules."""
    source = f"nvidia-kernel-source{end}{flavour}"
    dkms = f"nvidia-dkms{end}{flavour}"
    yield _package(
        source,
        version,
        exclusive="nvidia-kernel-source",
        files=_module_source(upstream, LICENSES[flavour]),
        section="kernel",
    )
    yield _package(
        dkms,
        version,
        depends=(
            f"dkms, {source} (= {version}), nvidia-kernel-common{end}, "
            f"nvidia-firmware{end}-{upstream}"
        ),
        exclusive="nvidia-dkms-kernel",
        scripts=_dkms_scripts(upstream),
        section="kernel",
    )
    shared = [f"libnvidia-{name}{end}" for name in ("compute", *PLAIN_LIBRARIES)]
    shared += [f"nvidia-utils{end}", f"nvidia-compute-utils{end}", dkms]
    yield _package(
        f"nvidia-driver{end}{flavour}",
        version,
        depends=", ".join(f"{name} (= {version})" for name in shared),
        exclusive="nvidia-driver-binary",
    )


def _module_source(upstream: str, license_name: str) -> dict[str, Content]:
    folder = f"/usr/src/nvidia-{upstream}"
    return {
        f"{folder}/dkms.conf": DKMS_CONF.format(version=upstream),
        f"{folder}/Makefile": "obj-m := nvidia.o\n",
        f"{folder}/nvidia.c": MODULE.format(license=license_name, version=upstream),
    }


def _dkms_scripts(upstream: str) -> dict[str, str]:
    """Return maintainer scripts that really build the module, as Ubuntu's packages do."""
    return {
        "postinst": (
            'if [ "$1" = configure ]; then\n'
            f"  /usr/lib/dkms/common.postinst nvidia {upstream} '' '' ''\n"
            "fi\n"
        ),
        "prerm": (
            'case "$1" in remove|upgrade|deconfigure)\n'
            f"  dkms remove -m nvidia -v {upstream} --all || true ;;\n"
            "esac\n"
        ),
    }
