"""No secret of an inventory is in what a command prints or keeps: each variable of the argument specs holds one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from ansible.constants import DEFAULT_VAULT_IDENTITY
from ansible.parsing.vault import VaultLib, VaultSecret

from dlconf import content, wishes
from dlconf.memo import Memo
from dlconf.plugins.filter import dlconf_address as address
from dlconf.runfolder import RunFolder, RunLog
from dlconf.withheld import Redactor, without_logins
from tests.role_readme import ROLES, options
from tests.unit import standin
from tests.unit.test_offline import COLLECT, FACTS

PLANTED = "PLANTED"
"""Every secret begins with it."""
HOST_FACTS = FACTS / "rtx-3090-ubuntu-22.04.json"
VAULT = VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(b"of the test"))])
CHOOSING = frozenset({*wishes.VARIABLES, "anaconda_version", "frameworks_extras"})
"""Options with which no stack fits, whatever else is planted: they have a host of their own."""
KINDS = ("address", "token", "vaulted", "file")
"""In an address with a password, or with a token alone; encrypted by itself, or with its whole file."""
COMMANDS = [
    ("detect", "hosts.yml", "--save", "stored"),
    ("detect", "hosts.yml", "--json"),
    ("plan", "hosts.yml"),
    ("plan", "hosts.yml", "--json"),
    ("drift", "hosts.yml"),
    ("drift", "hosts.yml", "--json"),
    ("explain", "hosts.yml", "--json"),
    ("plan", "--facts", "stored"),
    ("plan", "--facts", "stored", "--json"),
]


class Encrypted(str):
    """A text that the YAML of an inventory has behind `!vault`."""


yaml.SafeDumper.add_representer(
    Encrypted,
    lambda dumper, text: dumper.represent_scalar("!vault", VAULT.encrypt(text).decode(), style="|"),
)


def planted(option: Mapping[str, Any], secret: Callable[[str], str]) -> Any:
    """Return a value of an option's type with a secret in each text; None where the type takes no text."""
    kind = option.get("type", "str")
    if option.get("choices") or kind in ("bool", "int", "float"):
        return None
    if kind == "dict" or option.get("elements") == "dict":
        parts = {
            name: planted(part, secret)
            for name, part in (option.get("options") or {"one": {}}).items()
        }
        value = {name: part for name, part in parts.items() if part is not None}
        return [value] if kind == "list" else value
    return [secret("str")] if kind == "list" else secret(kind)


def variables(kind: str) -> dict[str, Any]:
    """Return every variable of the roles with secrets of a kind."""
    numbers = iter(range(10_000))

    def secret(of: str) -> str:
        word = f"{PLANTED}-{next(numbers)}"
        if kind in ("vaulted", "file"):
            text = f"/srv/{word}" if of == "path" else word
            return Encrypted(text) if kind == "vaulted" else text
        login = f"ada:{word}" if kind == "address" else word
        return f"https://{login}@host.example.org/a"

    found = {
        name: planted(option, secret)
        for role in content.ROLES
        for name, option in options(ROLES / role).items()
        if kind in ("vaulted", "file") or option.get("type") != "path"
    }
    return {name: value for name, value in found.items() if value is not None}


