"""Let DKMS build Debian's packages of NVIDIA's modules for Debian's kernels, and say what built.

`make dkms-builds` runs it: ten minutes a pair, so never in CI. One line a pair goes to standard
output and, as JSON, to the file that --record names.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.command import LabError, as_root, run, say
from tests.lab.hostsettings import debian_sources, read_host_settings
from tests.lab.mirror.build import cache_folder, locked

RECORD = Path("tests/recorded/dkms-builds.jsonl")
PACKAGES = ["ca-certificates", "dkms"]
BUILD_LIMIT_S = 3600.0
UNPACKED = "/root/modules"
COMPLAINT = re.compile(r"(?:\berror: .*|^ERROR: modpost.*|^.*\bNo such file or directory\b.*)")


@dataclass(frozen=True)
class Pair:
    """A package of modules and a kernel, both of a suite or of its backports."""

    suite: str
    package: str
    version: str
    kernel: str


@dataclass(frozen=True)
class Build(Pair):
    """What DKMS made of a pair: `error` is the compiler's first complaint, `day` when it was seen."""

    built: bool
    error: str
    day: str


# What is least known stands first.
PAIRS = [
    Pair("trixie", "nvidia-tesla-535-kernel-dkms", "535.274.02-1~deb13u1", "7.3.4+deb13-amd64"),
    Pair("trixie", "nvidia-kernel-dkms", "550.163.01-2", "7.3.4+deb13-amd64"),
    Pair("trixie", "nvidia-kernel-dkms", "550.163.01-4~bpo13+1", "7.3.4+deb13-amd64"),
    Pair("trixie", "nvidia-open-kernel-dkms", "550.163.01-4~bpo13+1", "7.3.4+deb13-amd64"),
    Pair("trixie", "nvidia-open-kernel-dkms", "550.163.01-2", "7.3.4+deb13-amd64"),
    Pair("trixie", "nvidia-tesla-535-kernel-dkms", "535.274.02-1~deb13u1", "6.12.117+deb13-amd64"),
    Pair("trixie", "nvidia-kernel-dkms", "550.163.01-2", "6.12.117+deb13-amd64"),
    Pair("bookworm", "nvidia-tesla-470-kernel-dkms", "470.256.02-1~deb12u1", "6.12.95+deb12-amd64"),
    Pair("bookworm", "nvidia-tesla-470-kernel-dkms", "470.256.02-5~bpo12+1", "6.12.95+deb12-amd64"),
    Pair("bookworm", "nvidia-kernel-dkms", "535.261.03-1", "6.12.95+deb12-amd64"),
    Pair("bookworm", "nvidia-tesla-470-kernel-dkms", "470.256.02-1~deb12u1", "6.1.0-50-amd64"),
    Pair("sid", "nvidia-tesla-470-kernel-dkms", "470.256.02-10", "7.2.13+deb14-amd64"),
    Pair("trixie", "nvidia-kernel-dkms", "550.163.01-4~bpo13+1", "7.2.12+deb13-amd64"),
]


