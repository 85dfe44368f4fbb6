"""What a host's inventory says counts for its contracts, whatever has been remembered of an earlier look."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlconf import ansiblesettings, content, rolefiles
from tests.lab.states import states
from tests.unit import standin
from tests.unit.test_offline import COLLECT, FACTS

HOST = "rtx-3090-ubuntu-22.04"
BEFORE: dict[str, Any] = {
    "mirror": "one.example.org",
    "cuda_source": "network",
    "cuda_network_url": "https://{{ mirror }}/repos",
    "dlconf_extras": ["base"],
    "dlconf_catalogue": ["site.yml"],
}
CATALOGUE = f"""\
conda:
  - distribution: miniforge
    version: 26.3.2-3
    checksum: sha256:{"0" * 64}
    source: a test
"""

State = dict[str, Any]
Look = Callable[[dict[str, Any]], State]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return what looks at a recorded host with variables over BEFORE, and gives the state task's result."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "dlconf_collect.py").write_text(COLLECT)
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(ansiblesettings, "paths", standin.paths(tmp_path / "library"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "dlconf_become": False,
        "dlconf_data_path": str(FACTS / f"{HOST}.json"),
    }
    (tmp_path / "site.yml").write_text("{}\n")

    def run(variables: dict[str, Any]) -> State:
        inventory = tmp_path / "hosts.yml"
        hosts = {HOST: common | BEFORE | variables}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        return states(str(inventory), tmp_path / "log")[HOST]

    return run


def owned(state: State, role: str) -> str:
    return yaml.safe_dump(state["contracts"][role])


def kept(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "cache").rglob("*.json")}


def test_a_variable_behind_a_template_counts(look: Look) -> None:
    assert "https://one.example.org/repos" in owned(look({}), "cuda")
    changed = owned(look({"mirror": "two.example.org"}), "cuda")
    assert "https://two.example.org/repos" in changed
    assert "one.example.org" not in changed


def test_a_variable_of_a_role_that_the_host_has_not_counts_where_another_reads_it(
    look: Look,
) -> None:
    before, after = look({}), look({"nccl_hold": False})
    assert "nccl" not in before["contracts"]
    assert owned(before, "base") != owned(after, "base")


def test_a_change_of_the_sites_catalogue_counts(look: Look, tmp_path: Path) -> None:
    def checksum() -> str:
        found: str = look({})["resolution"]["install"]["anaconda"]["checksum"]
        return found

    assert not checksum().endswith("000")
    (tmp_path / "site.yml").write_text(CATALOGUE)
    assert checksum() == "sha256:" + "0" * 64


def test_another_hosts_facts_count(look: Look) -> None:
    before = look({})["resolution"]["stack"]
    other = look({"dlconf_data_path": str(FACTS / "no-gpu-debian-12.json")})["resolution"]["stack"]
    assert before["driver"]
    assert other["driver"] is None


def test_a_wrong_value_is_refused_though_the_right_one_was_remembered(look: Look) -> None:
    assert look({"cuda_hold": True})["error"] is None
    wrong = look({"cuda_hold": "perhaps"})
    assert "cuda_hold" in wrong["error"]["message"]
    hidden = look({"cuda_hold": "{{ mirror }}"})
    assert "cuda_hold" in hidden["error"]["message"]


def test_nothing_is_kept_that_holds_a_password(look: Look, tmp_path: Path) -> None:
    state = look({"cuda_network_url": "https://me:secret@mirror.example.org/repos"})
    assert "URIs: https://mirror.example.org/repos" in owned(state, "cuda")
    assert "password" in owned(state, "cuda")
    assert "me:secret" not in yaml.safe_dump(state)
    texts = [path.read_text() for path in (tmp_path / "cache").rglob("*.json")]
    assert texts
    assert not [text for text in texts if "secret@" in text]


def test_a_role_that_reads_a_file_of_the_controller_is_rendered_each_time(
    look: Look, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "lab.crt", tmp_path / "lab.key"
    key.write_text("a key\n")
    settings = {
        "dlconf_extras": ["jupyter"],
        "jupyter_user": "ada",
        "jupyter_password_hash": "argon2:$argon2id$v=19$m=10240,t=10,p=8$a$b",
        "jupyter_tls": "controller",
        "jupyter_tls_certificate": str(certificate),
        "jupyter_tls_key": str(key),
    }
    certificate.write_text("the first\n")
    assert "the first" in owned(look(settings), "jupyter")
    certificate.write_text("the second\n")
    assert "the second" in owned(look(settings), "jupyter")


def test_only_the_contract_of_jupyter_reads_more_than_its_host() -> None:
    roles = (*content.ALWAYS_ROLES, *content.ROLES)
    read = rolefiles.reads({role: content.root() / "roles" / role for role in roles})
    assert read["live"] == ["jupyter"]
    assert read["options"].keys() == set(roles)
    shown = {name for names in read["options"].values() for name in names}
    secret = {"jupyter_password", "jupyter_password_hash", "data_drive_credentials"}
    assert not secret & (shown | set(read["words"]) | set(read["settings"]))


def test_no_role_calls_lookup_by_its_short_name_which_is_a_word_of_shells_too() -> None:
    files = [
        *(content.root() / "roles").glob("*/vars/main.yml"),
        content.playbook("vars") / "stack.yml",
    ]
    assert len(files) > 10
    assert [str(file) for file in files if re.search(r"\bq\(", file.read_text())] == []


def test_where_nothing_can_be_remembered_the_look_is_the_same(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = [look({}), look({})][1]
    assert kept(tmp_path)
    (tmp_path / "none").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    assert look({}) == remembered


@pytest.mark.parametrize(
    ("template", "live"),
    [
        ("{{ q('file', '/etc/lab') }}", True),
        ("{{ query('env', 'HOME') }}", True),
        ("{{ ['a', 'b'] | random }}", True),
        ("{{ 'x' | password_hash }}", True),
        ("{{ '/etc/lab' is file }}", True),
        ("{{ '/etc/lab' is not ansible.builtin.exists }}", True),
        ("{{ ['/etc/lab'] | select('link') }}", True),
        ("{{ [] | selectattr('path', 'is_dir') }}", True),
        ("{{ '/etc/*' | fileglob }}", True),
        ("{{ groups['all'] }}", True),
        ("{{ vars.lab }}", True),
        ("{{ [] | selectattr('kind', 'eq', 'file') }}", False),
        ("{{ lab_groups | default(['link', 'exists', 'q']) }}", False),
        ("the groups; what a link is", False),
    ],
)
def test_a_contract_that_does_not_give_the_same_twice_is_not_kept(
    tmp_path: Path, template: str, live: bool
) -> None:
    for folder in ("defaults", "vars", "meta"):
        (tmp_path / folder).mkdir()
    specs: dict[str, Any] = {"argument_specs": {"main": {"options": {}}}}
    (tmp_path / "meta" / "argument_specs.yml").write_text(json.dumps(specs), encoding="utf-8")
    variables = {"__lab_contract": [{"kind": "file", "content": template}]}
    (tmp_path / "vars" / "main.yml").write_text(json.dumps(variables), encoding="utf-8")
    assert rolefiles.reads({"lab": tmp_path})["live"] == ["lab"] * live
