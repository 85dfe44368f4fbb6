"""The user's Ansible settings: ours are decided, hostile values change nothing, what is theirs to set works."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from ansible.config.manager import find_ini_config_file

from dlconf import ansiblesettings, content
from dlconf.ansiblesettings import OURS, USERS, WITHOUT_EFFECT

BIN = Path(sys.executable).parent
DEFINED = yaml.safe_load((files("ansible") / "config" / "base.yml").read_text(encoding="utf-8"))
SETTINGS = {
    name: entry
    for name, entry in DEFINED.items()
    if not name.startswith(("_", "GALAXY_", "COLOR_")) and name != "CONFIG_FILE"
}
PATHS = ansiblesettings.paths(Path("/project"), Path("/package"))
HOSTILE = {
    "ANSIBLE_STRATEGY": "free",
    "ANSIBLE_RUN_TAGS": "nothing",
    "ANSIBLE_SKIP_TAGS": "untagged",
    "ANSIBLE_ANY_ERRORS_FATAL": "1",
    "ANSIBLE_FORCE_HANDLERS": "1",
    "ANSIBLE_ERROR_ON_MISSING_HANDLER": "0",
    "ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED": "0",
    "ANSIBLE_GATHERING": "implicit",
    "ANSIBLE_TASK_TIMEOUT": "1",
    "ANSIBLE_POLL_INTERVAL": "3600",
    "ANSIBLE_ENABLE_TASK_DEBUGGER": "1",
    "ANSIBLE_MODULE_IGNORE_EXTS": ".py",
    "ANSIBLE_MODULE_STRICT_UTF8_RESPONSE": "0",
    "ANSIBLE_HASH_BEHAVIOUR": "merge",
    "ANSIBLE_PRECEDENCE": "all_inventory",
    "ANSIBLE_INJECT_FACT_VARS": "1",
    "ANSIBLE_PRIVATE_ROLE_VARS": "1",
    "ANSIBLE_PLAYBOOK_VARS_ROOT": "bottom",
    "ANSIBLE_ALLOW_BROKEN_CONDITIONALS": "1",
    "ANSIBLE_ALLOW_EMBEDDED_TEMPLATES": "0",
    "ANSIBLE_STDOUT_CALLBACK": "yaml",
    "ANSIBLE_CALLBACKS_ENABLED": "junit,profile_tasks",
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    "ANSIBLE_CALLBACK_FORMAT_PRETTY": "1",
    "ANSIBLE_CHECK_MODE_MARKERS": "1",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "0",
    "ANSIBLE_DISPLAY_OK_HOSTS": "0",
    "ANSIBLE_DISPLAY_FAILED_STDERR": "1",
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
    "ANSIBLE_DISPLAY_TRACEBACK": "always",
    "ANSIBLE_SHOW_CUSTOM_STATS": "1",
    "ANSIBLE_SHOW_PER_HOST_START": "1",
    "ANSIBLE_SHOW_TASK_PATH_ON_FAILURE": "1",
    "ANSIBLE_DIFF_ALWAYS": "1",
    "ANSIBLE_MAX_DIFF_SIZE": "1",
    "ANSIBLE_NOCOLOR": "0",
    "ANSIBLE_FORCE_COLOR": "1",
    "ANSIBLE_NOCOWS": "0",
    "ANSIBLE_VERBOSITY": "4",
    "ANSIBLE_VERBOSE_TO_STDERR": "1",
    "ANSIBLE_DEBUG": "1",
    "ANSIBLE_AGNOSTIC_BECOME_PROMPT": "0",
    "ANSIBLE_ASK_PASS": "1",
    "ANSIBLE_BECOME_ASK_PASS": "1",
    "ANSIBLE_ASK_VAULT_PASS": "1",
    "ANSIBLE_CACHE_PLUGIN": "jsonfile",
    "ANSIBLE_LOG_PATH": "theirs/ansible.log",
    "ANSIBLE_NO_LOG": "1",
    "ANSIBLE_KEEP_REMOTE_FILES": "1",
    "ANSIBLE_RETRY_FILES_ENABLED": "1",
    "LC_ALL": "C",
    "LANGUAGE": "zh_CN",
    "ANSIBLE_STRATEGY_PLUGINS": "theirs/strategy",
    "ANSIBLE_MODULE_UTILS": "theirs/module_utils",
    "ANSIBLE_DOC_FRAGMENT_PLUGINS": "theirs/doc_fragments",
    "ANSIBLE_CACHE_PLUGINS": "theirs/cache",
    "ANSIBLE_ROLES_PATH": "theirs/roles",
    "ANSIBLE_LIBRARY": "theirs/library",
    "ANSIBLE_ACTION_PLUGINS": "theirs/action",
    "ANSIBLE_CALLBACK_PLUGINS": "theirs/callback",
    # With the above: where the fact cache would be.
    "ANSIBLE_CACHE_PLUGIN_CONNECTION": "theirs/facts",
}
"""A value of each setting of ours that would break or weaken a run."""
Plan = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A function that runs `dlconf plan` with these variables beside a plain environment, in a folder of its own."""
    theirs = tmp_path / "theirs"
    for role in ("preflight", "record", "base", "docker"):
        (theirs / "roles" / role / "tasks").mkdir(parents=True)
        task = f"- name: Not ours\n  ansible.builtin.file: {{path: {theirs}/ran, state: touch}}\n"
        (theirs / "roles" / role / "tasks" / "main.yml").write_text(task, encoding="utf-8")
    for kind, name in (
        ("library", "dlconf_collect"),
        ("action", "dlconf_state"),
        ("strategy", "linear"),
        ("callback", "default"),
        ("cache", "memory"),
        ("doc_fragments", "default_callback"),
        ("module_utils", "basic"),
    ):
        (theirs / kind).mkdir()
        (theirs / kind / f"{name}.py").write_text("raise SystemExit\n", encoding="utf-8")

    def run(
        source: str = "localhost,", *words: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        plain = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANSIBLE_", "LC_", "LANG"))
        }
        homes = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("STATE", "CACHE")}
        return subprocess.run(
            [str(BIN / "dlconf"), "plan", source, *words, "--json"],
            cwd=tmp_path,
            env=plain | homes | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def status(done: subprocess.CompletedProcess[str], host: str = "localhost") -> str:
    assert done.stdout, done.stderr
    return str(json.loads(done.stdout)["hosts"][host]["status"])


def as_file(settings: Mapping[str, str]) -> str:
    """Return the settings as an ansible.cfg; those of the callback are documented in its own fragments."""
    keys: dict[str, tuple[str, str]] = {}
    for entry in DEFINED.values():
        for variable in entry.get("env") or ():
            for place in (entry.get("ini") or ())[:1]:
                keys[variable["name"]] = (place.get("section", "defaults"), place["key"])
    parser = configparser.ConfigParser(interpolation=None)
    for variable, value in settings.items():
        if not variable.startswith("ANSIBLE_"):
            continue  # a locale stands in no file
        guess = ("defaults", variable.removeprefix("ANSIBLE_").lower())
        section, key = keys.get(variable, guess)
        if not parser.has_section(section):
            parser.add_section(section)
        parser[section][key] = value
    lines = [
        line
        for section in parser.sections()
        for line in (f"[{section}]", *(f"{k} = {v}" for k, v in parser[section].items()))
    ]
    return "\n".join(lines) + "\n"


# The tables


def test_each_setting_of_ansible_is_decided_about_once() -> None:
    ours = set()
    for name, entry in SETTINGS.items():
        variables = {item["name"] for item in entry.get("env") or ()}
        if variables & (OURS.keys() | PATHS.keys()):
            ours.add(name)
    assert (ours | USERS | WITHOUT_EFFECT) == SETTINGS.keys()
    assert not (ours & USERS)
    assert not (ours & WITHOUT_EFFECT)
    assert not (USERS & WITHOUT_EFFECT)


def test_each_setting_of_ours_is_one_of_ansible_s() -> None:
    known = {item["name"] for entry in DEFINED.values() for item in entry.get("env") or ()}
    for name in ("default_callback", "result_format_callback"):
        fragment = files("ansible") / "plugins" / "doc_fragments" / f"{name}.py"
        text = fragment.read_text(encoding="utf-8")
        known |= {variable for variable in OURS if f"- name: {variable}\n" in text}
    assert OURS.keys() | PATHS.keys() <= known | {"LC_ALL", "LANGUAGE"}


def test_there_is_a_hostile_value_of_each_setting_of_ours() -> None:
    assert OURS.keys() | PATHS.keys() == HOSTILE.keys() - {"ANSIBLE_CACHE_PLUGIN_CONNECTION"}
    assert not [name for name, value in HOSTILE.items() if OURS.get(name) == value]


def test_the_document_names_each_setting_of_ours() -> None:
    text = (content.root() / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(ANSIBLE_[A-Z_0-9]+|LC_ALL|LANGUAGE)`", text)) == (
        OURS.keys()
        | PATHS.keys()
        | {
            "ANSIBLE_CONFIG",
            "ANSIBLE_PIPELINING",
            "ANSIBLE_SSH_ARGS",
            "ANSIBLE_TIMEOUT",
            "ANSIBLE_FILTER_PLUGINS",
            "ANSIBLE_INVENTORY_ENABLED",
            "ANSIBLE_YAML_FILENAME_EXT",
        }
    )


def test_our_ansible_cfg_says_what_a_run_of_dlconf_says() -> None:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    parser.read(content.root() / "ansible.cfg", encoding="utf-8")
    said = parser["defaults"]
    assert said["gathering"] == OURS["ANSIBLE_GATHERING"]
    assert said["interpreter_python"] == ansiblesettings.SYSTEM_PYTHON
    assert not parser.getboolean("defaults", "inject_facts_as_vars")
    given = ansiblesettings.environment({})
    for key, variable in (
        ("roles_path", "ANSIBLE_ROLES_PATH"),
        ("library", "ANSIBLE_LIBRARY"),
        ("action_plugins", "ANSIBLE_ACTION_PLUGINS"),
    ):
        named = {(content.root() / part).resolve() for part in said[key].split(":")}
        assert Path(given[variable]).resolve() in named
        assert Path(given[variable]).is_dir()


# Ours


def test_hostile_settings_change_nothing(plan: Plan, tmp_path: Path) -> None:
    assert status(plain := plan()) == "drift"
    (tmp_path / "theirs.cfg").write_text(as_file(HOSTILE), encoding="utf-8")
    in_file = {"ANSIBLE_CONFIG": str(tmp_path / "theirs.cfg"), "LC_ALL": "xx_YY.UTF-8"}
    before = set((tmp_path / "theirs").rglob("*"))
    for given in (HOSTILE, in_file):
        done = plan(**given)
        assert done.returncode == plain.returncode == 0, done.stderr
        assert json.loads(done.stdout)["hosts"] == json.loads(plain.stdout)["hosts"]
        # no fact cache, no log, no role of theirs, and none of their plugins compiled
        assert set((tmp_path / "theirs").rglob("*")) == before


def values(**variables: str) -> dict[str, str]:
    """Return the value of each of Ansible's settings, as a run with these variables reads it."""
    program = (
        "import sys; from ansible import constants\n"
        "for name in sys.argv[1:]: print(name, repr(constants.config.get_config_value(name)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *SETTINGS],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "ANSIBLE_LOCAL_TEMP": "/tmp"}
        | variables
        | ansiblesettings.environment(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_each_hostile_setting_is_overruled_by_itself(tmp_path: Path) -> None:
    (tmp_path / "theirs.cfg").write_text(as_file(HOSTILE), encoding="utf-8")
    for given in (HOSTILE, {"ANSIBLE_CONFIG": str(tmp_path / "theirs.cfg")}):
        plain, found = values(), values(**given)
        differ = {name for name in SETTINGS if found[name] != plain[name]}
        assert differ <= USERS | WITHOUT_EFFECT, differ


def test_a_shim_first_on_the_path_is_not_taken_for_the_system_s_python(
    plan: Plan, tmp_path: Path
) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    for minor in ("", *(f".{number}" for number in range(9, 15))):
        shim = shims / f"python3{minor}"
        shim.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2; exit 127\n")
        shim.chmod(0o755)
    (tmp_path / "hosts.ini").write_text("localhost ansible_connection=local\n", encoding="utf-8")
    path = f"{shims}{os.pathsep}{os.environ['PATH']}"
    assert status(plan(source="hosts.ini", PATH=path)) == "drift"


# Theirs


def environment(**variables: str) -> dict[str, str]:
    return variables | ansiblesettings.environment(variables)


def test_what_is_theirs_is_left_to_them() -> None:
    names = [
        variable["name"]
        for setting in sorted(USERS - {"YAML_FILENAME_EXTENSIONS"})
        for variable in SETTINGS[setting].get("env") or ()
    ]
    assert len(names) > 50
    given = environment(**dict.fromkeys(names, "theirs"))
    behind_ours = given.pop("ANSIBLE_FILTER_PLUGINS")
    names.remove("ANSIBLE_FILTER_PLUGINS")
    assert [name for name in names if given[name] != "theirs"] == []
    assert behind_ours.endswith(f"/plugins/filter{os.pathsep}theirs")


def test_the_files_of_roles_are_read_whatever_theirs_are_called() -> None:
    name = "ANSIBLE_YAML_FILENAME_EXT"
    assert environment(**{name: ".vars"})[name] == ".vars,.yml"
    assert environment(**{name: ".yml,.vars"})[name] == ".yml,.vars"


def test_an_own_ansible_cfg_keeps_its_say(tmp_path: Path) -> None:
    own = tmp_path / "own.cfg"
    own.write_text(
        "[defaults]\ninterpreter_python = /opt/python ; ours\nforks = 3\nfilter_plugins = theirs\n"
    )
    given = ansiblesettings.environment({"ANSIBLE_CONFIG": str(own)})
    assert given["ANSIBLE_CONFIG"] == str(own)
    assert "ANSIBLE_PYTHON_INTERPRETER" not in given
    assert given["ANSIBLE_FILTER_PLUGINS"].endswith(f"{os.pathsep}{tmp_path}/theirs")
    assert ansiblesettings.said({"ANSIBLE_CONFIG": str(tmp_path)}, "X", "forks") is None
    own.rename(tmp_path / "ansible.cfg")
    assert ansiblesettings.said({"ANSIBLE_CONFIG": str(tmp_path)}, "X", "forks") == "3"


def test_a_list_of_hosts_is_read_though_their_inventories_are_others(plan: Plan) -> None:
    assert status(plan(ANSIBLE_INVENTORY_ENABLED="yaml")) == "drift"


def test_their_settings_work_in_a_run(plan: Plan, tmp_path: Path) -> None:
    """Vault password, a lookup of their own, group_vars, remote user and forks; a user's ansible.cfg names them all."""
    (tmp_path / "word").write_text("open sesame\n", encoding="utf-8")
    words = ["encrypt_string", "--vault-id", "lab@word", "--name", "dlconf_extras_of_vault", "base"]
    vaulted = subprocess.run(
        [str(BIN / "ansible-vault"), *words],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (tmp_path / "lookups").mkdir()
    (tmp_path / "lookups" / "theirs.py").write_text(
        "from ansible.plugins.lookup import LookupBase\n"
        "class LookupModule(LookupBase):\n"
        "    def run(self, terms, variables=None, **kwargs): return ['numpy']\n",
        encoding="utf-8",
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(
        f"{vaulted}\ndlconf_extras: ['{{{{ dlconf_extras_of_vault }}}}']\n"
        "dlconf_frameworks: ['{{ lookup(\"theirs\") }}']\n",
        encoding="utf-8",
    )
    (tmp_path / "hosts.ini").write_text("here ansible_connection=local\n", encoding="utf-8")
    (tmp_path / "own.cfg").write_text(
        "[defaults]\nvault_identity_list = lab@word\nlookup_plugins = lookups\nforks = 3\n"
        "remote_user = ann\n[ssh_connection]\nssh_args = -o ConnectTimeout=3\n",
        encoding="utf-8",
    )
    done = plan(source="hosts.ini", ANSIBLE_CONFIG=str(tmp_path / "own.cfg"))
    assert status(done, "here") == "refused"  # numpy is no framework: their lookup has said so
    assert "numpy" in done.stdout


def test_the_ansible_cfg_that_counts_is_that_of_ansible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ansible's own order, asked of Ansible's own function: the file named, the folder's, the home's."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    for path in (home / ".ansible.cfg", folder / "ansible.cfg", tmp_path / "named.cfg"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("[defaults]\nforks = 3\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))

    def counts(**more: str) -> str | None:
        environ = {"HOME": str(home), **more}
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("ANSIBLE_CONFIG", raising=False)
            for name, value in more.items():
                patch.setenv(name, value)
            theirs: str | None = find_ini_config_file(set())
        found = ansiblesettings.config_of(environ)
        assert (str(found) if found else None) == theirs
        return theirs

    assert counts() == str(folder / "ansible.cfg")
    assert counts(ANSIBLE_CONFIG=str(tmp_path / "named.cfg")) == str(tmp_path / "named.cfg")
    assert counts(ANSIBLE_CONFIG=str(tmp_path / "none.cfg")) == str(folder / "ansible.cfg")
    folder.chmod(0o777)  # anybody can write there
    assert counts() == str(home / ".ansible.cfg")
    (folder / "ansible.cfg").unlink()
    folder.chmod(0o755)
    assert counts() == str(home / ".ansible.cfg")


def test_the_file_of_the_folder_counts_in_a_run_and_is_named(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("here ansible_host=127.0.0.1 ansible_port=1\n")
    (tmp_path / "ansible.cfg").write_text("[defaults]\nremote_user = ann\n")
    done = plan("hosts.ini", "--verbose")
    assert f"Ansible settings: {tmp_path}/ansible.cfg" in done.stderr
    hint = json.loads(done.stdout)["hosts"]["here"]["failure"]["hint"]
    assert hint.endswith("ssh -p 1 ann@127.0.0.1 true")


def test_what_makes_runs_quick_stays_where_the_users_file_says_nothing_of_it(
    tmp_path: Path,
) -> None:
    own = tmp_path / "own.cfg"
    own.write_text("[ssh_connection]\nssh_args = -C\n[connection]\npipelining = False\n")
    given = values(ANSIBLE_CONFIG=str(own))
    assert given["ANSIBLE_PIPELINING"] == "False"
    assert given["DEFAULT_TIMEOUT"] == "15"
    own.write_text("[defaults]\ntimeout = 40\n")
    given = values(ANSIBLE_CONFIG=str(own))
    assert given["ANSIBLE_PIPELINING"] == "True"
    assert given["DEFAULT_TIMEOUT"] == "40"
    assert (
        "ControlPersist"
        in ansiblesettings.environment({"ANSIBLE_CONFIG": str(own)})["ANSIBLE_SSH_ARGS"]
    )
