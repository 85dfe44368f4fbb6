"""Which of Ansible's settings are the user's in a run of dlconf, and which are ours.

The rule. The user's is how hosts are found and reached, by whom and with which secrets, how many at a time and for
how long, and what on this machine serves that: inventory, connection, become, vault, interpreter, forks. Ours is what
runs and in which order, what variables and templates mean in it, what is printed, and what is kept: roles, plugins
that run or watch tasks, strategy, tags, callbacks, fact cache, logs. So what a user has set for playbooks of their own
neither breaks nor weakens a run of ours, and what is theirs goes on working.

Ours are given as environment variables: these overrule the same in any ansible.cfg. Source of names, types and
defaults: `ansible/config/base.yml` and the documentation fragments of the default callback of ansible-core 2.19. Each
of its settings is in one of the three tables below; tests/unit/test_ansible_settings.py holds that, so that a new one
is decided about. Those whose name begins with an underscore are private to Ansible's developers.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlconf import content

SYSTEM_PYTHON = "/usr/bin/python3"
"""Of every system that dlconf serves, with apt's bindings; the first on a PATH may be another, or a shim of pyenv's."""
_Parser = configparser.ConfigParser
_NOTHING = os.devnull
"""No folder, so nothing is found in it. An empty value would mean the current folder."""

OURS: Mapping[str, str] = {
    # What runs, and in which order. dlconf_stop relies on the strategy: see there.
    "ANSIBLE_STRATEGY": "linear",
    "ANSIBLE_STRATEGY_PLUGINS": _NOTHING,
    "ANSIBLE_RUN_TAGS": "all",
    "ANSIBLE_SKIP_TAGS": "",
    "ANSIBLE_DOC_FRAGMENT_PLUGINS": _NOTHING,
    "ANSIBLE_ANY_ERRORS_FATAL": "0",
    "ANSIBLE_FORCE_HANDLERS": "0",
    "ANSIBLE_ERROR_ON_MISSING_HANDLER": "1",
    "ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED": "1",
    "ANSIBLE_GATHERING": "explicit",
    "ANSIBLE_TASK_TIMEOUT": "0",  # a task that is cut is apt in the middle of dpkg
    "ANSIBLE_POLL_INTERVAL": "15",
    "ANSIBLE_ENABLE_TASK_DEBUGGER": "0",
    "ANSIBLE_MODULE_IGNORE_EXTS": ".pyc,.pyo,.swp,.bak,~,.rpm,.md,.txt,.rst,.yaml,.yml,.ini",
    "ANSIBLE_MODULE_STRICT_UTF8_RESPONSE": "1",
    # What variables and templates mean.
    "ANSIBLE_HASH_BEHAVIOUR": "replace",
    "ANSIBLE_PRECEDENCE": "all_inventory,groups_inventory,all_plugins_inventory,"
    "all_plugins_play,groups_plugins_inventory,groups_plugins_play",
    "ANSIBLE_INJECT_FACT_VARS": "0",
    "ANSIBLE_PRIVATE_ROLE_VARS": "0",
    "ANSIBLE_PLAYBOOK_VARS_ROOT": "top",
    "ANSIBLE_ALLOW_BROKEN_CONDITIONALS": "0",
    "ANSIBLE_ALLOW_EMBEDDED_TEMPLATES": "1",
    # What is printed: ansible-runner reads it, and dlconf answers its prompts.
    "ANSIBLE_STDOUT_CALLBACK": "default",
    "ANSIBLE_CALLBACKS_ENABLED": "dlconf_stop",
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_CALLBACK_FORMAT_PRETTY": "0",
    "ANSIBLE_CHECK_MODE_MARKERS": "0",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "1",
    "ANSIBLE_DISPLAY_OK_HOSTS": "1",
    "ANSIBLE_DISPLAY_FAILED_STDERR": "0",
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "0",
    "ANSIBLE_DISPLAY_TRACEBACK": "never",
    "ANSIBLE_SHOW_CUSTOM_STATS": "0",
    "ANSIBLE_SHOW_PER_HOST_START": "0",
    "ANSIBLE_SHOW_TASK_PATH_ON_FAILURE": "0",
    "ANSIBLE_DIFF_ALWAYS": "0",  # --diff says it
    "ANSIBLE_MAX_DIFF_SIZE": "104448",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_FORCE_COLOR": "0",
    "ANSIBLE_NOCOWS": "1",
    "ANSIBLE_VERBOSITY": "0",
    "ANSIBLE_VERBOSE_TO_STDERR": "0",
    "ANSIBLE_DEBUG": "0",
    "ANSIBLE_AGNOSTIC_BECOME_PROMPT": "1",
    # A prompt that only a setting of the user asked for would wait for ever: nobody sees it.
    "ANSIBLE_ASK_PASS": "0",
    "ANSIBLE_BECOME_ASK_PASS": "0",
    "ANSIBLE_ASK_VAULT_PASS": "0",
    # What is kept, here and on hosts.
    "ANSIBLE_CACHE_PLUGIN": "memory",
    "ANSIBLE_CACHE_PLUGINS": _NOTHING,
    "ANSIBLE_LOG_PATH": _NOTHING,
    "ANSIBLE_NO_LOG": "0",  # without results there is no report; what is secret is marked in the roles
    "ANSIBLE_KEEP_REMOTE_FILES": "0",
    "ANSIBLE_RETRY_FILES_ENABLED": "0",
    # Messages that are read, of apt for one, are English; Ansible itself runs in UTF-8 only.
    "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8",
    "LANGUAGE": "",
}
"""Environment of every run, here or on a worker, beside the paths of `paths`."""


_HELPED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ANSIBLE_PIPELINING": (
        ("ssh_connection", "pipelining"),
        ("connection", "pipelining"),
        ("defaults", "pipelining"),
    ),
    "ANSIBLE_SSH_ARGS": (("ssh_connection", "ssh_args"),),
    "ANSIBLE_TIMEOUT": (("defaults", "timeout"),),
}
"""Settings that are the user's, and our ansible.cfg's where no file of the user's names them: variable -> places."""


