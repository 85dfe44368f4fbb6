"""Preference among allowed candidates: which one comes first, and what would have been newer.

Rank tuples are compared ascending: the smallest is preferred.
"""

from __future__ import annotations

from collections.abc import Sequence

from packaging.version import Version

from dlconf.catalogue import Catalogue
from dlconf.resolve.candidates import (
    Absent,
    Candidate,
    CudaCandidate,
    DriverCandidate,
    FrameworkCandidate,
    PythonCandidate,
)

DEFAULT_PYTHON = Version("3.12")
"""Python of a host without wished frameworks: the newest that every maintained framework has."""

PYTHON_YEARS = 1
"""How old a Python must be: half the field (CuPy, h5py, OpenCV, Numba) has no wheels for a newer one."""

DEFAULT_SOURCES = {"ubuntu": "ppa", "debian": "distribution"}
OWN_DRIVERS_FIRST = ("debian",)
"""Debian mends the drivers of a release for the release's life, past NVIDIA's end of life too, and they are
built for its kernels: another repository comes in only where they do not serve the hardware or the wishes."""
PRODUCTION = ("production", "long_term")
MAINTAINED, MAINTAINED_FEATURE, ENDED, ENDED_FEATURE = range(4)

Rank = tuple[object, ...]


class Ranking:
    """How candidates of one host are ordered.

    Args:
        catalogue: for its date, with which ends of life are compared.
        os: operating system; decides the default source of driver packages.
        wants_network: the local repository of CUDA does not count.
        any_framework: the Python version is for frameworks.
    """

    def __init__(
        self, catalogue: Catalogue, os: str, *, wants_network: bool, any_framework: bool
    ) -> None:
        self._month = catalogue.as_of[:7]
        year, _, day = catalogue.as_of.partition("-")
        self._year_ago = f"{int(year) - PYTHON_YEARS}-{day}"
        self.open_from = int(catalogue.rules["flavour"].values["open_preferred_from_branch"])
        self.default_source = DEFAULT_SOURCES.get(os.partition("-")[0], "nvidia")
        self._own_drivers_first = os.partition("-")[0] in OWN_DRIVERS_FIRST
        self.key = (os, wants_network, any_framework)
        self._wants_network = wants_network
        self._any_framework = any_framework

    def ordered(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Order candidates of one component, the preferred first."""
        ascending = sorted(candidates, key=lambda item: item.version, reverse=True)
        return sorted(ascending, key=self.rank)

    def rank(self, candidate: Candidate) -> tuple[int, ...]:
        """What counts before the version (before which newer is preferred)."""
        if isinstance(candidate, DriverCandidate):
            return self._driver(candidate)
        if isinstance(candidate, CudaCandidate):
            return (not candidate.verified, not self._wants_network and not has_local(candidate))
        if isinstance(candidate, FrameworkCandidate):
            return self._framework(candidate)
        if isinstance(candidate, PythonCandidate):
            return self._python(candidate)
        if isinstance(candidate, Absent):
            return (9,)
        return (not candidate.verified,)

    def _python(self, candidate: PythonCandidate) -> tuple[int, ...]:
        if not self._any_framework:
            return (candidate.version != DEFAULT_PYTHON,)
        return (not candidate.verified, self._is_young(candidate))

    def _is_young(self, candidate: PythonCandidate) -> bool:
        return candidate.released > self._year_ago

    def _driver(self, candidate: DriverCandidate) -> tuple[int, ...]:
        tier = self.tier(candidate)
        source = candidate.package.source_name
        type_rank = PRODUCTION.index(candidate.branch.type) if tier == MAINTAINED else 0
        preferred = "open" if candidate.number >= self.open_from else "proprietary"
        source_rank = 0 if source == self.default_source else 1 if source == "nvidia" else 2
        foreign = self._own_drivers_first and source != self.default_source
        return (
            not candidate.seen,
            foreign,
            tier,
            source_rank,
            type_rank,
            -candidate.number,
            candidate.package.flavour != preferred,
        )

    def tier(self, candidate: DriverCandidate) -> int:
        """Whether a branch is maintained at the catalogue's date, and of the kind for use."""
        production = candidate.branch.type in PRODUCTION
        if self.is_maintained(candidate):
            return MAINTAINED if production else MAINTAINED_FEATURE
        return ENDED_FEATURE if candidate.branch.type == "new_feature" else ENDED

    def is_maintained(self, candidate: DriverCandidate) -> bool:
        """Whether the branch's end of life is not over; an unpublished one is not."""
        end = candidate.branch.end_of_life
        return end is None or (end != "unmaintained" and end >= self._month)

    def _framework(self, candidate: FrameworkCandidate) -> tuple[int, ...]:
        public = candidate.version.release
        cuda = candidate.cuda.release if candidate.cuda else ()
        padded = [*(-part for part in (*public, 0, 0, 0, 0)[:4])]
        return (
            not candidate.verified,
            candidate.row.device == "cuda" and not candidate.row.sm_source,
            *padded,
            (candidate.row.index_url or candidate.row.find_links_url) is not None,
            candidate.row.needs_system_cuda,
            *(-part for part in (*cuda, 0, 0)[:2]),
        )

    def less_preferred_because(self, candidate: Candidate) -> str:
        """Say why a newer, allowed candidate was not preferred; "" where nothing is against it."""
        if isinstance(candidate, DriverCandidate):
            return self._driver_less_preferred_because(candidate)
        if not candidate.verified:
            return "its row is not verified"
        if isinstance(candidate, PythonCandidate) and self._is_young(candidate):
            return (
                f"released on {candidate.released}, and much has no wheel for it in the first year"
            )
        if isinstance(candidate, CudaCandidate) and not has_local(candidate):
            return "the file name of its local repository was not seen"
        return ""

    def _driver_less_preferred_because(self, candidate: DriverCandidate) -> str:
        end = candidate.branch.end_of_life
        if not self.is_maintained(candidate):
            return f"past its end of life ({end})" if end != "unmaintained" else "unmaintained"
        if candidate.branch.type not in PRODUCTION:
            return "not a production branch"
        return "" if candidate.seen else "its packages were not seen for this system"


def has_local(candidate: CudaCandidate) -> bool:
    """Whether a local repository with a known checksum exists, under a name that was seen."""
    local = candidate.local
    return local is not None and local.verified and bool(local.checksum or local.md5_list)
