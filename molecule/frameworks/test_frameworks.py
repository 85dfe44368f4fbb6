"""Role frameworks: environments that import and compute, for every user, and a system Python left alone."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

FRAMEWORKS = {"cpu": ("pytorch", "jax", "pytensor", "mxnet"), "rtx3090": ("pytorch",)}
MODULES = {"pytorch": "torch", "jax": "jax", "pytensor": "pytensor", "mxnet": "mxnet"}


@pytest.fixture
def environments(machine: str) -> tuple[str, ...]:
    return FRAMEWORKS[machine]


def python(host: Host, environment: str, code: str) -> str:
    """Run code as an ordinary user in an environment and return what it prints."""
    path = f"/opt/dlconf/envs/{environment}/bin/python"
    text: str = host.check_output("runuser -u lab -- %s -c %s", path, code)
    return text


def test_every_user_can_import_the_frameworks(host: Host, environments: tuple[str, ...]) -> None:
    for name in environments:
        module = MODULES[name]
        code = f"import {module}; print({module}.__file__)"
        assert python(host, name, code).startswith(f"/opt/dlconf/envs/{name}/")


def test_python_is_the_one_that_was_asked_for(host: Host, environments: tuple[str, ...]) -> None:
    for name in environments:
        assert python(host, name, "import sys; print(*sys.version_info[:2])") == "3 11"


def test_each_environment_has_a_kernel_of_its_own(
    host: Host, environments: tuple[str, ...]
) -> None:
    for name in environments:
        file = host.file(f"/usr/local/share/jupyter/kernels/dlconf-{name}/kernel.json")
        assert (file.user, file.mode) == ("root", 0o644)
        argv = json.loads(file.content_string)["argv"]
        assert argv[0] == f"/opt/dlconf/envs/{name}/bin/python"
        assert "IPython" in host.check_output(
            "runuser -u lab -- %s -m ipykernel_launcher --help", argv[0]
        )


def test_everyone_reads_the_environments_and_only_root_writes_them(host: Host) -> None:
    for path in ("/opt/dlconf/envs", "/usr/local/share/jupyter/kernels"):
        folder = host.file(path)
        assert (folder.user, folder.group, folder.mode) == ("root", "root", 0o755)
    unreadable = host.check_output(
        "find /opt/dlconf/envs -name .replaced -prune -o -not -type l -not -perm -o=r -print"
    )
    assert unreadable == ""


def test_no_mark_of_unfinished_work_is_left(host: Host) -> None:
    assert host.check_output("find /opt/dlconf/envs -maxdepth 1 -name '.unfinished*'") == ""


def test_the_python_of_the_system_has_nothing_of_it(host: Host) -> None:
    for module in MODULES.values():
        assert (
            "ModuleNotFoundError" in host.run("/usr/bin/python3 -c %s", f"import {module}").stderr
        )
    assert host.check_output("find /usr/local/lib -path '*dist-packages/*' -maxdepth 4") == ""
