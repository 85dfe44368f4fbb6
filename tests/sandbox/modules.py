"""What the modules of the roles' tasks do on a host of the sandbox.

dlconf's own modules, and commands that only look, really run there. Of the others those do their work that apt depends
on; what is no business of apt's is passed over.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlconf import content
from tests.lab.mirror.debs import Deb
from tests.sandbox.local import local_repository, write_local
from tests.sandbox.playbook import OURS
from tests.sandbox.root import Change, Root
from tests.sandbox.sites import Keys
from tests.sandbox.systems import System

LOOKS = ("apt-cache", "apt-config", "dpkg-query", "apt-get")
KEYSERVER = "https://keyserver.ubuntu.com/"  # it has every key


class SandboxModules:
    """Does the tasks' work on one host.

    Args:
        root: the host. system: of the host. keys: what stands for the vendors' keys.
        known: every package that can be installed, by name and version.
        sites: the files that the mirror serves.
    """

    def __init__(
        self, root: Root, system: System, keys: Keys, known: dict[tuple[str, str], Deb], sites: Path
    ) -> None:
        self._root, self._system, self._keys = root, system, keys
        self._known, self._sites = known, sites
        self.transactions: list[list[Change]] = []

    @property
    def changes(self) -> list[Change]:
        """What apt has changed, in order."""
        return [change for changes in self.transactions for change in changes]

    def run(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do a module's work and return its result."""
        if module.startswith(OURS):
            return self._ours(module, arguments)
        work = getattr(self, f"_{module}", None)
        return dict(work(arguments)) if work else {}

    def _ours(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run a module of dlconf's on the host."""
        given = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments)}, default=str)
        done = self._root.run_module(module, given)
        try:
            result: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            return {"failed": True, "msg": f"{module}: {done.stdout}{done.stderr}"}
        return result

    def _command(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        argv = [str(word) for word in arguments["argv"]]
        if argv[:2] == ["dpkg", "--set-selections"]:
            lines = [line.split() for line in arguments.get("stdin", "").splitlines()]
            for name, _ in lines:
                self._root.held.add(name.split(":")[0])
            return {"changed": True, "rc": 0, "stdout": "", "stdout_lines": [], "stderr": ""}
        if argv[0] == "apt-get" and "install" in argv and "--simulate" not in argv:
            return self._installed(*self._root.simulate(*argv[1:]), " ".join(argv))
        if argv[0] not in LOOKS:
            return {"rc": 0, "stdout": "", "stdout_lines": [], "stderr": ""}
        done = self._root.run(argv)
        lines = done.stdout.splitlines()
        result = {"rc": done.returncode, "stdout": done.stdout.rstrip("\n"), "stderr": done.stderr}
        return {**result, "stdout_lines": lines, "failed": done.returncode != 0}

    def _apt(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if "deb" in arguments:
            return self._local(arguments["deb"])
        if arguments.get("update_cache"):
            complaint = self._root.update()
            if complaint or "name" not in arguments:
                return {"failed": bool(complaint), "changed": True} | (
                    {"msg": complaint} if complaint else {}
                )
        names = arguments.get("name", [])
        names = [names] if isinstance(names, str) else [name for name in names if name]
        if not names:
            return {}
        if arguments.get("state") == "absent":
            complaint, changes = self._root.simulate("remove", *names)
        else:
            complaint, changes = self._root.install(
                names,
                downgrade=_true(arguments.get("allow_downgrade")),
                change_held=_true(arguments.get("allow_change_held_packages")),
            )
        return self._installed(complaint, changes, f"apt-get install {' '.join(names)}")

    def _installed(self, complaint: str, changes: list[Change], command: str) -> dict[str, Any]:
        """Bring about what apt says it would do, and return the result of a module that asked it."""
        if complaint:
            return {"failed": True, "msg": f"{command}: {complaint}"}
        self.transactions.append(changes)
        self._root.apply(changes, self._known)
        return {"changed": bool(changes), "rc": 0, "stdout": "", "stderr": ""}

    def _local(self, path: str) -> dict[str, Any]:
        """Have the package of a local repository installed that `download` has announced."""
        name, version, _ = Path(path).name.split("_")
        deb = local_repository(self._system, name, version, self._keys)
        self._known[deb.name, deb.version] = deb
        self._root.put([deb])
        write_local(self._system, self._root.path(f"/var/{name}"), name, version, self._keys)
        return {"changed": True}

    def _dpkg_selections(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = arguments["name"].split(":")[0]
        if name not in self._root.installed:
            return {"failed": True, "msg": f"Failed to find package '{name}' to perform selection"}
        change = (
            self._root.held.add if arguments["selection"] == "hold" else self._root.held.discard
        )
        change(name)
        return {"changed": True}

    def _copy(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        path = self._root.path(arguments["dest"])
        text = arguments.get("content")
        if text is None and _true(arguments.get("remote_src")):
            text = self._root.path(arguments["src"]).read_bytes()
        if text is None:
            return {}
        data = text.encode() if isinstance(text, str) else text
        if path.is_file() and path.read_bytes() == data:
            return {}
        self._root.write(arguments["dest"], data)
        return {"changed": True}

    def _file(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        path = self._root.path(arguments["path"])
        if arguments.get("state") != "absent" or not path.exists():
            return {}
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return {"changed": True}

    def _stat(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        path = self._root.path(arguments["path"])
        return {"stat": {"exists": path.exists(), "islnk": path.is_symlink()}}

    def _find(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        found: list[dict[str, str]] = []
        patterns = _texts(arguments.get("patterns", "*"))
        for folder in _texts(arguments["paths"]):
            base = self._root.path(folder)
            names = sorted(base.iterdir()) if base.is_dir() else []
            found += [
                {"path": f"{folder}/{path.name}"}
                for path in names
                if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in patterns)
            ]
        return {"files": found, "matched": len(found)}

    def _uri(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        there = self._served(arguments["url"]) is not None
        return {"status": 200 if there else 404, "failed": not there}

    def _include_role(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do the work of a role that only fetches and return its result; nothing for another, which is played."""
        if arguments["name"] == "download":
            return {"done": True}
        if arguments["name"] != "apt_key":
            return {}
        pinned = arguments["apt_key_fingerprint"].upper()
        if complaint := self._refused(pinned, arguments["apt_key_url"]):
            return {"failed": True, "msg": complaint}
        key = self._keys.of_fingerprint(pinned)
        key.export(self._root.path(arguments["apt_key_path"]), armor=False)
        return {"done": True}

    def _refused(self, pinned: str, address: str) -> str:
        """Say why a key is not the pinned one; "" where it is, since the role brings it or its address has it."""
        brought = content.root() / "roles/apt_key/files" / f"{pinned}.asc"
        if brought.is_file() or address.startswith(KEYSERVER):
            return ""
        served = self._served(address)
        if served is None:
            return f"there is no key at {address}"
        key = self._keys.of_fingerprint(pinned)
        found = key.shown(served)
        return "" if found == key.fingerprint else f"the key at {address} is not {pinned}"

    def _served(self, address: str) -> Path | None:
        rest = address.partition("://")[2]
        path = self._sites / rest
        return path if path.is_file() else None


def _texts(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "yes", "1")
