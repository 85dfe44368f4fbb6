"""`--want`: what a machine without an inventory is to have; and which inventory counts where none is named."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dlconf import inventory, wishes
from dlconf.cli import main
from dlconf.errors import UsageError
from tests.unit.test_cli import Invoke, invoke
from tests.unit.test_offline import COLLECT, FACTS
from tests.unit.test_one_host import dlconf

__all__ = ["invoke"]  # a fixture

Plan = Callable[..., dict[str, Any]]
HOST = "rtx-3090-ubuntu-22.04"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Make a host that is a file of facts, and whose inventory is as `dlconf_frameworks` of a test says."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "dlconf_collect.py").write_text(COLLECT)
    (tmp_path / "facts.json").write_text((FACTS / f"{HOST}.json").read_text())
    write_inventory(tmp_path, {})
    return tmp_path


def write_inventory(folder: Path, variables: dict[str, Any]) -> None:
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "dlconf_become": False,
        "dlconf_data_path": str(folder / "facts.json"),
    }
    text = yaml.safe_dump({"all": {"hosts": {"gpu1": common | variables}}})
    (folder / "hosts.yml").write_text(text)


def planned(folder: Path, *words: str, verb: str = "plan") -> dict[str, Any]:
    done = dlconf(folder, verb, "hosts.yml", "--json", *words)
    found: dict[str, Any] = json.loads(done.stdout)["hosts"]["gpu1"]
    return found


def recorded(folder: Path, plan: dict[str, Any]) -> None:
    """Put what a plan would record into the host's facts, as role record and the next look do."""
    path = folder / "facts.json"
    facts = json.loads(path.read_text()) | {"record": json.loads(plan["resolution"]["record_text"])}
    path.write_text(json.dumps(facts))


def frameworks(plan: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["version"] for item in plan["resolution"]["stack"]["frameworks"]}


def test_what_was_wished_stays_until_it_is_taken_off(host: Path) -> None:
    assert frameworks(planned(host)) == {}
    first = planned(host, "--want", "pytorch==2.10.0", "--want", "jax")
    assert frameworks(first)["pytorch"].startswith("2.10.0")
    recorded(host, first)

    again = planned(host, verb="drift")
    assert again["resolution"]["record_text"] == first["resolution"]["record_text"]
    assert frameworks(again) == frameworks(first)

    fewer = planned(host, "--unwant", "jax")
    assert set(frameworks(fewer)) == {"pytorch"}
    recorded(host, fewer)
    assert set(frameworks(planned(host))) == {"pytorch"}
    nothing = planned(host, "--want", "none")
    assert frameworks(nothing) == {}
    assert "wished" not in json.loads(nothing["resolution"]["record_text"])


def test_an_inventory_that_says_otherwise_counts(host: Path) -> None:
    recorded(host, planned(host, "--want", "pytorch"))
    write_inventory(host, {"dlconf_frameworks": []})
    assert frameworks(planned(host)) == {}
    write_inventory(host, {"dlconf_frameworks": ["jax"]})
    found = planned(host, "--want", "pytorch")
    assert set(frameworks(found)) == {"jax", "pytorch"}
    assert any("for this run only" in note for note in found["resolution"]["notes"])
    assert "wished" not in json.loads(found["resolution"]["record_text"])


def test_a_version_of_what_is_not_wished_is_an_error_whose_hint_works(host: Path) -> None:
    refused = planned(host, "--set", "pytorch=2.10.0")
    assert refused["status"] == "refused"
    assert "pytorch is not wished here" in refused["failure"]["message"]
    hint = refused["failure"]["hint"].removeprefix("wish it: ")
    assert frameworks(planned(host, *hint.split()))["pytorch"].startswith("2.10.0")


def test_plans_of_stored_hosts_and_reasons_know_the_record_too(host: Path) -> None:
    recorded(host, planned(host, "--want", "pytorch==2.10.0"))
    told = dlconf(host, "explain", "hosts.yml", "gpu1", "pytorch")
    assert "2.10.0" in told.stdout, told.stderr
    dlconf(host, "detect", "hosts.yml", "--save", "stored")
    stored = json.loads(dlconf(host, "plan", "--facts", "stored", "--json").stdout)
    assert set(frameworks(stored["hosts"]["gpu1"])) == {"pytorch"}


