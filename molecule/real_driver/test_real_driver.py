"""Role nvidia_driver with Debian's own packages, and a module that is really built."""

from __future__ import annotations

import re
from collections.abc import Callable

from testinfra.host import Host

SHOW = "dpkg-query --show --showformat='${source:Package}|${db:Status-Abbrev}|${binary:Package}\\n'"


def test_the_driver_is_debians(host: Host, candidate: Callable[[str], tuple[str, str]]) -> None:
    version, origin = candidate("nvidia-driver")
    assert host.package("nvidia-driver").version == version
    assert origin.startswith("http://deb.debian.org")
    assert "non-free" in host.check_output("apt-cache policy nvidia-driver")


def test_dkms_built_all_modules_for_the_packaged_kernel(host: Host) -> None:
    status = host.check_output("dkms status")
    built = re.search(r"nvidia-current/([0-9.]+), (\S+), x86_64: installed", status)
    assert built, status
    for module in ("nvidia", "nvidia-modeset", "nvidia-drm", "nvidia-uvm"):
        name = f"nvidia-current{module.removeprefix('nvidia')}"
        assert (
            host.check_output("modinfo --set-version %s --field version %s", built[2], name)
            == built[1]
        )


def test_all_of_the_driver_is_held(host: Host) -> None:
    rows = [line.split("|") for line in host.check_output(SHOW).splitlines()]
    states = {
        state.strip() for source, state, _ in rows if source.startswith("nvidia-graphics-drivers")
    }
    assert states - {"rc"} == {"hi"}


def test_an_upgrade_of_the_system_leaves_the_driver(host: Host) -> None:
    before = host.package("nvidia-driver").version
    host.check_output("apt-get -qy dist-upgrade")
    assert host.package("nvidia-driver").version == before


def test_the_command_is_there_and_says_that_no_driver_is_loaded(host: Host) -> None:
    answer = host.run("nvidia-smi")
    assert answer.rc == 9
    assert "couldn't communicate with the NVIDIA driver" in answer.stdout
