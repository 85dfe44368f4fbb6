"""`dlconf resolve`: the object that the issue names, and the words."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from dlconf.cli import main


def resolved(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["resolve", "--os", "ubuntu-22.04", *arguments])


def only_json(result: Result) -> dict[str, Any]:
    assert result.stdout.count("\n") == 1
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def test_the_object_is_the_one_of_the_issue() -> None:
    found = only_json(resolved("--gpu", "RTX 3090", "--want", "pytorch", "--json"))
    assert set(found) == {"schema", "stack", "reasons", "notes", "gpus", "install"}
    stack = found["stack"]
    assert {name: set(stack[name]) for name in ("driver", "cuda", "cudnn", "python")} == {
        "driver": {"branch", "flavour", "version"},
        "cuda": {"version"},
        "cudnn": {"version"},
        "python": {"version"},
    }
    assert [set(row) for row in stack["frameworks"]] == [{"name", "version", "requirements"}]
    keys = {"component", "choice", "because", "source"}
    assert all(set(reason) == keys for reason in found["reasons"])


def test_a_machine_without_a_gpu_needs_no_driver() -> None:
    stack = only_json(resolved("--want", "jax", "--json"))["stack"]
    assert (stack["driver"], stack["cuda"], stack["cudnn"]) == (None, None, None)
    assert resolved("--want", "jax").stdout.startswith("no NVIDIA GPU: CPU builds\n")


def test_no_stack_is_exit_3_and_names_pin_and_gpu() -> None:
    result = resolved("--gpu", "GTX 1080 Ti", "--pin", "cuda=13.0")
    assert result.exit_code == 3
    assert "cuda=13.0" in result.stderr
    assert "GTX 1080 Ti" in result.stderr


def test_what_a_weak_gpu_costs_is_said_first() -> None:
    words = ("--gpu", "GTX 1080 Ti", "--gpu", "RTX 3090", "--want", "pytorch")
    told = "the NVIDIA GeForce GTX 1080 Ti (0000:01:00.0) costs the other GPUs much"
    assert resolved(*words).stdout.splitlines()[1].strip().startswith(told)
    assert resolved(*words, "--explain").stdout.splitlines()[1].strip().startswith(told)
    assert only_json(resolved(*words, "--json"))["notes"][0].startswith(told)
