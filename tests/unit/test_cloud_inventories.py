"""The examples of docs/cloud.md on what the clouds' inventory plugins answer; what a missing plugin needs is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf import inventoryplugins, sshhost
from tests.unit.inventoryhosts import look
from tests.unit.test_one_host import dlconf

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "recorded" / "cloud"
BLOCKS = {
    name: yaml.safe_load(text)
    for text, name in re.findall(
        r"^```yaml\n(# (\S+)\n.*?)^```", (ROOT / "docs" / "cloud.md").read_text(), re.M | re.S
    )
}
EXAMPLES = {"aws_ec2": "lab.aws_ec2.yml", "gcp_compute": "lab.gcp.yml"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Write an inventory that answers as a plugin did, and what the example makes of it: groups and addresses."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "site"
    (folder / "group_vars").mkdir(parents=True)
    script = folder / "1-plugin"
    answer = shlex.quote(str(RECORDED / f"{request.param}.json"))
    script.write_text(f'#!/bin/sh\n[ "$1" = --list ] && exec cat {answer}\n')
    script.chmod(0o755)
    example = BLOCKS[EXAMPLES[request.param]]
    made = {name: example[name] for name in ("keyed_groups", "compose")}
    plugin = {"plugin": "ansible.builtin.constructed", "strict": True}
    (folder / "2-constructed.yml").write_text(yaml.safe_dump(plugin | made))
    path, variables = next((name, own) for name, own in BLOCKS.items() if "group_vars" in name)
    (folder / path).write_text(yaml.safe_dump(variables))
    return folder


@pytest.mark.parametrize(
    ("site", "address"),
    [("aws_ec2", "10.20.0.11"), ("gcp_compute", "10.164.0.11")],
    indirect=["site"],
)
def test_a_machine_of_a_cloud_gets_what_its_group_wishes(
    site: Path, address: str, tmp_path: Path
) -> None:
    state = look(site, "rtx-3090-ubuntu-22.04")
    assert state["error"] is None, state["error"]
    assert versions(state)["pytorch"]
    assert versions(state)["cuda"].startswith("12.8")
    assert versions(look(site, "rtx-3090-ubuntu-22.04", host="gpu2")).keys() == {"cuda"}

    plain = tmp_path / "plain.yml"  # nothing that the cloud says of a machine changes what it gets
    wishes = next(own for name, own in BLOCKS.items() if "group_vars" in name)
    plain.write_text(yaml.safe_dump({"all": {"hosts": {"gpu1": wishes}}}))
    bare = look(plain, "rtx-3090-ubuntu-22.04")
    assert state["contracts"] == bare["contracts"]
    assert state["resolution"] == bare["resolution"]

    reached = sshhost.of_inventory(str(site), "gpu1").destination
    assert reached.endswith(address)  # as the example composes it


def versions(state: dict[str, Any]) -> dict[str, str]:
    stack = state["resolution"]["stack"]
    return {item["name"]: item["version"] for item in stack["frameworks"]} | {
        "cuda": stack["cuda"]["version"]
    }


@pytest.mark.parametrize(
    ("name", "collection"), [("lab.aws_ec2.yml", "amazon.aws"), ("lab.gcp.yml", "google.cloud")]
)
def test_the_collection_that_is_missing_is_named_with_the_command(
    tmp_path: Path, name: str, collection: str
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / name).write_text(yaml.safe_dump(BLOCKS[name]))
    done = dlconf(tmp_path, "plan", name)
    assert done.returncode == 2
    assert f"the collection {collection} is not installed" in done.stderr
    assert re.search(rf"hint: \S*ansible-galaxy collection install {collection}\n", done.stderr)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Failed to import the required Python library (botocore and boto3) on ws's Python", "install botocore boto3"),
        ("inventory config 'x' specifies unknown plugin 'ansible.builtin.nothing'", None),
        ("[WARNING]: Unable to parse x as an inventory source", None),
    ],
)  # fmt: skip
def test_a_missing_library_is_named_and_nothing_else_is_taken_for_one(
    said: str, told: str | None
) -> None:
    found = inventoryplugins.lacking([said])
    assert (found is None) if told is None else (found is not None and found[1].endswith(told))