def _names(table: str) -> frozenset[str]:
    """Return the words of a table; a line that begins with # says what the next ones are about."""
    lines = (line.split() for line in table.splitlines())
    return frozenset(word for words in lines if words[:1] != ["#"] for word in words)


USERS = _names(
    """
    # Where hosts and their variables come from.
    INVENTORY_ENABLED INVENTORY_IGNORE_EXTS INVENTORY_IGNORE_PATTERNS INVENTORY_ANY_UNPARSED_IS_FAILED
    INVENTORY_UNPARSED_IS_FAILED INVENTORY_UNPARSED_WARNING INVENTORY_EXPORT HOST_PATTERN_MISMATCH
    TRANSFORM_INVALID_GROUP_CHARS YAML_FILENAME_EXTENSIONS DUPLICATE_YAML_DICT_KEY VARIABLE_PLUGINS_ENABLED
    RUN_VARS_PLUGINS DEFAULT_INVENTORY_PLUGIN_PATH DEFAULT_VARS_PLUGIN_PATH DEFAULT_LOOKUP_PLUGIN_PATH
    DEFAULT_FILTER_PLUGIN_PATH DEFAULT_TEST_PLUGIN_PATH DEFAULT_JINJA2_EXTENSIONS COLLECTIONS_PATHS
    COLLECTIONS_SCAN_SYS_PATH
    COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH PLUGIN_FILTERS_CFG
    # How they are reached, by whom, with which secrets.
    ANSIBLE_PIPELINING ANSIBLE_CONNECTION_PATH DEFAULT_TRANSPORT DEFAULT_TIMEOUT DEFAULT_REMOTE_PORT
    DEFAULT_REMOTE_USER DEFAULT_PRIVATE_KEY_FILE DEFAULT_EXECUTABLE DEFAULT_CONNECTION_PLUGIN_PATH
    DEFAULT_TERMINAL_PLUGIN_PATH DEFAULT_CLICONF_PLUGIN_PATH DEFAULT_HTTPAPI_PLUGIN_PATH
    DEFAULT_NETCONF_PLUGIN_PATH NETCONF_SSH_CONFIG HOST_KEY_CHECKING PARAMIKO_HOST_KEY_AUTO_ADD
    PARAMIKO_LOOK_FOR_KEYS SSH_AGENT SSH_AGENT_EXECUTABLE SSH_AGENT_KEY_LIFETIME PERSISTENT_CONTROL_PATH_DIR
    PERSISTENT_CONNECT_TIMEOUT PERSISTENT_CONNECT_RETRY_TIMEOUT PERSISTENT_COMMAND_TIMEOUT
    USE_PERSISTENT_CONNECTIONS CONNECTION_PASSWORD_FILE DEFAULT_BECOME DEFAULT_BECOME_METHOD DEFAULT_BECOME_EXE
    DEFAULT_BECOME_FLAGS DEFAULT_BECOME_USER BECOME_ALLOW_SAME_USER BECOME_PASSWORD_FILE BECOME_PLUGIN_PATH
    DEFAULT_SU DEFAULT_VAULT_IDENTITY DEFAULT_VAULT_IDENTITY_LIST DEFAULT_VAULT_ID_MATCH
    DEFAULT_VAULT_PASSWORD_FILE INTERPRETER_PYTHON PYTHON_MODULE_RLIMIT_NOFILE DEFAULT_SELINUX_SPECIAL_FS
    DEFAULT_SYSLOG_FACILITY DEFAULT_NO_TARGET_SYSLOG TARGET_LOG_INFO DEFAULT_MODULE_COMPRESSION
    # How many at a time, and what serves that on this machine.
    DEFAULT_FORKS DEFAULT_INTERNAL_POLL_INTERVAL WORKER_SHUTDOWN_POLL_COUNT WORKER_SHUTDOWN_POLL_DELAY
    ANSIBLE_HOME DEFAULT_LOCAL_TMP
    """
)