def of_host(name: str) -> dict[str, Any]:
    """Return the variables of a host: of its kind, or those that choose."""
    found = variables("vaulted" if name == "choosing" else name)
    return {key: value for key, value in found.items() if (key in CHOOSING) == (name == "choosing")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory with a host for each kind of secret."""
    folder = tmp_path_factory.mktemp("secrets")
    for name in ("library", "tmp", "inventory/host_vars"):
        (folder / name).mkdir(parents=True)
    (folder / "library" / "dlconf_collect.py").write_text(COLLECT)
    (folder / "vault").write_text("of the test")
    hosts = (*KINDS, "choosing")
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become_password": Encrypted(f"{PLANTED}-become"),
        "dlconf_become": False,
        "dlconf_data_path": str(HOST_FACTS),
        "dlconf_extras": sorted(content.EXTRA_ROLES),
    }
    (folder / "inventory" / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"hosts": dict.fromkeys(hosts), "vars": common}})
    )
    for name in hosts:
        text = yaml.safe_dump(of_host(name))
        data = VAULT.encrypt(text) if name == "file" else text.encode()
        (folder / "inventory" / "host_vars" / f"{name}.yml").write_bytes(data)
    return folder


def command(site: Path, words: tuple[str, ...]) -> str:
    """Run dlconf and return what it printed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
    } | {
        "ANSIBLE_VAULT_PASSWORD_FILE": str(site / "vault"),
        "XDG_STATE_HOME": str(site / "state"),
        "XDG_CACHE_HOME": str(site / "cache"),
        "TMPDIR": str(site / "tmp"),
    }
    words = tuple("inventory/hosts.yml" if word == "hosts.yml" else word for word in words)
    done = subprocess.run(
        [*standin.command(site / "library"), *words],
        cwd=site,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def written(site: Path) -> Iterator[Path]:
    for name in ("state", "cache", "tmp", "stored"):
        yield from (path for path in (site / name).rglob("*") if path.is_file())


def test_no_command_prints_or_keeps_a_secret(site: Path) -> None:
    for words in COMMANDS:
        said = command(site, words)
        assert PLANTED not in said, words
        assert all(kind in said for kind in KINDS), said
    kept = list(written(site))
    assert [path for path in kept if path.name == "events.jsonl"]
    assert [path for path in kept if path.parent.name == "stored"]
    assert [path for path in kept if PLANTED.encode() in path.read_bytes()] == []


def test_the_hosts_with_secrets_have_plans(site: Path) -> None:
    """Else the test above would look at error messages only."""
    said = command(site, ("plan", "hosts.yml"))
    assert "4 hosts to change" in said, said


def test_every_role_has_variables_that_take_a_secret() -> None:
    found = variables("vaulted")
    assert {"docker_daemon_options", "docker_url", "base_timezone", "jupyter_password"} <= set(
        found
    )


def test_what_ansible_prints_of_tasks_is_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loop items, arguments, differences, failures and messages of a run with --diff."""
    from dlconf.runner import Run, run_playbook  # noqa: PLC0415 - after the environment is set

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "vault"))
    (tmp_path / "vault").write_text("of the test")
    hosts = {
        "here": {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "target": str(tmp_path / "target"),
            "secret": Encrypted(f'{PLANTED}-vaulted "quoted"'),
            "index": f"https://ada:{PLANTED}-address@host.example.org/simple",
        }
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    playbook = Path(__file__).parent / "playbooks" / "careless.yml"
    run = Run(str(playbook), str(tmp_path / "hosts.yml"), diff=True)
    folder = RunFolder.create("apply")
    outcome = run_playbook(run, folder)
    assert (tmp_path / "target").read_text().count(PLANTED) == 2
    told = [failure.message for failure in outcome.hosts["here"].failed]
    assert told
    assert len(outcome.hosts["here"].diffs) == 1
    for text in (
        *told,
        *outcome.hosts["here"].diffs,
        folder.log.read_text(),
        folder.events.read_text(),
    ):
        assert PLANTED not in text, text


def test_kept_events_do_not_repeat_the_arguments_of_tasks(tmp_path: Path) -> None:
    result = {"item": {"x": "y"}, "cmd": ["a"], "invocation": {"module_args": {}}, "msg": "no"}
    with RunLog(RunFolder(tmp_path)) as log:
        log.event({"event": "runner_on_ok", "event_data": {"res": {"results": [result], **result}}})
    text = (tmp_path / "events.jsonl").read_text()
    assert '"msg": "no"' in text
    assert not [word for word in ("item", "cmd", "invocation") if f'"{word}"' in text]


def test_a_login_of_a_sites_catalogue_is_not_remembered(tmp_path: Path) -> None:
    memo = Memo(tmp_path, "code")
    for index_url in ("https://ada:word@host/", "https://word@host/"):
        assert memo.remember("resolution", index_url, partial(str, index_url)) == index_url
    assert memo.is_empty


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://ada:p@ss@host.example.org/x now", "see https://***@host.example.org/x now"),
        ("https://token@host/", "https://***@host/"),
        ("proxy=ada:p4ss@proxy:3128", "proxy=***@proxy:3128"),
        ('{"http-proxy": "ada:p4ss@proxy"}', '{"http-proxy": "***@proxy"}'),
        (
            "ubuntu:24.04@sha256:abc of git@host:a/b at 10:20 by a@b",
            "ubuntu:24.04@sha256:abc of git@host:a/b at 10:20 by a@b",
        ),
        ("https://host/a@b", "https://host/a@b"),
        ('{"a":"https://host","b":"x@y"}', '{"a":"https://host","b":"x@y"}'),
    ],
)
def test_logins_in_addresses(text: str, shown: str) -> None:
    assert without_logins(text) == shown


def test_short_secrets_count_as_words_of_their_own() -> None:
    redactor = Redactor()
    redactor.learn(["root", "no", 'long "one" here'])
    assert redactor.text("root, rooted, no") == "***, rooted, no"
    assert redactor.text('{"a": "long \\"one\\" here"}') == '{"a": "***"}'


@pytest.mark.parametrize(
    "secret", ["a\\b-c-d-e", "tab\there-it-is", "both ' and \" of them", "ümlaut/%41"]
)
@pytest.mark.parametrize(
    "printed", [str, repr, json.dumps, quote, lambda text: json.dumps(f"no {text!r}"), str.lower]
)
def test_a_secret_is_found_in_the_quotes_of_programs(
    secret: str, printed: Callable[[str], str]
) -> None:
    redactor = Redactor()
    redactor.learn([secret])
    assert redactor.text(f"<{printed(secret)}>").strip("<>\"'no ") == "***"


def test_apt_gets_the_login_in_a_file_of_its_own() -> None:
    (resource,) = address.apt_login(
        ["https://ada:a%2Fb@host:8443/linux/", "http://host/x"], "docker"
    )
    assert resource["path"] == "/etc/apt/auth.conf.d/dlconf-docker.conf"
    assert resource["mode"] == "0600"
    assert resource["content"].splitlines()[1:] == [
        "machine https://host:8443/linux login ada password a/b"
    ]
    assert address.apt_login(["https://host/x"], "docker") == [
        {"kind": "absent", "path": resource["path"]}
    ]
    assert address.watched_contents([resource, {"path": "/x"}]) == [
        f"{resource['path']}:{resource['content']}"
    ]


def test_npm_and_curl_get_the_login_in_files() -> None:
    assert address.npmrc("https://ada:word@host/npm") == "//host/npm/:_auth=YWRhOndvcmQ=\n"
    assert address.npmrc("https://word@host/npm/") == "//host/npm/:_authToken=word\n"
    assert address.curl_config('https://a:"b@host/x') == 'url = "https://a:\\"b@host/x"\n'


def test_no_task_puts_an_address_of_the_inventory_on_a_command_line_or_into_an_environment() -> (
    None
):
    """`environment` is a part of the command line with which Ansible starts a module, and every user can read that."""
    for path in sorted(ROLES.glob("*/tasks/*.yml")):
        for task in _tasks(yaml.safe_load(path.read_text())):
            command = task.get("ansible.builtin.command", {})
            for text in (str(command), str(task.get("environment", {}))):
                words = [
                    word
                    for word in text.replace("'", " ").replace(")", " ").split()
                    if word.endswith("_url")
                ]
                assert not words, f"{path}: {words}"


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part, []))
