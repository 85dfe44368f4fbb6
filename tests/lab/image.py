"""The images of the lab's machines: built once, named by a hash of what goes into them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import LabError, as_root, run, say
from tests.lab.hostsettings import HostSettings, debian_sources
from tests.lab.podman import Podman

SUITE = "bookworm"
UBUNTU_REFERENCE = "docker.io/library/ubuntu:22.04"
STAND_IN = "stand-in: Debian 12 dressed as Ubuntu 22.04"
PULL_LIMIT_S = 90.0

# What a server installation of either system has and a machine of the lab needs.
PACKAGES = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "python3",
    "python3-apt",
    "python3-venv",
    "gnupg",
    "ca-certificates",
    "curl",
    "pciutils",
    "kmod",
    "bzip2",
    "iproute2",
    "procps",
]
# GPU machines have compilers and kernel headers, so that DKMS really builds a module there, and nvcc a program.
STAND_IN_PACKAGES = ["linux-headers-amd64", "g++", "make", "dkms"]
UBUNTU_PACKAGES = ["linux-headers-generic", "g++", "make", "dkms", "python3.11-venv"]

# Units that need hardware or a console of their own, and would fail in a container.
MASKED_UNITS = [
    "systemd-firstboot.service",
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-modules-load.service",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "getty.target",
    "console-getty.service",
    "systemd-networkd-wait-online.service",
]
SETUP = " && ".join(
    [
        f"systemctl mask {' '.join(MASKED_UNITS)}",
        "systemctl enable ssh.service",
        "rm -f /etc/ssh/ssh_host_*",  # the lab gives each machine its own key
        "useradd --uid 1500 --create-home --shell /bin/bash lab",
        "useradd --uid 1501 --create-home --shell /bin/bash --groups sudo labpw",
        "rm -rf /var/lib/apt/lists/*",
    ]
)
# The look of Ubuntu: Ansible and the roles decide by os-release and lsb-release.
DRESS = {
    "os-release": (
        'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n'
        'VERSION="22.04.4 LTS (Jammy Jellyfish)"\nVERSION_CODENAME=jammy\nID=ubuntu\n'
        "ID_LIKE=debian\nUBUNTU_CODENAME=jammy\n"
    ),
    "lsb-release": (
        "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n"
        'DISTRIB_DESCRIPTION="Ubuntu 22.04.4 LTS"\n'
    ),
}


@dataclass(frozen=True)
class Images:
    """The images of a lab; `ubuntu_is` says what its Ubuntu machines really are."""

    debian: str
    ubuntu: str
    ubuntu_is: str


def ensure_images(podman: Podman, host: HostSettings) -> Images:
    """Return the images, building those that are missing.

    LAB_IMAGE_UBUNTU and LAB_IMAGE_DEBIAN name images to build on. Without them Ubuntu's own is
    pulled where that works, and Debian is bootstrapped from this machine's mirror.

    Raises:
        LabError: an image that was named cannot be pulled, or a build failed.
    """
    debian = _debian_image(podman, host, os.environ.get("LAB_IMAGE_DEBIAN", ""))
    stand_in = image_name("ubuntu", [debian, DRESS, STAND_IN_PACKAGES])
    reference = os.environ.get("LAB_IMAGE_UBUNTU", "")
    if reference == "stand-in" or (not reference and podman.image_exists(stand_in)):
        return Images(debian, _dressed_image(podman, host, debian, stand_in), STAND_IN)
    if _pull(podman, reference or UBUNTU_REFERENCE):
        base = reference or UBUNTU_REFERENCE
        image = _image_on(podman, host, "ubuntu", base, PACKAGES + UBUNTU_PACKAGES)
        return Images(debian, image, "real")
    if reference:
        raise LabError(f"the image LAB_IMAGE_UBUNTU={reference} cannot be pulled")
    say(f"{UBUNTU_REFERENCE} cannot be pulled here; Ubuntu is a {STAND_IN}")
    return Images(debian, _dressed_image(podman, host, debian, stand_in), STAND_IN)


def image_name(system: str, inputs: object) -> str:
    """Return the name of an image: its tag is a hash of what it is built from."""
    text = json.dumps(inputs, sort_keys=True)
    return f"localhost/dlconf-lab-{system}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _debian_image(podman: Podman, host: HostSettings, reference: str) -> str:
    if reference:
        if not _pull(podman, reference):
            raise LabError(f"the image LAB_IMAGE_DEBIAN={reference} cannot be pulled")
        return _image_on(podman, host, "debian", reference, PACKAGES)
    image = image_name("debian", [SUITE, PACKAGES, SETUP])
    if not podman.image_exists(image):
        say(f"building {image} (Debian 12) with mmdebstrap: one to two minutes, once")
        with tempfile.TemporaryDirectory(prefix="dlconf-image-") as scratch:
            _bootstrap(Path(scratch), host)
            changes = ['CMD ["/lib/systemd/systemd"]', "STOPSIGNAL SIGRTMIN+3"]
            flags = [part for change in changes for part in ("--change", change)]
            podman.run("import", "--quiet", *flags, f"{scratch}/rootfs.tar", image)
            run(as_root(["rm", "-f", f"{scratch}/rootfs.tar"]))
    return image


def _bootstrap(scratch: Path, host: HostSettings) -> None:
    """Write rootfs.tar; mmdebstrap leaves the sources in it, so they are removed by a hook."""
    scratch.chmod(0o755)
    sources = scratch / "sources.list"
    sources.write_text(debian_sources(host.sources, SUITE), encoding="utf-8")
    options = [*host.apt_options, 'Acquire::Retries "5";']
    forget = 'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*'
    run(
        as_root(
            [
                "mmdebstrap",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                *(f"--aptopt={option}" for option in options),
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
                f"--customize-hook=chroot \"$1\" sh -ec '{SETUP}'",
                f"--customize-hook={forget}",
                SUITE,
                str(scratch / "rootfs.tar"),
                str(sources),
            ]
        )
    )


def _pull(podman: Podman, reference: str) -> bool:
    if podman.image_exists(reference):
        return True
    say(f"pulling {reference}")
    return podman.succeeds("pull", "--quiet", reference, timeout_s=PULL_LIMIT_S)


def _image_on(
    podman: Podman, host: HostSettings, system: str, base: str, packages: list[str]
) -> str:
    """Return the image of a system built on the vendor's own image."""
    digest = podman.run("image", "inspect", "--format", "{{.Id}}", base).strip()
    image = image_name(system, [digest, packages, SETUP])
    if not podman.image_exists(image):
        say(f"building {image} on {base}, once")
        # The vendor's image knows its mirrors; this machine's own are better where they fit.
        ours = system == host.os_id == "debian"
        sources = debian_sources(host.sources, SUITE) if ours else ""
        lines = [f"FROM {base}", _install(packages), f"RUN {SETUP}"]
        _build(podman, host, image, lines, files={}, sources=sources)
    return image