WITHOUT_EFFECT = _names(
    """
    # Other commands of Ansible's, or tests of it.
    EDITOR PAGER DOCSITE_ROOT_URL PLAYBOOK_DIR DEFAULT_HOST_LIST DEFAULT_MODULE_ARGS DEFAULT_MODULE_NAME
    DEFAULT_LOAD_CALLBACK_PLUGINS VAULT_ENCRYPT_SALT DEFAULT_VAULT_ENCRYPT_IDENTITY COVERAGE_REMOTE_OUTPUT
    COVERAGE_REMOTE_PATHS VALIDATE_ACTION_GROUP_METADATA OLD_PLUGIN_CACHE_CLEARING
    # Of something that one of ours has turned off.
    ANSIBLE_COW_SELECTION ANSIBLE_COW_ACCEPTLIST ANSIBLE_COW_PATH LOG_VERBOSITY DEFAULT_LOG_FILTER
    CACHE_PLUGIN_CONNECTION CACHE_PLUGIN_PREFIX CACHE_PLUGIN_TIMEOUT TASK_DEBUGGER_IGNORE_ERRORS
    RETRY_FILES_SAVE_PATH FACTS_MODULES CONNECTION_FACTS_MODULES
    # Of hosts that dlconf does not serve.
    NETWORK_GROUP_MODULES WIN_ASYNC_STARTUP_TIMEOUT INTERPRETER_PYTHON_FALLBACK DEFAULT_LIBVIRT_LXC_NOSECLABEL
    # Which warnings stand in the log, and how much of a difference around what differs.
    ACTION_WARNINGS LOCALHOST_WARNING DEPRECATION_WARNINGS DEVEL_WARNING SYSTEM_WARNINGS DIFF_CONTEXT
    # Without effect in Ansible itself since 2.19, or on anything of ours.
    DEFAULT_ALLOW_UNSAFE_LOOKUPS DEFAULT_JINJA2_NATIVE DEFAULT_NULL_REPRESENTATION
    DEFAULT_UNDEFINED_VAR_BEHAVIOR STRING_TYPE_FILTERS DEFAULT_MANAGED_STR
    """
)
"""Settings that change nothing in a run of dlconf, beside all of `galaxy` and all colours."""


def paths(project: Path, package: Path) -> dict[str, str]:
    """Return the settings of the folders in which Ansible finds our content, and no other than ours.

    Args:
        project: the folder of `roles/`, as Ansible will see it.
        package: that of dlconf's code.
    """
    plugins = package / "plugins"
    return {
        "ANSIBLE_ROLES_PATH": str(project / "roles"),
        "ANSIBLE_LIBRARY": str(plugins / "modules"),
        "ANSIBLE_MODULE_UTILS": str(plugins / "module_utils"),
        "ANSIBLE_ACTION_PLUGINS": str(plugins / "action"),
        "ANSIBLE_CALLBACK_PLUGINS": str(plugins / "callback"),
    }


def filters(package: Path) -> str:
    """Return the folder of the filters that the roles' templates use; the user's may stand behind it.

    Args:
        package: that of dlconf's code, as Ansible will see it.
    """
    return str(package / "plugins" / "filter")


