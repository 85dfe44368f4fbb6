"""A lab's life: up, down, and one machine stopped or started."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.lab.command import LabError, as_root, run
from tests.lab.hostsettings import HostSettings, read_host_settings
from tests.lab.image import SUITE, Images, ensure_images
from tests.lab.inventory import write_inventory
from tests.lab.mirror.build import SERVER, MirrorTree, ensure_mirror
from tests.lab.network import create_network, guard, remove_network
from tests.lab.pci import write_tree
from tests.lab.podman import LABEL, Podman
from tests.lab.seed import Identity, seed_archive, seed_files
from tests.lab.settings import Lab, Machine, chosen, load_kinds, machines, mirror_address

BOOT_LIMIT_S = 180.0
QUESTION_LIMIT_S = 20.0
LOG_LINES = 30
PARALLEL = 4


class RunningLab:
    """A lab on this machine; `up` makes it, or makes it whole again.

    Args:
        lab: its name, folder and size.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._record_path = lab.state / "lab.json"
        self.podman = Podman(lab.state / "containers.conf")

    def require(self) -> RunningLab:
        """Return this lab. Raises LabError when it is not up."""
        _ = self.record
        return self

    @property
    def record(self) -> dict[str, Any]:
        """What `up` wrote down.

        Raises:
            LabError: the lab is not up.
        """
        if not self._record_path.exists():
            raise LabError(f"there is no lab in {self.lab.state}: run `make lab-up`")
        record: dict[str, Any] = json.loads(self._record_path.read_text(encoding="utf-8"))
        return record

    def up(self) -> None:
        """Bring the lab up; what is running already stays as it is.

        Raises:
            LabError: something is missing or failed; what was started stays, for `down`.
        """
        state = self.lab.state
        state.mkdir(parents=True, exist_ok=True)
        host = read_host_settings()
        images = ensure_images(self.podman, host)
        mirror = ensure_mirror()
        self._refuse_older(mirror)
        subnet = self._subnet()
        members = machines(chosen(load_kinds(), self.lab.kinds), self.lab.hosts, subnet)
        self._write_record(subnet, images, mirror, members)
        self._start_mirror(images.debian, mirror, subnet)
        identities = self._identities(members)
        write_inventory(
            members,
            state,
            mirror.facts,
            {name: identity.host_key_public for name, identity in identities.items()},
            ubuntu_is_real=images.ubuntu_is == "real",
        )
        running = self.podman.containers(self.lab.identity)
        with ThreadPoolExecutor(PARALLEL) as pool:
            jobs = [
                pool.submit(self._boot, member, identities[member.name], images, mirror, host)
                for member in members
                if running.get(self.lab.container(member.name)) != "running"
            ]
            for job in jobs:
                job.result()
        self._wait_for_ssh([member.name for member in members])

    def down(self) -> None:
        """End the lab: containers, network, guard and folder. What is not there is passed over."""
        self.podman.remove(list(self.podman.containers(self.lab.identity)))
        subnet = self.record["subnet"] if self._record_path.exists() else None
        remove_network(self.podman, self.lab.identity, subnet)
        run(as_root(["rm", "-rf", str(self.lab.state)]))

    def stop(self, machine: str) -> None:
        """Stop a machine as a power cut would; its address then answers nobody."""
        self.podman.run("kill", "--signal", "KILL", self.container(machine))
        self.podman.run("wait", self.container(machine))

    def start(self, machine: str) -> None:
        """Start a stopped machine again and wait until it takes logins."""
        self.podman.run("start", self.container(machine))
        self._wait_for_ssh([machine])

    def states(self) -> dict[str, str]:
        """Return the state of each container of the lab."""
        return self.podman.containers(self.lab.identity)

    def container(self, machine: str) -> str:
        """Return the container of a machine.

        Raises:
            LabError: this lab has no machine of that name.
        """
        names = [row["name"] for row in self.record["machines"]]
        if machine not in names:
            raise LabError(f"no machine {machine} in this lab; there are {', '.join(names)}")
        return self.lab.container(machine)

    def _refuse_older(self, mirror: MirrorTree) -> None:
        """A mirror that was built anew has other keys, which running machines do not trust."""
        if self._record_path.exists() and self.record["mirror_tree"] != str(mirror.root):
            raise LabError("this lab runs with an older mirror: take it down first")

    def _subnet(self) -> str:
        if self._record_path.exists() and self.podman.succeeds(
            "network", "exists", self.lab.identity
        ):
            subnet: str = self.record["subnet"]
            guard(subnet)
            return subnet
        return create_network(self.podman, self.lab.identity)

    def _write_record(
        self, subnet: str, images: Images, mirror: MirrorTree, members: list[Machine]
    ) -> None:
        password = secrets.token_urlsafe(12)
        if self._record_path.exists():
            password = self.record["labpw_password"]
        record = {
            "schema": 1,
            "name": self.lab.name,
            "identity": self.lab.identity,
            "subnet": subnet,
            "mirror": mirror_address(subnet),
            "mirror_tree": str(mirror.root),
            "ubuntu": images.ubuntu_is,
            "images": {"debian": images.debian, "ubuntu": images.ubuntu},
            "wheels": mirror.facts["wheels"],
            "labpw_password": password,
            "machines": [
                {"name": member.name, "kind": member.kind.name, "address": member.address}
                for member in members
            ],
        }
        self._record_path.touch(mode=0o600)
        self._record_path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    def _start_mirror(self, image: str, mirror: MirrorTree, subnet: str) -> None:
        name = self.lab.container("mirror")
        control = self.lab.state / "mirror"
        control.mkdir(exist_ok=True)
        (control / "requests.jsonl").touch()
        if self.podman.containers(self.lab.identity).get(name) == "running":
            return
        self.podman.remove([name])
        self.podman.run(
            *("run", "--detach", "--quiet", "--name", name, "--hostname", "mirror"),
            *("--label", f"{LABEL}={self.lab.identity}", "--network", self.lab.identity),
            *("--ip", mirror_address(subnet), "--stop-signal", "SIGKILL"),
            *("--volume", f"{mirror.root}:/srv/mirror:ro"),
            *("--volume", f"{control}:/srv/control"),
            *("--volume", f"{SERVER}:/srv/server.py:ro"),
            *(image, "python3", "/srv/server.py"),
            *("/srv/mirror/sites", "/srv/mirror/tls", "/srv/control"),
        )

    def _identities(self, members: list[Machine]) -> dict[str, Identity]:
        """Return each machine's keys, made now unless they are in the folder already."""
        login = _key_pair(self.lab.state / "id_ed25519", "lab")
        pairs = {
            member.name: _key_pair(self.lab.state / "hostkeys" / member.name, member.name)
            for member in members
        }
        return {name: Identity(*pair, login[1]) for name, pair in pairs.items()}

    def _boot(
        self,
        member: Machine,
        identity: Identity,
        images: Images,
        mirror: MirrorTree,
        host: HostSettings,
    ) -> None:
        name = self.lab.container(member.name)
        self.podman.remove([name])
        bus = self.lab.state / "pci" / member.name
        shutil.rmtree(bus, ignore_errors=True)
        write_tree(bus, member.kind.pci)
        sites = mirror.facts["hosts"]
        answered = mirror_address(self.record["subnet"])
        mounts = [
            f"{bus}:/sys/bus/pci/devices:ro",
            *(f"{path}:{path}:ro" for path in host.folders()),
        ]
        image = images.debian if member.kind.os == "debian" else images.ubuntu
        real_ubuntu = member.kind.os == "ubuntu" and images.ubuntu_is == "real"
        files = seed_files(
            identity,
            host,
            authority=mirror.authority,
            mirror_hosts=sites,
            suite=None if real_ubuntu else SUITE,
        )
        self.podman.run(
            *("create", "--quiet", "--name", name, "--hostname", member.name),
            *("--label", f"{LABEL}={self.lab.identity}", "--network", self.lab.identity),
            *("--ip", member.address, "--mac-address", member.mac, "--systemd", "always"),
            *("--restart", "always"),  # a reboot from inside ends the container
            *member.kind.options,
            *(part for site in sites for part in ("--add-host", f"{site}:{answered}")),
            *(part for mount in mounts for part in ("--volume", mount)),
            image,
        )
        self.podman.run("cp", "--archive=false", "-", f"{name}:/", stdin=seed_archive(files))
        self.podman.run("start", name)
        password = f"labpw:{self.record['labpw_password']}\n"
        self.podman.run("exec", "--interactive", name, "chpasswd", stdin=password.encode())

    def _wait_for_ssh(self, names: list[str]) -> None:
        limit = time.monotonic() + BOOT_LIMIT_S
        config = str(self.lab.state / "ssh_config")
        argv = ["ssh", "-F", config, "-o", "BatchMode=yes", "-o", "ConnectTimeout=3"]
        for name in names:
            while (login := run([*argv, name, "true"], check=False)).returncode != 0:
                if time.monotonic() > limit:
                    reason = f"{name} takes no login after {BOOT_LIMIT_S:g} s: {login.stderr}"
                    raise LabError(reason + self._symptoms(self.container(name)))
                time.sleep(0.2)

    def _symptoms(self, container: str) -> str:
        """Return what a machine that takes no login says of itself, as far as it answers."""
        state = "{{.State.Status}}, started {{.State.StartedAt}}, restarts {{.RestartCount}}"
        inside = ("exec", container)
        questions = (
            ("inspect", "--format", state, container),
            ("logs", "--tail", str(LOG_LINES), container),
            (*inside, "systemctl", "list-jobs", "--no-pager"),
            (*inside, "systemctl", "status", "--no-pager", "ssh.service"),
            (*inside, "ip", "-brief", "address"),
            (*inside, "journalctl", "--no-pager", "--lines", str(LOG_LINES)),
        )
        lines = []
        for question in questions:
            try:
                answer = self.podman.run(*question, check=False, timeout_s=QUESTION_LIMIT_S)
            except LabError as error:
                answer = str(error)
            lines.append(f"$ podman {' '.join(question)}\n{answer.rstrip()}")
        return "\n".join(lines)


def _key_pair(path: Path, comment: str) -> tuple[str, str]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    public = path.with_name(f"{path.name}.pub").read_text(encoding="ascii")
    return path.read_text(encoding="ascii"), public
