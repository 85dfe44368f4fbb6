"""The packages of NVIDIA's driver as Ubuntu's archive and the graphics-drivers PPA have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.lab.mirror.debs import Content, Deb
from tests.lab.mirror.relations import GUESS, Relation, depends, exclusive, recommends
from tests.lab.mirror.repositories import library_link
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
FIRST_OPEN = 515  # the catalogue's row of the branch
FIRST_OPEN_ONLY = 620  # likewise


def driver_packages(
    upstream: str,
    version: str,
    *,
    tail: str | None = None,
    persistence: bool = True,
    signed: str = "",
    source: str = "",
) -> Iterator[Deb]:
    """Yield the packages of one driver in the flavours that it has.

    Args:
        upstream: NVIDIA's version, `580.178.04`; its first number is the branch.
        version: the packages' version, `580.178.04-0ubuntu0~gpu22.04.1`.
        tail: what names end in; None = the branch (`-580`), as Ubuntu and the PPA have it.
        persistence: whether the persistence daemon is in one of them, or a package of its own.
        signed: kernel flavour whose modules the archive has signed, `generic`; "" = none has.
        source: name of the source package; "" = Ubuntu's, with the branch in it.
    """
    branch = upstream.split(".", maxsplit=1)[0]
    end = f"-{branch}" if tail is None else tail
    origin = {"Source": source or f"nvidia-graphics-drivers-{branch}"}
    debs = list(_common_packages(end, upstream, version, persistence=persistence))
    for flavour in flavours(branch):
        debs += _flavour_packages(end, upstream, version, flavour, signed)
    for deb in debs:
        yield replace(deb, fields={**deb.fields, **origin})


def flavours(branch: str) -> tuple[str, ...]:
    """Return the kernel-module flavours of a branch, as the ends of package names."""
    if int(branch) < FIRST_OPEN:
        return ("",)
    return ("", "-open") if int(branch) < FIRST_OPEN_ONLY else ("-open",)


def signed_modules(
    branch: str, version: str, kernels: Iterable[str], flavour: str
) -> Iterator[Deb]:
    """Yield the modules that Canonical signs, for some kernels and for the newest of their flavour.

    Args:
        branch: of the driver.
        version: the driver packages'.
        kernels: releases, `6.8.0-90-generic`, the newest last.
        flavour: of these kernels, `generic`.
    """
    common = depends(GUESS, f"nvidia-kernel-common-{branch} (= {version})")
    newest = ""
    for end in flavours(branch):
        for kernel in kernels:
            newest = f"linux-modules-nvidia-{branch}{end}-{kernel}"
            of_kernel = depends(GUESS, f"linux-image-{kernel}")
            yield Deb(newest, version, section="restricted/kernel", relations=common + of_kernel)
        meta = f"linux-modules-nvidia-{branch}{end}-{flavour}"
        yield Deb(meta, version, section="restricted/kernel", relations=depends(GUESS, newest))


def transitional(name: str, version: str, target: str) -> Deb:
    """Return a package that only brings another one, as Ubuntu replaces branches that have ended."""
    relations = depends("ubuntu-transitional", target)
    return Deb(name, version, section="restricted/oldlibs", relations=relations)


def _package(
    name: str,
    version: str,
    *,
    relations: tuple[Relation, ...] = (),
    only: str = "",
    files: dict[str, Content] | None = None,
    scripts: dict[str, str] | None = None,
    section: str = "libs",
) -> Deb:
    """Return one package of the driver; of those with the same `only` one can be there at a time."""
    if only and only != name:
        relations += exclusive("ubuntu-exclusive", only)
    return Deb(
        name,
        version,
        section=f"restricted/{section}",
        files=files or {},
        scripts=scripts or {},
        relations=relations,
    )


def _common_packages(end: str, upstream: str, version: str, *, persistence: bool) -> Iterator[Deb]:
    """Yield what both flavours share."""
    yield _package(f"libnvidia-common{end}", version)
    for name in PLAIN_LIBRARIES:
        needs = depends(GUESS, f"libnvidia-common{end}") if name == "gl" else ()
        yield _package(f"libnvidia-{name}{end}", version, relations=needs, only=f"libnvidia-{name}")
    yield _package(
        f"libnvidia-compute{end}",
        version,
        only="libnvidia-compute",
        files={
            **library_link(LIBRARIES, "libcuda", upstream, "1"),
            **library_link(LIBRARIES, "libnvidia-ml", upstream, "1"),
        },
    )
    compute = depends(GUESS, f"libnvidia-compute{end} (= {version})")
    yield _package(
        f"nvidia-utils{end}",
        version,
        relations=compute,
        only="nvidia-utils",
        files={"/usr/bin/nvidia-smi": NVIDIA_SMI.format(version=upstream)},
        section="utils",
    )
    yield _package(
        f"nvidia-compute-utils{end}",
        version,
        relations=compute,
        only="nvidia-compute-utils",
        files=persistence_files(static=True) if persistence else None,
        section="utils",
    )
    yield _package(f"nvidia-firmware{end}-{upstream}", version, section="kernel")
    yield _package(f"nvidia-kernel-common{end}", version, only="nvidia-kernel-common")


def _flavour_packages(
    end: str, upstream: str, version: str, flavour: str, signed: str
) -> Iterator[Deb]:
    """Yield what differs between the proprietary ("") and the open ("-open") kernel modules."""
    source, dkms = f"nvidia-kernel-source{end}{flavour}", f"nvidia-dkms{end}{flavour}"
    yield _package(
        source,
        version,
        only="nvidia-kernel-source",
        files=_module_source(upstream, LICENSES[flavour]),
        section="kernel",
    )
    needs = (f"{source} (= {version})", f"nvidia-kernel-common{end}")
    yield _package(
        dkms,
        version,
        relations=depends(GUESS, "dkms", *needs, f"nvidia-firmware{end}-{upstream}"),
        only="nvidia-dkms-kernel",
        scripts=_dkms_scripts(upstream),
        section="kernel",
    )
    shared = [f"libnvidia-{name}{end}" for name in ("compute", *PLAIN_LIBRARIES)]
    shared += [f"nvidia-utils{end}", f"nvidia-compute-utils{end}"]
    module = f"{dkms} (= {version})"
    if signed:
        module += f" | linux-modules-nvidia{end}{flavour}-{signed} (= {version})"
    yield _package(
        f"nvidia-driver{end}{flavour}",
        version,
        relations=(
            *depends(GUESS, *(f"{name} (= {version})" for name in shared)),
            *depends("ubuntu-signed-modules" if signed else GUESS, module),
            *recommends(GUESS, "nvidia-settings", "nvidia-prime"),
        ),
        only="nvidia-driver-binary",
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
