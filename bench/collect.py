"""The module `dlconf_collect` on a host of 3,000 packages and 6 environments: its CPU time and its peak memory.

The host is a tree in a temporary folder, of which the module reads the dpkg database, the environments, apt's index of
60,000 packages and preferences like those of the roles; all else it reads of this machine. As on a host the module is
a process of its own, and what it starts (apt) counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import Row, Sample, cpu, spread

ROOT = Path(__file__).resolve().parents[1]
PACKAGES, DRIVER_PACKAGES, INDEX = 3000, 40, 60_000
ENVIRONMENTS, DISTRIBUTIONS, FILES = 6, 150, 12_000
CPU_LIMIT_S, MEMORY_LIMIT_MB = 0.3, 60

PROGRAM = """
import os, sys
from ansible.module_utils import basic
from dlconf.plugins.modules import dlconf_collect as module
root, arguments = sys.argv[1:]
os.environ["APT_CONFIG"] = root + "/apt.conf"
module.dpkg_state.__defaults__ = (root + "/dpkg",)
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = arguments.encode(), "legacy"
module.main()
"""
STANZA = """\
Package: {name}
Status: hold ok installed
Priority: optional
Section: libs
Installed-Size: 1024
Maintainer: Maintainers of the Package <maintainers@lists.example.org>
Architecture: amd64
Multi-Arch: same
Source: source-of-{name}
Version: 2:1.2.3-4ubuntu5
Depends: libc6 (>= 2.34), libgcc-s1 (>= 3.3.1), libstdc++6 (>= 11), zlib1g (>= 1:1.1.4)
Conffiles:
 /etc/{name}.conf 0123456789abcdef0123456789abcdef
Description: a package of the benchmark
{description}
"""


APT = """\
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "{root}/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "{root}/lists";
Dir::State::status "{root}/dpkg/status";
Dir::Cache "{root}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
APT::Sandbox::User "";
"""
AVAILABLE = """\
Package: available-{number}
Version: 1.2.3-4ubuntu5
Architecture: amd64
Filename: ./available-{number}.deb
Size: 1
SHA256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
"""
DRIVER = """\
Package: *nvidia* cuda-drivers* libcuda1 libcudadebugger1 libnvcuvid1 libnvoptix1 libxnvctrl0 libxnvctrl-dev
Pin: origin "{origin}"
Pin-Priority: -1
"""
RELEASE = """\
Package: *-[0-9]-[0-9] *-[0-9][0-9]-[0-9]
Pin: origin ""
Pin-Priority: 700
"""


def build(root: Path) -> dict[str, list[str]]:
    """Write the tree and return the module's arguments."""
    names = [f"libnvidia-part{number}-580" for number in range(DRIVER_PACKAGES)]
    names += [f"libsomething-{number}" for number in range(PACKAGES - DRIVER_PACKAGES)]
    (root / "dpkg").mkdir()
    description = " A line of some description, as long as they are on most of the packages.\n" * 10
    stanzas = (STANZA.format(name=name, description=description) for name in names)
    (root / "dpkg" / "status").write_text("\n".join(stanzas))
    make_apt(root)
    for number in range(ENVIRONMENTS):
        environment(root / "envs" / f"env{number}")
    return {
        "packages": ["*nvidia*", "cuda-*", "libcudnn*"],
        "candidates": ["*nvidia*"],
        "environments": [str(root / "envs" / "*")],
        "distributions": ["torch", "jax"],
        "paths": ["/etc/apt/sources.list.d/*", "/usr/share/keyrings/*"],
        "units": ["ssh.service"],
        "users": ["root"],
    }


def make_apt(root: Path) -> None:
    """Write apt's files, and let it read them."""
    root.chmod(0o755)  # apt is asked as nobody
    for folder in ("cache/archives/partial", "lists/partial", "repository"):
        (root / folder).mkdir(parents=True)
    index = "\n".join(AVAILABLE.format(number=number) for number in range(INDEX))
    (root / "repository" / "Packages").write_text(index)
    (root / "sources.list").write_text(f"deb [trusted=yes] file:{root}/repository ./\n")
    origins = ("", "developer.download.nvidia.com", "ppa.launchpadcontent.net")
    records = [RELEASE, *(DRIVER.format(origin=origin) for origin in origins)]
    (root / "preferences").write_text("\n".join(records))
    (root / "apt.conf").write_text(APT.format(root=root))
    apt = os.environ | {"APT_CONFIG": str(root / "apt.conf")}
    for command in (["apt-get", "update"], ["apt-cache", "gencaches"]):
        subprocess.run(command, env=apt, check=True, capture_output=True)


def environment(prefix: Path) -> None:
    """Write an environment of many distributions; one is PyTorch's size, with a RECORD of 12,000 files."""
    site = prefix / "lib" / "python3.11" / "site-packages"
    for number in range(DISTRIBUTIONS):
        info = site / f"distribution_{number}-1.{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\n")
    info = site / "torch-2.13.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\n")
    (site / "torch").mkdir()
    hashed = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    lines = [f"torch/module_{number}.py,{hashed},0\n" for number in range(100)]
    for number in range(100):
        (site / "torch" / f"module_{number}.py").touch()
    lines += [f"torch/include/a/b/header_{n}.h,{hashed},{n}\n" for n in range(FILES)]
    (info / "RECORD").write_text("".join(lines))


def once(command: list[str], log: Path) -> tuple[Sample, float]:
    """Run the module once and return its times and the peak memory (MB) of its largest process.

    Raises:
        subprocess.CalledProcessError: it failed, so its figures mean nothing.
    """
    started = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    sample = Sample(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)
    return sample, usage.ru_maxrss * 1024 / 1e6


def rows(runs: int, log: Path) -> list[Row]:
    """Measure the module and set it against its limits."""
    with tempfile.TemporaryDirectory(prefix="dlconf-bench-collect-") as folder:
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": build(Path(folder))})
        command = [sys.executable, "-c", PROGRAM, folder, arguments]
        once(command, log)
        taken = [once(command, log) for _ in range(runs)]
    samples = [sample for sample, _peak in taken]
    peak = statistics.median(peak for _sample, peak in taken)
    name = f"collect, {PACKAGES} packages, {ENVIRONMENTS} environments"
    return [
        Row(
            f"{name}: {what}",
            limit,
            round(ratio, 2),
            1.0,
            runs,
            spread(samples),
            (),
            cpu(samples),
            None,
        )
        for what, limit, ratio in (
            ("CPU", f"{CPU_LIMIT_S} s of CPU", CPU_LIMIT_S / cpu(samples)),
            (f"memory, {peak:.0f} MB", f"{MEMORY_LIMIT_MB} MB", MEMORY_LIMIT_MB / peak),
        )
    ]


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile() as log:
        for row in rows(20, Path(log.name)):
            print(row)
