"""What belongs to torch: of the very torch that its wheel asks for, and of the same build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from dlconf.catalogue import load
from dlconf.catalogue.model import FrameworkBuild

RECORDED = json.loads(
    (Path(__file__).parents[1] / "recorded" / "torch_companions.json").read_text(encoding="utf-8")
)
"""Distribution -> version -> what its wheel on PyPI asks of torch, read on 2026-12-01."""
WITH_COMPANIONS = [row for row in load().frameworks["pytorch"] if row.companions]


def described(row: FrameworkBuild) -> str:
    return f"{row.version}-{row.build}"


def test_there_are_some() -> None:
    assert len(WITH_COMPANIONS) > 100


@pytest.mark.parametrize("row", WITH_COMPANIONS, ids=described)
def test_companions_ask_for_this_torch_and_are_of_its_build(row: FrameworkBuild) -> None:
    local = Version(row.packages["torch"]).local
    for name, text in row.companions.items():
        version = Version(text)
        asked = SpecifierSet(RECORDED[name][version.public])
        assert Version(row.version) in asked, f"{name} {version} asks for torch{asked}"
        # Pages of before torch 2.0 have torchaudio without the build in its version.
        plain = name == "torchaudio" and Version(row.version) < Version("2.0")
        assert version.local == (None if plain else local)


def test_what_asks_for_one_torch_belongs_to_it() -> None:
    """A build on PyPI has each companion whose wheel names its version."""
    for row in load().frameworks["pytorch"]:
        if row.build == "pypi":
            for name, versions in RECORDED.items():
                named = [text for text, asked in versions.items() if asked == f"=={row.version}"]
                assert not named or row.companions.get(name) in named, f"{row.version} {name}"
