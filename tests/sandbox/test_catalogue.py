"""Each row of the catalogue that names packages is asked of real apt, on each system that it names.

`make test` asks a sample, of one system; `make test-sandbox` every row. A row that is asked nowhere has a reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from dlconf import catalogue
from dlconf.catalogue.model import CudaLocalRepo
from tests.lab.mirror.answers import WIDE
from tests.lab.mirror.cuda import CudaRelease
from tests.sandbox.bed import Bed
from tests.sandbox.catalogue_mirror import catalogue_repositories
from tests.sandbox.questions import Question, ask, not_asked, questions
from tests.sandbox.systems import SYSTEMS, System

SAMPLE_SYSTEM = "ubuntu-24.04"
EVERY = 9
"""Of the sample's questions, every so many are asked."""


def _problems(systems: Iterable[System], step: int = 1) -> list[str]:
    rows, chosen = catalogue.load(), list(systems)
    asked = list(questions(rows, chosen))[::step]

    def place(question: Question) -> tuple[str, str]:
        return question.system.os, question.source

    bed = Bed(WIDE, offered=lambda: catalogue_repositories(rows, chosen))
    try:
        groups = itertools.groupby(sorted(asked, key=place), key=place)
        return [problem for _, group in groups for problem in ask(bed, list(group))]
    finally:
        bed.close()


@pytest.mark.lab
def test_a_sample_of_the_rows_can_be_installed() -> None:
    assert _problems([SYSTEMS[SAMPLE_SYSTEM]], EVERY) == []


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS.values(), ids=lambda system: system.os)
def test_every_row_can_be_installed(system: System) -> None:
    assert _problems([system]) == []


def test_no_row_is_left_out_in_silence() -> None:
    rows = catalogue.load()
    asked = {question.row for question in questions(rows, SYSTEMS.values())}
    without = not_asked(rows)
    assert not asked & without.keys()
    named = ("driver_packages", "cuda", "cudnn", "cuda_local_repos", "cudnn_local_repos")
    counts = [len(rows.rows(section)) for section in named]
    assert len(asked) + len(without) == sum(counts)


def test_a_local_repository_has_the_name_that_nvidia_gives_it() -> None:
    rows, distros = catalogue.load(), {system.distro for system in SYSTEMS.values()}
    for row in rows.rows("cuda_local_repos"):
        assert isinstance(row, CudaLocalRepo)
        if row.distro in distros:
            toolkit = rows.cuda[row.cuda]
            made = CudaRelease(toolkit.version, "", toolkit.native_driver, 2026)
            assert row.file == "_".join((*made.local_repository(row.distro), "amd64.deb"))
