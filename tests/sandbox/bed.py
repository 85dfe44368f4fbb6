"""The test bed: the mirrors of today and of the day after, and hosts in front of them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tests.lab.mirror.answers import Answers
from tests.lab.mirror.debs import Deb
from tests.sandbox.network import MirrorNetwork
from tests.sandbox.repositories import PPA, Repository, repositories
from tests.sandbox.root import Root
from tests.sandbox.sites import Keys, write_repository
from tests.sandbox.states import OLD_PPA
from tests.sandbox.systems import System


class Bed:
    """Mirrors for one way in which the open questions are answered.

    Args:
        answers: that way.
        base: root of the system whose apt is asked.
        offered: makes what the mirrors hold instead of world.yml's repositories, the same on both days.
    """

    def __init__(
        self,
        answers: Answers,
        base: Path = Path("/"),
        offered: Callable[[], Iterable[Repository]] | None = None,
    ) -> None:
        self.answers, self._base, self._offered = answers, base, offered
        self._folder = Path(tempfile.mkdtemp(prefix="dlconf-sandbox-"))
        self._folder.chmod(0o755)
        self.keys = Keys(self._folder / "k")
        self._repositories: dict[bool, list[Repository]] = {}
        self._networks: dict[bool, MirrorNetwork] = {}
        self._numbers = itertools.count()

    def network(self, *, day_after: bool) -> MirrorNetwork:
        """Return the mirror of a day, made when it is asked for first."""
        if day_after not in self._networks:
            folder = self._folder / ("after" if day_after else "today")
            for repository in self.repositories(day_after=day_after):
                write_repository(folder / "sites", repository, self.keys)
            old = folder / "sites" / str(urlsplit(OLD_PPA).hostname)
            old.symlink_to(str(urlsplit(PPA).hostname))
            self._networks[day_after] = MirrorNetwork(folder, folder / "sites")
        return self._networks[day_after]

    def repositories(self, *, day_after: bool) -> list[Repository]:
        """Return the repositories of a day."""
        if day_after not in self._repositories:
            made = self._offered or partial(repositories, self.answers, day_after=day_after)
            found = list(made())
            self._repositories[day_after] = found
        return self._repositories[day_after]

    def root(self) -> Root:
        """Return a new host, with nothing on it, in front of today's mirror."""
        folder = self._folder / "hosts" / str(next(self._numbers))
        return Root(folder, self._base, self.network(day_after=False))

    def forget(self, root: Root) -> None:
        """Remove a host."""
        shutil.rmtree(root.folder)

    def known(self, system: System) -> dict[tuple[str, str], Deb]:
        """Return every package that a host of a system can be offered, by name and version."""
        mine = (system.codename, system.distro)
        return {
            (deb.name, deb.version): deb
            for day_after in (False, True)
            for repository in self.repositories(day_after=day_after)
            if repository.suite.split("-")[0] in mine or system.distro in repository.address
            for debs in repository.components.values()
            for deb in debs
        }

    def close(self) -> None:
        """End the servers and remove everything."""
        for network in self._networks.values():
            network.close()
        self.keys.close()
        shutil.rmtree(self._folder)
