"""The mutation matrix: every resource of every contract broken in every way, named, and repaired.

What is broken follows from the rendered contracts, so a new resource or role is covered by itself. Resources that
several hosts have alike are broken on one of them.
"""

from __future__ import annotations

import random

import pytest

from tests.matrix.conftest import Matrix
from tests.matrix.neighbours import NEIGHBOURS, Neighbour
from tests.matrix.rounds import BY_APT, Found, Mutation, rounds, spread, taken_along

pytestmark = [pytest.mark.lab, pytest.mark.slow]

MUTATIONS_AT_LEAST = 150


def test_what_lies_beside_the_contracts_is_not_reported_and_not_touched(
    matrix: Matrix, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {name: neighbours(matrix, name) for name in matrix.hosts}
    try:
        for name, beside in made.items():
            matrix.run(name, [command for one in beside for command in one.make])
        assert matrix.drift(code=0) == {name: set() for name in matrix.hosts}
        applied = matrix.dlconf("apply", "--yes").data
        assert {host["status"] for host in applied["hosts"].values()} == {"in_sync"}
        names, changed = matrix.site.every_task(matrix.inventory, "--check")
        assert changed == []
        assert len(names) > 40
        for name, beside in made.items():
            matrix.run(name, [one.there for one in beside])
    finally:
        for name, beside in made.items():
            matrix.run(name, [command for one in beside for command in one.undo])
    with capsys.disabled():
        print(f"\n{sum(map(len, made.values()))} changes beside the contracts, none reported")


def neighbours(matrix: Matrix, host: str) -> list[Neighbour]:
    """Return all that lies beside a host's resources, each once."""
    found = {
        neighbour.make: neighbour
        for _role, resource in matrix.hosts[host].resources()
        for neighbour in NEIGHBOURS[resource["kind"]](resource)
    }
    return list(found.values())


def test_every_mutation_is_named_and_repaired(
    matrix: Matrix,
    subtests: pytest.Subtests,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    option = request.config.getoption
    planned = rounds(spread(matrix.hosts.values()), option("--matrix-rounds"))
    assert sum(map(len, planned)) >= MUTATIONS_AT_LEAST
    chosen = list(enumerate(planned, 1))
    if size := option("--matrix-sample"):
        seed = option("--matrix-seed")
        chosen = random.Random(seed).sample(chosen, min(size, len(chosen)))  # noqa: S311 a sample
    done = 0
    for number, mutations in chosen:
        with subtests.test(round=number):
            break_and_repair(matrix, mutations)
            done += len(mutations)
            continue
        matrix.dlconf(
            "apply", "--yes"
        )  # after a failure the next round needs hosts in order all the same
        assert matrix.drift(code=0) == {name: set() for name in matrix.hosts}
    _names, changed = matrix.site.every_task(matrix.inventory, "--check")
    assert changed == []
    with capsys.disabled():
        print(f"\n{done} of {sum(map(len, planned))} mutations named and repaired")


def break_and_repair(matrix: Matrix, mutations: list[Mutation]) -> None:
    """Break what a round breaks; drift must name exactly that, and apply must repair it."""
    on: dict[str, list[Mutation]] = {name: [] for name in matrix.hosts}
    for mutation in mutations:
        on[mutation.host].append(mutation)
    expected = {name: carry_out(matrix, name, of_host) for name, of_host in on.items()}
    try:
        found = matrix.drift(code=4)
        assert found == expected, "\n".join(map(str, mutations))
        matrix.dlconf("apply", "--yes")
        assert matrix.drift(code=0) == {name: set() for name in matrix.hosts}
    finally:
        for name, of_host in on.items():
            matrix.run(name, [command for mutation in of_host for command in mutation.cause.undo])


def carry_out(matrix: Matrix, host: str, mutations: list[Mutation]) -> set[Found]:
    """Break things on a host; return what must be reported."""
    matrix.run(host, [command for mutation in mutations for command in mutation.cause.commands])
    expected = {found for mutation in mutations for found in mutation.expected}
    if BY_APT & {mutation.kind for mutation in mutations}:
        modules = matrix.site.ssh(host, "sh", "-c", "dkms status || true")
        expected |= taken_along(matrix.hosts[host], matrix.installed(host), modules)
    return expected
