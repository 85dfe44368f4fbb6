"""Role jupyter: what its contract says of secrets and settings, and the programs that it runs on hosts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
from ansible.errors import AnsibleError

from tests.role_readme import ROLES
from tests.unit.test_role_contract import render

ROLE = ROLES / "jupyter"
LAB = {"jupyter_user": "ann"}
HUB = {"jupyter_mode": "hub"}
EVERY_ADDRESS = {"jupyter_address": "0.0.0.0"}  # noqa: S104


def contract(inputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the contract by path or name."""
    rows = render(ROLE, inputs, "__jupyter_contract")
    return {row.get("path") or row["name"]: row for row in rows}


def test_the_password_is_in_no_contract() -> None:
    secrets = {"jupyter_password": "open sesame", "jupyter_password_hash": "argon2:$argon2id$x"}
    assert contract(LAB) == contract(LAB | secrets)


def test_another_password_is_noticed_by_its_revision() -> None:
    path = "/etc/dlconf/jupyter/lab.py"
    counted = contract(LAB | {"jupyter_password_revision": 2})
    assert counted[path]["content"] != contract(LAB)[path]["content"]


def test_nobody_named_is_an_error_before_anything_is_planned() -> None:
    with pytest.raises(AnsibleError, match="jupyter_user is not set"):
        render(ROLE, {}, "__jupyter_contract")


def test_secrets_belong_to_the_user_alone() -> None:
    for name in ("password_hash", "key.pem"):
        owned = contract(LAB)[f"/etc/dlconf/jupyter/{name}"]
        assert (owned["mode"], owned["owner"], "content" in owned) == ("0600", "ann", False)


@pytest.mark.parametrize(
    "inputs",
    [LAB, LAB | EVERY_ADDRESS | {"jupyter_tls": "none", "jupyter_insecure": True}],
)
def test_the_configuration_is_python_and_says_where_it_listens(inputs: dict[str, Any]) -> None:
    text = contract(inputs)["/etc/dlconf/jupyter/lab.py"]["content"]
    compile(text, "lab.py", "exec")
    assert f'c.ServerApp.ip = "{inputs.get("jupyter_address", "127.0.0.1")}"\n' in text
    assert ("certfile" in text) == (inputs.get("jupyter_tls") != "none")


def test_the_hub_lets_in_whom_it_names_else_everyone() -> None:
    hub = {"jupyter_mode": "hub"}
    path = "/etc/dlconf/jupyter/hub.py"
    named = contract(hub | {"jupyter_hub_users": ["ann"]})[path]["content"]
    compile(named, "hub.py", "exec")
    assert 'allowed_users = set(["ann"])' in named
    assert "allow_all" not in named
    assert "allow_all = True" in contract(hub)[path]["content"]


def test_root_is_kept_out_of_the_hub_by_each_of_its_names() -> None:
    text = contract(HUB)["/etc/dlconf/jupyter/hub.py"]["content"]
    settings = MagicMock()
    exec(compile(text, "hub.py", "exec"), {"get_config": lambda: settings})  # noqa: S102 - as JupyterHub does
    assert settings.Authenticator.blocked_users >= {"root"}
    twice = [SimpleNamespace(pw_name="toor", pw_uid=0), SimpleNamespace(pw_name="ann", pw_uid=1000)]
    with patch("pwd.getpwall", return_value=twice):
        exec(compile(text, "hub.py", "exec"), {"get_config": lambda: settings})  # noqa: S102
    assert settings.Authenticator.blocked_users == {"root", "toor"}


@pytest.mark.parametrize("mode", [LAB, HUB])
@pytest.mark.parametrize("address", ["0.0.0.0", "::", "", "192.0.2.7", "127.example.org"])  # noqa: S104
def test_no_password_crosses_a_network_in_clear_unless_it_is_said_twice(
    mode: dict[str, Any], address: str
) -> None:
    inputs = mode | {"jupyter_address": address, "jupyter_tls": "none"}
    with pytest.raises(AnsibleError, match="cross the network in clear"):
        render(ROLE, inputs, "__jupyter_contract")
    assert contract(inputs | {"jupyter_insecure": True})
    assert contract(inputs | {"jupyter_tls": "self_signed"})


@pytest.mark.parametrize("mode", [LAB, HUB])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_the_loopback_needs_no_tls(mode: dict[str, Any], address: str) -> None:
    assert contract(mode | {"jupyter_address": address, "jupyter_tls": "none"})


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the role's programs as the role does."""
    text = (ROLE / "files" / script).read_text(encoding="utf-8")
    argv = [sys.executable, "-I", "-", *arguments]
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False)


def test_who_listens_on_a_port_is_found_by_process_and_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = json.loads(run("find_listeners.py", str(port), "dlconf-jupyter.service").stdout)
    name = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    assert found == [{"port": port, "pid": os.getpid(), "name": name}]
    assert run("find_listeners.py", str(port), "dlconf-jupyter.service").stdout == "[]\n"


def pair(folder: Path, name: str) -> tuple[str, str]:
    """Make a certificate and its key."""
    certificate, key = str(folder / f"{name}.crt"), str(folder / f"{name}.key")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*argv, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key


def test_a_certificate_and_a_key_are_a_pair_or_not(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path, "one")
    _, other_key = pair(tmp_path, "other")
    assert run("check_certificate.py", certificate, key).returncode == 0
    for second, reason in (
        (other_key, "key values mismatch"),
        (certificate, "no pem certificate or no pem key"),
        (str(tmp_path / "none"), "no such file or directory"),
    ):
        refused = run("check_certificate.py", certificate, second)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert reason in refused.stderr