@pytest.mark.parametrize(
    ("record", "want", "unwant", "wished"),
    [
        (None, ["pytorch"], [], ("pytorch",)),
        ({"wished": ["pytorch==2.8.0", "jax"]}, ["torch"], [], ("jax", "torch")),
        ({"wished": ["pytorch==2.8.0", "jax"]}, [], ["torch", "keras"], ("jax",)),
        ({"wished": ["pytorch"]}, ["none"], [], ()),
        ({"wished": ["pytorch", 5, "--index-url=x", {"a": 1}]}, [], [], ("pytorch",)),
        ({"wished": "pytorch"}, [], [], ()),
        ({"frameworks": {"pytorch": "2.8.0"}}, [], [], ()),  # chosen for an inventory, not wished
    ],
)
def test_record_and_command_line_together(
    record: dict[str, Any] | None, want: list[str], unwant: list[str], wished: tuple[str, ...]
) -> None:
    found = wishes.read({"dlconf_want": want, "dlconf_unwant": unwant}, record)
    assert found.frameworks == found.standing == wished
    told = [f"--unwant {name}: {name} is not wished" for name in unwant if name == "keras"]
    assert [text.split(" here")[0] for text in found.without_effect] == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--want", "pytroch"), "there is no framework 'pytroch'"),
        (("--want", "none", "--want", "jax"), "--want none stands beside others"),
        (("--want", "pytorch=2.10.0"), "hint: write --want pytorch==2.10.0"),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "apply", "drift", "verify", "explain"])
def test_a_wish_that_is_none_is_said_before_any_host_is_asked(
    invoke: Invoke, verb: str, words: tuple[str, ...], told: str
) -> None:
    result, fake = invoke(verb, "hosts.ini", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not fake.runs


@pytest.mark.parametrize("verb", ["plan", "apply", "explain"])
def test_a_version_of_another_tool_is_said_with_the_option_that_is_right(
    invoke: Invoke, verb: str
) -> None:
    wrong, fake = invoke(verb, "hosts.ini", "--set", "cuda=13-0")
    assert wrong.exit_code == 2
    assert not fake.runs
    right = wrong.stderr.partition("hint: write ")[2].split()
    assert right == ["--set", "cuda=13.0"]
    _, fake = invoke(verb, "hosts.ini", *right, recordings=("survey_in_sync",))
    assert fake.runs[0].extra_vars["dlconf_set"] == {"cuda": "13.0"}


def test_resolve_refuses_a_version_of_what_is_not_wished() -> None:
    command = ["resolve", "--gpu", "RTX 3090", "--os", "ubuntu-22.04"]
    wrong = CliRunner().invoke(main, [*command, "--pin", "pytorch=2.8.0"])
    assert wrong.exit_code == 2
    assert "--want pytorch==2.8.0" in wrong.stderr
    right = CliRunner().invoke(main, [*command, "--want", "pytorch==2.8.0"])
    assert right.exit_code == 0, right.output
    keras = [*command, "--want", "keras", "--pin", "tensorflow=2.19"]  # what Keras runs on
    assert CliRunner().invoke(main, keras).exit_code == 0


def test_without_an_inventory_the_folder_s_is_taken_else_this_machine(
    invoke: Invoke, tmp_path: Path
) -> None:
    result, fake = invoke("plan", recordings=("survey_in_sync",))
    assert result.stderr.startswith(f"no INVENTORY is given: hosts.ini of {tmp_path}\n")
    assert fake.runs[0].inventory == str(tmp_path / "hosts.ini")
    (tmp_path / "hosts.ini").unlink()
    for verb in ("plan", "apply", "drift", "detect"):
        result, fake = invoke(verb, recordings=("survey_in_sync",))
        assert result.stderr.startswith("no INVENTORY is given: this machine (localhost,)"), verb
        assert fake.runs[0].inventory == "localhost,"


def test_a_folder_that_anybody_can_write_to_names_no_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.ini").write_text("gpu1\n")
    tmp_path.chmod(0o1777)
    with pytest.raises(UsageError, match="anybody can write to"):
        inventory.of_folder()
    os.remove("hosts.ini")  # noqa: PTH107
    assert inventory.of_folder()[0] == "localhost,"
