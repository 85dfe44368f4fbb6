"""How a host of an inventory is reached by SSH, and where its Jupyter listens: the variables that Ansible would use."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlconf import ansiblesettings
from dlconf.errors import DlconfError, UsageError, nearest_names

JUPYTER_PORT = 8888
"""`jupyter_port` of role jupyter where the inventory says nothing."""

LOOPBACK = "127.0.0.1"
_WILDCARDS = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104 - compared, not listened on
_VARIABLES = (
    "ansible_connection",
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_ssh_private_key_file",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "jupyter_address",
    "jupyter_port",
)


@dataclass(frozen=True)
class SshHost:
    """A host as ssh is to be called for it.

    Attributes:
        name: what the user called it.
        destination: what ssh takes as its destination.
        options: arguments for ssh before the destination.
        jupyter_host: the host's own name for where its Jupyter listens.
        jupyter_port: the port there.
    """

    name: str
    destination: str
    options: tuple[str, ...] = field(default=())
    jupyter_host: str = LOOPBACK
    jupyter_port: int = JUPYTER_PORT


def of_variables(name: str, variables: Mapping[str, Any]) -> SshHost:
    """Return a host from its inventory's variables (names as in ansible.builtin.ssh).

    Raises:
        UsageError: the host is not reached by SSH, or a variable makes no sense.
    """
    connection = variables.get("ansible_connection", "ssh")
    if connection not in ("ssh", "smart"):
        raise UsageError(
            f"host {name} is reached by the connection {connection!r}, so there is no tunnel to open",
            hint="a tunnel needs SSH; on the machine itself the address of JupyterLab is its own",
        )
    options: list[str] = []
    for variable in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        options += _words(variable, variables.get(variable))
    for variable, option in (
        ("ansible_port", "-p"),
        ("ansible_user", "-l"),
        ("ansible_ssh_private_key_file", "-i"),
    ):
        if value := variables.get(variable):
            text = os.path.expanduser(str(value)) if option == "-i" else str(value)  # noqa: PTH111
            options += [option, text]
    address = str(variables.get("jupyter_address") or "")
    return SshHost(
        name,
        str(variables.get("ansible_host") or name),
        tuple(options),
        LOOPBACK if address in _WILDCARDS else address,
        _port(name, variables.get("jupyter_port", JUPYTER_PORT)),
    )


def login(
    address: str,
    *,
    user: str | None = None,
    port: int | None = None,
    key: str | None = None,
    arguments: Iterable[str | None] = (),
) -> str:
    """Return the command by which a person logs in as Ansible would.

    Args:
        address, user, port, key: of the host, the key as a path.
        arguments: further ones of ssh, as inventories give them; of these only jump hosts are shown, since the command
            of a proxy may hold a password.
    """
    words = [
        "ssh",
        *(["-p", str(port)] if port else []),
        *(["-i", str(Path(key).expanduser())] if key else []),
    ]
    given = [word for text in arguments for word in _words("ssh arguments", text)]
    for option, value in itertools.pairwise(given):
        if option == "-J":
            words += ["-J", value]
        elif option == "-o" and value.lower().startswith("proxyjump="):
            words += ["-J", value.partition("=")[2]]
    return shlex.join([*words, f"{user}@{address}" if user else str(address)])


def _words(variable: str, value: object) -> list[str]:
    try:
        return shlex.split(str(value or ""))
    except ValueError as error:
        raise UsageError(f"{variable} cannot be split into words: {error}") from error


def _port(name: str, value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise UsageError(f"jupyter_port of {name} is {value!r}; a port is a number from 1 to 65535")
    return port


def of_inventory(source: str, name: str) -> SshHost:
    """Return a host of an inventory, its variables rendered as Ansible does it.

    Args:
        source: the inventory, checked.
        name: the host's name in it.

    Raises:
        UsageError: the inventory has no such host, or does not reach it by SSH.
        DlconfError: a variable cannot be read or rendered.
    """
    ansiblesettings.take_over()
    # 0.4 s, which no other command need pay.
    from ansible import constants  # noqa: PLC0415
    from ansible.cli import CLI  # noqa: PLC0415
    from ansible.errors import AnsibleError  # noqa: PLC0415
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.parsing.vault import VaultSecretsContext  # noqa: PLC0415
    from ansible.template import Templar  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    ansiblesettings.find_collections()
    try:
        loader = DataLoader()
        CLI.setup_vault_secrets(
            loader,
            vault_ids=constants.DEFAULT_VAULT_IDENTITY_LIST,
            vault_password_files=list(filter(None, [constants.DEFAULT_VAULT_PASSWORD_FILE])),
            auto_prompt=False,
            initialize_context=VaultSecretsContext.current(optional=True) is None,  # once a process
        )
        manager = InventoryManager(loader=loader, sources=[source])
        host = manager.get_host(name)
        if host is None:
            known = [host.name for host in manager.get_hosts()]
            raise UsageError(
                f"inventory {source} has no host {name!r}",
                hint=nearest_names(name, known) if known else "it has no host at all",
            )
        stored = VariableManager(loader=loader, inventory=manager).get_vars(host=host)
        templar = Templar(loader, stored)
        given = {key: templar.template(stored[key]) for key in _VARIABLES if key in stored}
    except AnsibleError as error:
        raise DlconfError(f"inventory {source}, host {name}: {error}") from error
    return of_variables(name, given)
