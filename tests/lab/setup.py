"""Installs the Debian packages that the lab needs on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab.command import LabError, as_root, installed, run, say

# Program -> the package that brings it, in Debian 12 and Ubuntu 22.04 and later.
NEEDED = {
    "podman": "podman",
    "iptables": "iptables",  # netavark calls it
    "mmdebstrap": "mmdebstrap",
    "apt-ftparchive": "apt-utils",
    "dpkg-deb": "dpkg",
    "gpg": "gnupg",
    "openssl": "openssl",
    "ssh": "openssh-client",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "chromium": "chromium",  # a browser logs in to JupyterLab; on Ubuntu these two are wrappers of a snap
    "chromedriver": "chromium-driver",
    "sysctl": "procps",
}
RUNTIMES = ("crun", "runc")
NETAVARK = ("/usr/lib/podman/netavark", "/usr/libexec/podman/netavark")
# Each machine's systemd takes about four of root's inotify instances, and does not boot without. The kernel's usual
# limit is 128: some thirty machines, all labs together.
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024
PYTHON_APT = (
    "/usr/lib/python3/dist-packages/apt/__init__.py"  # the sandbox's hosts have it, as Ansible's do
)
DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def missing_packages() -> list[str]:
    """Return the packages to install, none of them a guess: each is needed and not there."""
    packages = [package for program, package in NEEDED.items() if not installed(program)]
    if not any(installed(runtime) for runtime in RUNTIMES):
        packages.append("runc")
    if not any(os.path.exists(path) for path in NETAVARK):  # noqa: PTH110 (plain names)
        packages.append("netavark")
    if not os.path.exists(PYTHON_APT):  # noqa: PTH110
        packages.append("python3-apt")
    if not os.path.exists(DEBIAN_KEYRING):  # noqa: PTH110
        packages.append("debian-archive-keyring")
    return sorted(set(packages))


def install_missing() -> None:
    """Install what is missing with apt, through sudo when not root, and say what.

    Raises:
        LabError: this is no Debian or Ubuntu, or apt failed.
    """
    packages = missing_packages()
    if not packages:
        say("every package the lab needs is installed")
        return
    if not shutil.which("apt-get"):
        raise LabError(f"install these by hand, there is no apt here: {' '.join(packages)}")
    say(f"installing with apt: {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(as_root(["apt-get", "-q", "update"], quiet))
    run(as_root(["apt-get", "-qy", "install", "--no-install-recommends", *packages], quiet))


def raise_limits() -> None:
    """Let this machine hold many lab machines, until it restarts, and say so.

    Raises:
        LabError: the kernel refused.
    """
    if int(INOTIFY_LIMIT.read_text(encoding="ascii")) < INOTIFY_INSTANCES:
        say(f"raising fs.inotify.max_user_instances to {INOTIFY_INSTANCES} until the next restart")
        run(as_root(["sysctl", "-q", "-w", f"fs.inotify.max_user_instances={INOTIFY_INSTANCES}"]))
