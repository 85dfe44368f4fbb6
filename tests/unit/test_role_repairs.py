"""What the mutation matrix found that a role did not repair, without a host."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.role_readme import ROLES
from tests.unit.test_role_contract import DEBIAN, DRIVER, UBUNTU, mappings, render

SERVICE = "ansible.builtin.systemd_service"
TASKS = sorted(path for path in ROLES.glob("*/tasks/*.yml") if "enabled: true" in path.read_text())


@pytest.mark.parametrize("path", TASKS, ids=[f"{p.parts[-3]}-{p.stem}" for p in TASKS])
def test_a_unit_that_is_to_be_enabled_is_unmasked(path: Path) -> None:
    """Systemd enables no masked unit."""
    started = [
        task[SERVICE] for task in mappings(yaml.safe_load(path.read_text())) if SERVICE in task
    ]
    enabled = [settings for settings in started if settings.get("enabled")]
    assert enabled
    assert [settings for settings in enabled if settings.get("masked") is not False] == []


@pytest.mark.parametrize(
    ("home", "users", "number"),
    [
        ({"exists": True, "uid": 1001}, {}, "1001"),
        ({"exists": True, "uid": 1001, "pw_name": "bob"}, {"bob": []}, ""),
        ({"exists": True, "uid": 1001}, {"ada": []}, ""),
        ({"exists": False}, {}, ""),
    ],
    ids=["left behind", "somebody else's", "still there", "none"],
)
def test_a_user_who_was_deleted_gets_the_number_of_the_home(
    home: dict[str, Any], users: dict[str, Any], number: str
) -> None:
    found = {
        "item": {"name": "ada"},
        "ansible_facts": {"getent_passwd": users},
        "__base_homes": {"results": [{"item": {"name": "ada"}, "stat": home}]},
    }
    assert str(render(ROLES / "base", found, "__base_former_uid")) == number


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_link_in_place_of_the_key_of_jupyter_is_replaced_and_not_written_through(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere.pem"
    elsewhere.write_text("another's\n")
    (tmp_path / "key.pem").symlink_to(elsewhere)
    me = pwd.getpwuid(os.geteuid()).pw_name
    role = {"name": "jupyter", "tasks_from": "tls"}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [{"name": "Make them", "ansible.builtin.import_role": role}],
    }
    variables = {
        "ansible_python_interpreter": sys.executable,
        "jupyter_user": me,
        "__jupyter_config_root": str(tmp_path),
        "__jupyter_started": {"changed": True},  # no handler restarts anything
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    program = str(Path(sys.executable).parent / "ansible-playbook")
    command = [program, str(tmp_path / "play.yml"), "-e", json.dumps(variables)]
    done = subprocess.run(command, cwd=ROLES.parent, capture_output=True, text=True, check=False)
    if os.geteuid() == 0:  # only root can give the files to their owners
        assert done.returncode == 0, done.stdout + done.stderr
    assert elsewhere.read_text() == "another's\n"
    assert not (tmp_path / "key.pem").is_symlink()
    assert "PRIVATE KEY" in (tmp_path / "key.pem").read_text()


def test_base_keeps_the_certificates_that_every_download_needs() -> None:
    """Removing openssl, which another role owns, takes them along; installing it again does not bring them."""
    contract = render(ROLES / "base", {}, "__base_contract")
    assert {"kind": "package", "name": "ca-certificates"} in contract


REFRESHES = [
    "nvidia_driver/handlers/main",
    "nvidia_driver/tasks/packages",
    "vendor_repository/tasks/refresh",
]


@pytest.mark.parametrize("name", REFRESHES)
def test_another_roles_broken_source_does_not_stop_a_role_at_the_refresh(name: str) -> None:
    """The module apt fails on any source that fails; whether that matters is judged by what apt knows then."""
    tasks = mappings(yaml.safe_load((ROLES / f"{name}.yml").read_text()))
    refreshing = [t for t in tasks if (t.get("ansible.builtin.apt") or {}).get("update_cache")]
    assert [task["failed_when"] for task in refreshing] == [False]


def test_the_drivers_own_source_is_known_by_its_host() -> None:
    def hosts(**changes: Any) -> Any:
        return render(ROLES / "nvidia_driver", DRIVER | changes, "__nvidia_driver_source_hosts")

    assert hosts(ansible_facts=UBUNTU) == ["ppa.launchpadcontent.net"]
    debian = hosts(ansible_facts=DEBIAN, nvidia_driver_source="distribution")
    assert debian == ["deb.debian.org"]
    assert hosts(ansible_facts=UBUNTU, nvidia_driver_source="distribution") == []
