"""How a host of an inventory is reached by SSH, from the variables that Ansible itself uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlconf import sshhost
from dlconf.errors import DlconfError, UsageError
from dlconf.sshhost import SshHost


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, SshHost("gpu1", "gpu1")),
        (
            {
                "ansible_host": "192.0.2.7",
                "ansible_port": 2222,
                "ansible_user": "ann",
                "ansible_ssh_private_key_file": "/keys/lab",
                "ansible_ssh_common_args": "-F /lab/ssh_config -o 'ProxyCommand=ssh -W %h:%p gate'",
                "jupyter_port": 9000,
            },
            SshHost(
                "gpu1",
                "192.0.2.7",
                (
                    *("-F", "/lab/ssh_config", "-o", "ProxyCommand=ssh -W %h:%p gate"),
                    *("-p", "2222", "-l", "ann", "-i", "/keys/lab"),
                ),
                jupyter_port=9000,
            ),
        ),
        ({"jupyter_address": "::"}, SshHost("gpu1", "gpu1")),
        ({"jupyter_address": "192.0.2.7"}, SshHost("gpu1", "gpu1", jupyter_host="192.0.2.7")),
    ],
)
def test_host_from_its_variables(variables: dict[str, Any], expected: SshHost) -> None:
    assert sshhost.of_variables("gpu1", variables) == expected


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ansible_connection": "local"}, "the connection 'local'"),
        ({"jupyter_port": "http"}, "jupyter_port of gpu1 is 'http'"),
        ({"jupyter_port": 70000}, "70000"),
        ({"ansible_ssh_common_args": "-o 'x"}, "ansible_ssh_common_args"),
    ],
)
def test_variables_that_make_no_sense(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sshhost.of_variables("gpu1", variables)


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    """An inventory with a group's variables, a template and a password that nobody can decrypt here."""
    (tmp_path / "hosts.ini").write_text("[lab]\ngpu1 ansible_host=192.0.2.7\ngpu2\n")
    folder = tmp_path / "group_vars"
    folder.mkdir()
    (folder / "lab.yml").write_text(
        "base: 9000\n"
        'jupyter_port: "{{ base + 1 }}"\n'
        "ansible_user: ann\n"
        "jupyter_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    )
    return str(tmp_path / "hosts.ini")


def test_host_of_an_inventory_with_its_groups_and_templates(inventory: str) -> None:
    expected = SshHost("gpu1", "192.0.2.7", ("-l", "ann"), jupyter_port=9001)
    assert sshhost.of_inventory(inventory, "gpu1") == expected


def test_a_host_that_is_not_in_the_inventory(inventory: str) -> None:
    with pytest.raises(UsageError, match="has no host 'gpu3'") as error:
        sshhost.of_inventory(inventory, "gpu3")
    assert error.value.hint == "nearest names: gpu2, gpu1"


def test_a_variable_that_cannot_be_rendered(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("gpu1 jupyter_port='{{ nowhere }}'\n")
    with pytest.raises(DlconfError, match="nowhere"):
        sshhost.of_inventory(str(path), "gpu1")
