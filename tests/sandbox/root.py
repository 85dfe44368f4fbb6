"""One host's files, as far as apt reads and writes them, and real apt run on them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ansible

from dlconf import content
from tests.lab.command import as_root, run
from tests.lab.mirror.debs import Deb
from tests.sandbox.network import MirrorNetwork

# Where apt, dpkg and the vendors' local repositories have their files: the host's own stand there while a command runs.
FOLDERS = ("etc/apt", "usr/share/keyrings", "var")
# Ansible and dlconf are where PYTHON_PATH says, in folders that every system has and apt never reads.
ENTER = f"""\
root=$1 base=$2 packages=$3 content=$4
shift 4
mount --bind "$packages" "$base/mnt"
mount --bind "$content" "$base/opt"
mount --bind "$root/etc/hosts" "$base/etc/hosts"
for folder in {" ".join(FOLDERS)}; do mount --bind "$root/$folder" "$base/$folder"; done
exec chroot "$base" "$@"
"""
PYTHON_PATH = "PYTHONPATH=/mnt:/opt"
PYTHON = ["env", PYTHON_PATH, "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3"]
# Ansible sends a module together with what it imports of ours.
MODULE = """\
import runpy, sys
import ansible.module_utils
ansible.module_utils.__path__.append("/opt/dlconf/plugins/module_utils")
runpy.run_path(sys.argv.pop(), run_name="__main__")
"""
SETTINGS = """\
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::EnableSrvRecords "false";
Acquire::https::CaInfo "/etc/apt/sandbox-ca.crt";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
NOT_LISTS = shutil.ignore_patterns("lock", "partial", "auxfiles")
INSTALL = Path(__file__).with_name("install.py")
_CHANGE = re.compile(
    r"^(?P<verb>Inst|Remv|Purg) (?P<name>\S+)(?: \[(?P<old>[^]]+)\])?(?: \((?P<new>\S+) (?P<from>[^)\[]*))?",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Change:
    """What apt would do with one package; `new` is "" for a removal, `old` for an installation."""

    name: str
    old: str
    new: str
    origin: str

    def __str__(self) -> str:
        return f"{self.name} {self.old or '-'} -> {self.new or '-'}"


class Root:
    """A host in the sandbox.

    Args:
        folder: gets the host's files.
        base: the root of the system whose apt is asked; `/` is this machine's.
        network: where it fetches from.
    """

    def __init__(self, folder: Path, base: Path, network: MirrorNetwork) -> None:
        self.folder, self._base, self.network = folder, base, network
        self.installed: dict[str, Deb] = {}
        self.held: set[str] = set()
        for name in ("lists/partial", "periodic"):
            (folder / "var/lib/apt" / name).mkdir(parents=True)
        for name in ("cache/apt/archives/partial", "lib/dpkg/info", "log/apt", "tmp"):
            (folder / "var" / name).mkdir(parents=True)
        for name in ("apt.conf.d", "sources.list.d", "preferences.d", "trusted.gpg.d", "keyrings"):
            (folder / "etc/apt" / name).mkdir(parents=True)
        (folder / "usr/share/keyrings").mkdir(parents=True)
        self.write("/etc/apt/apt.conf.d/99sandbox", SETTINGS)
        self.connect(network)

    def connect(self, network: MirrorNetwork) -> None:
        """Fetch from another network from now on."""
        self.network = network
        self.write("/etc/hosts", network.hosts_text)
        self.write("/etc/apt/sandbox-ca.crt", network.authority)

    def path(self, name: str) -> Path:
        """Return where a file of the host lies."""
        return self.folder / name.lstrip("/")

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the host."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, argv: Sequence[str], stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a command on the host; its failure is an answer."""
        self._write_status()
        inside = [*self.network.enter(), "unshare", "--mount", "sh", "-ec", ENTER, "sh"]
        places = [self.folder, self._base, Path(ansible.__file__).parents[1], content.root()]
        argv = as_root([*inside, *map(str, places), *argv])
        return run(argv, check=False, stdin=stdin, environment={"LC_ALL": "C.UTF-8"})

    def run_module(self, name: str, arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of dlconf's Ansible modules on the host; `arguments` are JSON."""
        path = f"/opt/dlconf/plugins/modules/{name}.py"
        return self.run([*PYTHON, "-c", MODULE, path], stdin=arguments.encode())

    def update(self) -> str:
        """Fetch the lists of packages; return what apt complains of, "" for nothing.

        Where another host had the same sources and keys, its lists are taken and apt is not asked again.
        """
        same, lists = self._sources_digest(), self.path("/var/lib/apt/lists")
        with self.network.fetching(same):
            if same not in self.network.fetched:
                complaint, kept = self._fetch(), self.network.lists / same
                shutil.copytree(lists, kept, copy_function=os.link, ignore=NOT_LISTS)
                self.network.fetched[same] = complaint, kept
                return complaint
        complaint, kept = self.network.fetched[same]
        shutil.rmtree(lists)
        shutil.copytree(kept, lists, copy_function=os.link)
        (lists / "partial").mkdir()
        return complaint

    def _fetch(self) -> str:
        done = self.run(["apt-get", "-q", "update"])
        lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
        return "\n".join(lines) or ("" if done.returncode == 0 else "update failed")

    def _sources_digest(self) -> str:
        """Return a hash of everything that fetching the lists depends on, but the network."""
        digest = hashlib.sha256()
        etc = [self.path("/etc/apt/sources.list"), *self.path("/etc/apt").glob("*.d/*")]
        keys = [
            *self.path("/usr/share/keyrings").iterdir(),
            *self.path("/etc/apt/keyrings").iterdir(),
        ]
        local = self.path("/var").glob("*-repo-*/InRelease")
        for path in sorted({*etc, *keys, *local}):
            if path.is_file() and path.parent.name != "preferences.d":
                digest.update(str(path.relative_to(self.folder)).encode() + path.read_bytes())
        return digest.hexdigest()[:16]

    def simulate(self, *arguments: str) -> tuple[str, list[Change]]:
        """Ask apt what it would do; return its complaint, "" for none, and the changes."""
        return answer(self.run(["apt-get", "--simulate", "--quiet", "--assume-yes", *arguments]))

    def install(
        self, names: Sequence[str], *, downgrade: bool, change_held: bool
    ) -> tuple[str, list[Change]]:
        """Ask apt to install packages as Ansible's module does; `names` are that module's."""
        asked = {"names": list(names), "downgrade": downgrade, "change_held": change_held}
        script = f"/opt/{INSTALL.relative_to(content.root())}"
        return answer(self.run([*PYTHON, script, json.dumps(asked)]))

    def put(self, debs: Iterable[Deb]) -> None:
        """Have packages installed, with those of their files that apt reads."""
        for deb in debs:
            self.installed[deb.name] = deb
            if deb.files:
                self.write(f"/var/lib/dpkg/info/{deb.name}.list", "\n".join(deb.files) + "\n")
            for name, data in deb.files.items():
                if isinstance(data, str | bytes) and name.startswith(
                    ("/etc/apt/", "/usr/share/keyrings/", "/var/")
                ):
                    self.write(name, data)

    def apply(self, changes: Iterable[Change], known: Mapping[tuple[str, str], Deb]) -> None:
        """Bring about what apt would do."""
        for change in changes:
            if change.new:
                self.put([known[change.name, change.new]])
            else:
                del self.installed[change.name]
                self.held.discard(change.name)

    def _write_status(self) -> None:
        text = "".join(
            f"{deb.control()}Status: {'hold' if deb.name in self.held else 'install'} ok installed\n\n"
            for deb in self.installed.values()
        )
        self.write("/var/lib/dpkg/status", text)


def answer(done: subprocess.CompletedProcess[str]) -> tuple[str, list[Change]]:
    """Return apt's complaint, "" for none, and the changes that it would make, from what it said."""
    if done.returncode != 0:
        return f"{done.stderr.strip()}\n{_problem(done.stdout)}".strip(), []
    return "", changes_of(done.stdout)


def changes_of(output: str) -> list[Change]:
    """Return the changes that apt-get says it would make."""
    return [
        Change(found["name"], found["old"] or "", found["new"] or "", (found["from"] or "").strip())
        for found in _CHANGE.finditer(output)
    ]


def _problem(output: str) -> str:
    """Return what apt says of packages that do not go together."""
    _, found, rest = output.partition("The following packages have unmet dependencies:")
    return (found + rest).strip()[:1500]