def main() -> None:
    """Build the pairs that the record lacks, one after another, and add each to it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--record", type=Path, default=RECORD, help="file of the results, JSON lines"
    )
    parser.add_argument("--jobs", type=int, default=2, help="compilers at a time")
    wanted = parser.parse_args()
    known = {(item["package"], item["version"], item["kernel"]) for item in read(wanted.record)}
    with locked(cache_folder() / "lock-dkms-builds"):
        for pair in PAIRS:
            if (pair.package, pair.version, pair.kernel) in known:
                continue
            try:
                build = build_pair(pair, wanted.jobs)
            except LabError as error:
                say(f"{pair.package} {pair.version} on {pair.kernel}: not tried: {error}")
                continue
            told = "built" if build.built else f"failed: {build.error}"
            print(f"{build.package} {build.version} on {build.kernel}: {told}", flush=True)
            with wanted.record.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(build), ensure_ascii=False) + "\n")


def read(record: Path) -> Iterator[dict[str, object]]:
    """Yield the recorded builds; a file that is missing holds none."""
    if record.exists():
        for line in record.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def build_pair(pair: Pair, jobs: int) -> Build:
    """Let DKMS build a pair in the root of its suite.

    Raises:
        LabError: the root, the headers or the package cannot be had, so nothing was tried.
    """
    root = suite_root(pair.suite)
    inside(root, ["apt-get", "install", "-qy", f"linux-headers-{pair.kernel}"])
    run(as_root(["rm", "-rf", f"{root}{UNPACKED}"]))
    run(as_root(["mkdir", "-p", f"{root}{UNPACKED}"]))
    # Unpacked, not installed: its dependencies are libraries, and its script would build by itself.
    fetch = f"cd {UNPACKED} && apt-get download -q {pair.package}={pair.version}"
    inside(root, ["sh", "-c", f"{fetch} && dpkg-deb -x *.deb unpacked && rm *.deb"])
    source = next(Path(f"{root}{UNPACKED}/unpacked/usr/src").glob("*/dkms.conf")).parent
    module, _, version = source.name.rpartition("-")
    run(as_root(["rm", "-rf", f"{root}/usr/src/{source.name}", f"{root}/var/lib/dkms/{module}"]))
    run(as_root(["cp", "-r", str(source), f"{root}/usr/src/"]))
    named = ["-m", module, "-v", version]
    inside(root, ["dkms", "add", *named])
    say(f"{pair.package} {pair.version} on {pair.kernel}: DKMS builds it")
    command = ["nice", "-n", "19", "dkms", "build", *named, "-k", pair.kernel, "-j", str(jobs)]
    ended = run(as_root(_chroot(root, command)), check=False, timeout_s=BUILD_LIMIT_S)
    built = f"{root}/var/lib/dkms/{module}/{version}/{pair.kernel}/x86_64/module"
    success = ended.returncode == 0 and any(Path(built).glob("nvidia*.ko*"))
    log = Path(f"{root}/var/lib/dkms/{module}/{version}/build/make.log")
    lines = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ended.stderr
    error = "" if success else first_complaint(lines)
    return Build(**asdict(pair), built=success, error=error, day=f"{datetime.now(UTC):%Y-%m-%d}")


def first_complaint(log: str) -> str:
    """Return the first line of a build's log in which the compiler or modpost complains."""
    for line in log.splitlines():
        found = COMPLAINT.search(line)
        if found and "conftest" not in line:
            return found[0].strip()
    return "no complaint of the compiler in the log"


def suite_root(suite: str) -> Path:
    """Return the root of a suite with its backports, bootstrapped when the cache has none."""
    root = cache_folder() / f"dkms-{suite}"
    if not root.exists():
        say(f"bootstrapping {suite} with a compiler and DKMS: some minutes, once")
        host = read_host_settings()
        partial = root.with_name(f"{root.name}.partial")
        run(as_root(["rm", "-rf", str(partial)]))
        with tempfile.TemporaryDirectory(prefix="dlconf-dkms-") as scratch:
            sources = Path(scratch) / "sources.list"
            sources.write_text(_sources(debian_sources(host.sources, suite), suite), "utf-8")
            options = [
                *host.apt_options,
                'Acquire::Retries "5";',
                'APT::Install-Recommends "false";',
            ]
            settings = (f"--aptopt={option}" for option in options)
            names = f"--include={','.join(PACKAGES)}"
            variant = "--variant=minbase"
            words = ["mmdebstrap", variant, names, *settings, suite, str(partial), str(sources)]
            run(as_root(["nice", "-n", "19", *words]))
        run(as_root(["mv", str(partial), str(root)]))
    inside(root, ["apt-get", "update", "-q"])
    return root


def _sources(lines: str, suite: str) -> str:
    """Leave only the archive itself for sid, and give the others their backports."""
    archive = lines.splitlines()[0]
    if suite == "sid":
        return f"{archive}\n"
    return f"{lines}{archive.replace(f' {suite} ', f' {suite}-backports ')}\n"


def inside(root: Path, command: list[str]) -> None:
    """Run a program in a root, with /proc of its own and with no question asked.

    Raises:
        LabError: the program failed.
    """
    run(as_root(_chroot(root, command)))


def _chroot(root: Path, command: list[str]) -> list[str]:
    environment = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc"]
    return [*own, "chroot", str(root), *environment, *command]


if __name__ == "__main__":
    main()