def environment(environ: Mapping[str, str], *, host_list: bool = False) -> dict[str, str]:
    """Return the environment variables that Ansible gets beside those of this process, or in their place.

    Without an ansible.cfg of the user's, ours is named. With one, that file has its say on what is the user's; of ours
    counts what makes runs quick and that file says nothing of (_HELPED).

    Args:
        environ: the environment of this process.
        host_list: the inventory is a list of hosts on the command line.
    """
    own = config_of(environ)
    theirs = _read(own)
    package = Path(content.__file__).resolve().parent
    given = {**OURS, **paths(content.root(), package)}
    given["ANSIBLE_FILTER_PLUGINS"] = os.pathsep.join(
        [filters(package), *_filters(environ, own, theirs)]
    )
    given["ANSIBLE_CONFIG"] = str(own or content.root() / "ansible.cfg")
    if own:
        ours = _read(content.root() / "ansible.cfg")
        for variable, places in _HELPED.items():
            if all(_said(environ, theirs, variable, *place) is None for place in places):
                given[variable] = ours[places[0][0]][places[0][1]]
    interpreter = ("defaults", "interpreter_python")
    if _said(environ, theirs, "ANSIBLE_PYTHON_INTERPRETER", *interpreter) is None:
        given["ANSIBLE_PYTHON_INTERPRETER"] = SYSTEM_PYTHON
    if host_list:
        given["ANSIBLE_INVENTORY_ENABLED"] = "host_list"
    extensions = _said(
        environ, theirs, "ANSIBLE_YAML_FILENAME_EXT", "defaults", "yaml_valid_extensions"
    )
    if extensions is not None and ".yml" not in extensions.split(","):
        given["ANSIBLE_YAML_FILENAME_EXT"] = f"{extensions},.yml"  # the roles' files
    return given


def config_of(environ: Mapping[str, str]) -> Path | None:
    """Return the ansible.cfg of the user's that counts, in Ansible's own order; None where there is none but ours.

    That order (ansible.config.manager, find_ini_config_file): ANSIBLE_CONFIG, a file or its folder; the current
    folder's, unless anybody can write to that folder; the home's `.ansible.cfg`; the system's.
    """
    found = next((path for path in _configs(environ) if os.access(path, os.R_OK)), None)
    ours = content.root() / "ansible.cfg"
    return None if found is None or found.resolve() == ours.resolve() else found


def _configs(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("ANSIBLE_CONFIG"):
        path = Path(named).expanduser().absolute()
        yield path / "ansible.cfg" if path.is_dir() else path
    with contextlib.suppress(OSError):  # the current folder is gone
        folder = Path.cwd()
        if not folder.stat().st_mode & stat.S_IWOTH:
            yield folder / "ansible.cfg"
    if home := environ.get("HOME"):
        yield Path(home) / ".ansible.cfg"
    yield Path("/etc/ansible/ansible.cfg")


def _filters(environ: Mapping[str, str], own: Path | None, theirs: _Parser) -> list[str]:
    """Return the folders of the user's filters, which templates of the inventory may need."""
    variable = "ANSIBLE_FILTER_PLUGINS"
    folders = _said(environ, theirs, variable, "defaults", "filter_plugins") or ""
    if environ.get("ANSIBLE_FILTER_PLUGINS"):
        return folders.split(os.pathsep)
    beside = (own or Path()).parent  # what a file names is relative to it
    return [str(beside / Path(name).expanduser()) for name in folders.split(os.pathsep) if name]


def take_over(*, host_list: bool = False) -> None:
    """Set the environment of this process as a run has it, for what it reads with Ansible's own code.

    To be called before Ansible is imported: it reads its settings then.
    """
    os.environ.update(environment(os.environ, host_list=host_list))


def find_collections() -> None:
    """Let Ansible in this process find collections, as its commands do: an inventory's plugin may be of one.

    To be called after `take_over`.
    """
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415 - it reads the settings
    from ansible.utils.collection_loader import AnsibleCollectionConfig  # noqa: PLC0415

    if not AnsibleCollectionConfig.collection_finder:  # a second time it warns
        init_plugin_loader()


def said(
    environ: Mapping[str, str], variable: str, key: str, section: str = "defaults"
) -> str | None:
    """Return what the user has set, by environment or in an ansible.cfg of their own; None where nothing.

    Args:
        environ: the environment of this process.
        variable: the setting's environment variable.
        key, section: its place in an ansible.cfg.
    """
    return _said(environ, _read(config_of(environ)), variable, section, key)


def _said(
    environ: Mapping[str, str], theirs: _Parser, variable: str, section: str, key: str
) -> str | None:
    if environ.get(variable):
        return environ[variable]
    return theirs[section].get(key) if section in theirs else None


def _read(config: Path | None) -> _Parser:
    """Return what stands in an ansible.cfg, nothing where there is none."""
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, inline_comment_prefixes=(";",)
    )
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):  # Ansible says what is wrong
        parser.read(config or (), encoding="utf-8")
    return parser
