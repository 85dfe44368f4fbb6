"""What the user wishes, as rules: pins, sources of packages, the flavour of kernel modules."""

from __future__ import annotations

from dataclasses import replace

from dlconf.resolve.candidates import (
    CUDA,
    DRIVER,
    Absent,
    Candidate,
    CudaCandidate,
    DriverCandidate,
)
from dlconf.resolve.pins import Pin
from dlconf.resolve.ranking import has_local
from dlconf.resolve.rules import Refusal, Rule
from dlconf.wishes import Wishes


def without_source(wishes: Wishes, key: str) -> Wishes:
    """Give the wishes without one about a source; `key` is that of its atom."""
    return replace(
        wishes,
        driver_source=None if key == "source driver_source" else wishes.driver_source,
        driver_flavour=None if key == "source driver_flavour" else wishes.driver_flavour,
        cuda_source=None if key == "source cuda_source" else wishes.cuda_source,
    )


def pinned(pin: Pin) -> Rule:
    """Make the rule that a pin must allow a candidate; a pinned component is left out only where that is the pin."""

    def rule(candidate: Candidate) -> Refusal | None:
        if isinstance(candidate, Absent) and pin.absent:
            return None
        if isinstance(candidate, Absent) or not pin.allows(candidate):
            return Refusal(f"{pin.label} forbids {candidate.text}", "your wish")
        return None

    return rule


def _driver_source(wanted: str) -> Rule:
    def rule(candidate: Candidate) -> Refusal | None:
        if isinstance(candidate, DriverCandidate) and candidate.package.source_name != wanted:
            return Refusal(
                f"driver_source={wanted} forbids {candidate.package.source_name}", "your wish"
            )
        return None

    return rule


def _driver_flavour(wanted: str) -> Rule:
    def rule(candidate: Candidate) -> Refusal | None:
        if isinstance(candidate, DriverCandidate) and candidate.package.flavour != wanted:
            return Refusal(
                f"driver_flavour={wanted} forbids {candidate.package.flavour}", "your wish"
            )
        return None

    return rule


def _cuda_source(wanted: str) -> Rule:
    def rule(candidate: Candidate) -> Refusal | None:
        if wanted == "local" and isinstance(candidate, CudaCandidate) and not has_local(candidate):
            return Refusal(
                f"no local repository with a known checksum has CUDA {candidate.text}",
                candidate.source,
            )
        return None

    return rule


SOURCE_FIELDS = {
    "driver_source": (DRIVER, _driver_source),
    "driver_flavour": (DRIVER, _driver_flavour),
    "cuda_source": (CUDA, _cuda_source),
}
"""Wish -> the component it is about, and the maker of its rule."""
