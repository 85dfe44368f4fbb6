"""Every package that the mirror's definitions make, for the lab and for the sandbox: what tests look through."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from tests.lab.mirror.answers import ANSWERS
from tests.lab.mirror.build import CONTENT
from tests.lab.mirror.containers import docker_packages, toolkit_packages
from tests.lab.mirror.cuda import nccl_packages
from tests.lab.mirror.debs import Deb
from tests.lab.mirror.drives import drive_packages
from tests.lab.mirror.relations import GUESS
from tests.lab.mirror.services import dcgm_packages, repository_services
from tests.sandbox.repositories import repositories


def packages() -> Iterator[Deb]:
    """Yield them: the sandbox's for both answers and both days, and what only the lab's mirror has."""
    for answers in ANSWERS:
        for day_after in (False, True):
            for repository in repositories(answers, day_after=day_after):
                for debs in repository.components.values():
                    yield from debs
    content = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
    yield from docker_packages(content["docker"]["packages"], "ubuntu.22.04~jammy")
    for version in content["container_toolkit"]:
        yield from toolkit_packages(version)
    yield from drive_packages(content["google_drive_ocamlfuse"])
    yield from repository_services("595.99.02")
    yield from dcgm_packages(content["dcgm"]["version"], content["dcgm"]["exporter"])
    yield from nccl_packages("2.30.7", "12.9")


def guesses() -> list[str]:
    """Return the relations that are guesses, one a line, versions left out."""
    found = set()
    for deb in packages():
        for relation in deb.relations:
            if relation.source == GUESS:
                bare = re.sub(r" \([^)]*\)", "", relation.text)
                found.add(f"{_general(deb.name)} {relation.field}: {_general(bare)}")
    return sorted(found)


def _general(text: str) -> str:
    """Return a name with its numbers left out, so that one line stands for all releases."""
    return re.sub(r"\d[\d.]*(-\d+)*(-generic|-amd64)?\b", "N", text)
