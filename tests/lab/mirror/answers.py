"""The facts of the vendors' repositories that nobody knows for certain, and the two answers that are built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """One answer to each open question; docs/vendors.md has a row of state "open" for each.

    Attributes:
        name: what tests and results call them.
        cudnn_chain_exact: cuDNN's metapackage of a release names the exact version of what it needs; else newer do.
        cudnn_majors_conflict: cuDNN for CUDA 12 and for CUDA 13 cannot both be installed.
        cudnn_everywhere: every release of cuDNN is in every repository; else each repository has those of its time.
        ppa_complete: the graphics-drivers PPA has a suite for Ubuntu 26.04 and the branches from 590 on.
        pinning_comes_along: NVIDIA's metapackages recommend the pin package of their own branch.
    """

    name: str
    cudnn_chain_exact: bool
    cudnn_majors_conflict: bool
    cudnn_everywhere: bool
    ppa_complete: bool
    pinning_comes_along: bool


NARROW = Answers(
    "narrow",
    cudnn_chain_exact=False,
    cudnn_majors_conflict=True,
    cudnn_everywhere=False,
    ppa_complete=False,
    pinning_comes_along=True,
)
WIDE = Answers(
    "wide",
    cudnn_chain_exact=True,
    cudnn_majors_conflict=False,
    cudnn_everywhere=True,
    ppa_complete=True,
    pinning_comes_along=False,
)
ANSWERS = (NARROW, WIDE)
