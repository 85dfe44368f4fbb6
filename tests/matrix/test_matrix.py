"""The mutation matrix: every resource of every contract broken in every way, named, and repaired.

What is broken follows from the rendered contracts, so a new resource or role is covered by itself. Resources that
several hosts have alike are broken on one of them.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from tests.matrix.conftest import KINDS_ELSEWHERE, Matrix, say
from tests.matrix.mutators import MUTATORS, NAMED_ONLY
from tests.matrix.neighbours import NEIGHBOURS, Neighbour
from tests.matrix.rounds import Found, Mutation, rounds, spread, taken_along

pytestmark = [pytest.mark.lab, pytest.mark.slow]

MUTATIONS_AT_LEAST = 150


def test_what_lies_beside_the_contracts_is_not_reported_and_not_touched(
    matrix: Matrix, pytestconfig: pytest.Config
) -> None:
    made = {name: neighbours(matrix, name) for name in matrix.hosts}
    try:
        for name, beside in made.items():
            matrix.run(name, [command for one in beside for command in one.make])
        assert matrix.drift() == {name: set() for name in matrix.hosts}
        applied = matrix.dlconf("apply", "--yes").data
        assert {host["status"] for host in applied["hosts"].values()} == {"in_sync"}
        names, changed = matrix.site.every_task(matrix.inventory, "--check")
        assert changed == []
        assert len(names) > 40
        for name, beside in made.items():
            matrix.run(name, [one.there for one in beside])
    finally:
        for name, beside in made.items():
            matrix.undo(name, beside)
    say(
        pytestconfig,
        f"matrix: {sum(map(len, made.values()))} changes beside the contracts, none reported",
    )


def neighbours(matrix: Matrix, host: str) -> list[Neighbour]:
    """Return all that lies beside a host's resources, each once."""
    found = {
        neighbour.make: neighbour
        for _role, resource in matrix.hosts[host].resources()
        for neighbour in NEIGHBOURS[resource["kind"]](resource)
    }
    return list(found.values())


def test_every_mutation_is_named_and_repaired(
    matrix: Matrix, subtests: pytest.Subtests, pytestconfig: pytest.Config
) -> None:
    option = pytestconfig.getoption
    planned = rounds(spread(matrix.hosts.values()), option("--matrix-rounds"))
    mutations_in_all = sum(map(len, planned))
    assert mutations_in_all >= MUTATIONS_AT_LEAST
    kinds = {mutation.kind for mutations in planned for mutation in mutations}
    assert kinds == MUTATORS.keys() - KINDS_ELSEWHERE.keys()
    only = option("--matrix-round")
    chosen = [one for one in enumerate(planned, 1) if not only or one[0] in only]
    if size := option("--matrix-sample"):
        seed = option("--matrix-seed")
        chosen = random.Random(seed).sample(chosen, min(size, len(chosen)))  # noqa: S311 a sample
    say(pytestconfig, f"matrix: {mutations_in_all} mutations in {len(planned)} rounds")
    done = 0
    for number, mutations in chosen:
        started = time.monotonic()
        faults = break_and_repair(matrix, mutations)
        took = f"{len(mutations)} mutations, {time.monotonic() - started:.0f} s"
        ended = "\n  ".join(["FAILED", *faults]) if faults else "named and repaired"
        say(pytestconfig, f"matrix: round {number} of {len(planned)}: {took}: {ended}")
        with subtests.test(round=number):
            assert not faults
            done += len(mutations)
            continue
        # The next round needs hosts in order all the same.
        assert not matrix.apply()
        assert matrix.drift() == {name: set() for name in matrix.hosts}
    say(pytestconfig, f"matrix: {done} of {mutations_in_all} mutations named and repaired")
    _names, changed = matrix.site.every_task(matrix.inventory, "--check")
    assert changed == []


def test_what_is_not_repaired_is_named(matrix: Matrix) -> None:
    broken = spread(matrix.hosts.values(), NAMED_ONLY)
    assert {mutation.kind for mutation in broken} == NAMED_ONLY.keys()
    for mutation in broken:
        matrix.run(mutation.host, mutation.cause.commands)
        try:
            found = matrix.drift()
        finally:
            matrix.undo(mutation.host, [mutation.cause])
        assert found.pop(mutation.host) == mutation.expected
        assert set().union(*found.values()) == set()
    assert matrix.drift() == {name: set() for name in matrix.hosts}


def break_and_repair(matrix: Matrix, mutations: list[Mutation]) -> list[str]:
    """Break what a round breaks; drift must name exactly that, and apply must repair it. Return what is not so."""
    on: dict[str, list[Mutation]] = {name: [] for name in matrix.hosts}
    for mutation in mutations:
        on[mutation.host].append(mutation)
    faults = []
    try:
        with ThreadPoolExecutor(len(on)) as pool:
            expected = dict(
                zip(on, pool.map(carry_out, repeat(matrix), on, on.values()), strict=True)
            )
        found = matrix.drift()
        for name in on:
            faults += [f"{name}: named: {one}" for one in sorted(found[name] - expected[name])]
            faults += [f"{name}: not named: {one}" for one in sorted(expected[name] - found[name])]
        faults += matrix.apply()
        left = matrix.drift()
        faults += [f"{name}: not repaired: {one}" for name in on for one in sorted(left[name])]
    except AssertionError as error:
        faults.append(str(error))
    finally:
        for name, of_host in on.items():
            matrix.undo(name, [mutation.cause for mutation in of_host])
    return [*faults, *map(str, mutations)] if faults else []


def carry_out(matrix: Matrix, host: str, mutations: list[Mutation]) -> set[Found]:
    """Break things on a host; return what must be reported."""
    matrix.run(host, [command for mutation in mutations for command in mutation.cause.commands])
    expected = {found for mutation in mutations for found in mutation.expected}
    return expected | taken_along(matrix.hosts[host], matrix.left(host)) if mutations else set()