def _dressed_image(podman: Podman, host: HostSettings, debian: str, image: str) -> str:
    """Return the Debian image in Ubuntu's clothes, with kernel headers and DKMS."""
    if not podman.image_exists(image):
        say(f"building {image} (Debian 12 dressed as Ubuntu 22.04), once")
        lines = [
            f"FROM {debian}",
            _install(STAND_IN_PACKAGES),
            "COPY os-release /usr/lib/os-release",
            "COPY lsb-release /etc/lsb-release",
        ]
        sources = debian_sources(host.sources, SUITE)
        _build(podman, host, image, lines, files=DRESS, sources=sources)
    return image


def _install(packages: list[str]) -> str:
    names = " ".join(packages)
    return (
        "RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive"
        f" apt-get -qy install --no-install-recommends {names} && rm -rf /var/lib/apt/lists/*"
    )


def _build(
    podman: Podman,
    host: HostSettings,
    image: str,
    lines: list[str],
    *,
    files: dict[str, str],
    sources: str,
) -> None:
    """Build a Containerfile; the sources and options of apt are mounted, so they do not stay."""
    with tempfile.TemporaryDirectory(prefix="dlconf-image-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        tail = ["STOPSIGNAL SIGRTMIN+3", 'CMD ["/lib/systemd/systemd"]']
        (folder / "Containerfile").write_text("\n".join([*lines, *tail]) + "\n", encoding="utf-8")
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        options = folder / "apt.conf"
        options.write_text("\n".join(host.apt_options) + "\n", encoding="utf-8")
        mounts = ["--volume", f"{options}:/etc/apt/apt.conf.d/99lab:ro"]
        if sources:
            listing = folder / "sources.list"
            listing.write_text(sources, encoding="utf-8")
            mounts += ["--volume", f"{listing}:/etc/apt/sources.list:ro"]
        format_and_network = ["--format", "docker", "--network", "host"]
        podman.run("build", "--quiet", *format_and_network, *mounts, "--tag", image, scratch)
