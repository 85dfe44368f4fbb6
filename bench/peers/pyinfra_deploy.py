"""What the contracts name for these hosts, as a pyinfra deploy: packages, files, links, holds, services.

It does less than dlconf: of Python environments only the packages, no DKMS builds, users, keys' fingerprints,
candidates of apt, and packages by name where the contract has a pattern of versions. BENCH_RESOURCES is a JSON file,
host -> resources.
"""

import io
import json
import os
from pathlib import Path
from typing import Any

from pyinfra.api.facts import FactBase
from pyinfra.context import host
from pyinfra.operations import apt, files, pip, server, systemd


class Holds(FactBase):  # type: ignore[type-arg]
    """The held packages."""

    default = set  # where none is held, nothing is printed and `process` not asked

    def command(self) -> str:
        return "apt-mark showhold"

    def process(self, output: Any) -> set[str]:
        return set(output)


resources: list[dict[str, Any]] = json.loads(Path(os.environ["BENCH_RESOURCES"]).read_text())[
    host.name
]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [resource for resource in resources if resource["kind"] == kind]


for directory in of_kind("directory"):
    files.directory(
        path=directory["path"],
        mode=directory["mode"],
        user=directory["owner"],
        group=directory["group"],
    )
for file in of_kind("file"):
    if "content" in file:
        files.put(src=io.StringIO(file["content"]), dest=file["path"], mode=file["mode"])
for keyring in of_kind("keyring"):
    files.file(path=keyring["path"], mode=keyring["mode"])
for absent in of_kind("absent"):
    if "*" not in absent["path"]:
        files.file(path=absent["path"], present=False)

packages = []
for package in of_kind("package"):
    version = package.get("version", "*")
    packages.append(package["name"] if "*" in version else f"{package['name']}={version}")
if packages:
    apt.packages(packages=packages, no_recommends=True)

if missing := {hold["name"] for hold in of_kind("hold")} - host.get_fact(Holds):
    server.shell(commands=["apt-mark hold " + " ".join(sorted(missing))])
for link in of_kind("link"):
    files.link(path=link["path"], target=link["target"])
for environment in of_kind("python_env"):
    wanted = {
        name: version
        for name, version in environment["packages"].items()
        if "+" not in version  # a local version (2.14.1+cu126) is none that pyinfra can read
    }
    pip.packages(
        packages=[
            name if "*" in version else f"{name}=={version}" for name, version in wanted.items()
        ],
        pip=f"{environment['path']}/bin/pip",
    )
for service in of_kind("service"):
    running = service.get("running", True)
    systemd.service(service=service["name"], running=running, enabled=running)
