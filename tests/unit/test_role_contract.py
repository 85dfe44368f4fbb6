"""The files of a role agree with each other: argument spec, defaults, README, contract and watch."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from dlconf.catalogue import load
from dlconf.contract import KINDS
from dlconf.plugins.modules import dlconf_collect
from dlconf.rolevars import with_dependencies
from tests.role_readme import ROLES, options, read, readme

NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir())
FILES = ("defaults", "vars", "tasks", "meta")

WATCHED_BY_NAME = {"service": "units", "user": "users", "group": "groups"}

UBUNTU = {
    "distribution": "Ubuntu",
    "distribution_version": "22.04",
    "distribution_major_version": "22",
    "distribution_release": "jammy",
}
DEBIAN = {
    "distribution": "Debian",
    "distribution_version": "12.11",
    "distribution_major_version": "12",
    "distribution_release": "bookworm",
}
SERVICES = {
    "nvidia_services_driver_branch": "580",
    "nvidia_services_driver_source": "ppa",
    "nvidia_services_driver_package": "nvidia-driver-580-open",
    "nvidia_services_nvswitches": ["0000:05:00.0"],
    "nvidia_services_dcgm_exporter": True,
}
DOCKER = {
    "docker_users": ["ada"],
    "docker_data_root": "/srv/docker",
    "docker_daemon_options": {"registry-mirrors": ["https://mirror.dlconf.test"]},
}
DRIVER = {
    "nvidia_driver_branch": "580",
    "nvidia_driver_flavour": "open",
    "nvidia_driver_source": "ppa",
    "nvidia_driver_packages": ["nvidia-driver-580-open"],
    "nvidia_driver_version": "580.*",
    "nvidia_driver_source_package": "nvidia-graphics-drivers-580*",
    "nvidia_driver_dkms_module": "nvidia",
    "nvidia_driver_kernel_headers": ["linux-headers-generic"],
}
CUDA = {
    "cuda_version": "12.9.1",
    "cuda_release": "12.9",
    "cuda_packages": ["cuda-toolkit-12-9"],
    "cuda_package_version": "12.9.1-*",
    "cuda_distro": "ubuntu2204",
    "cuda_repository_package": "cuda-repo-ubuntu2204-12-9-local",
    "cuda_hold": True,
}
CUDNN = {
    "cudnn_version": "9.10.2",
    "cudnn_packages": ["cudnn9-cuda-12"],
    "cudnn_package_version": "9.10.2-*",
    "cudnn_distro": "ubuntu2204",
    "cudnn_repository_package": "cudnn-local-repo-ubuntu2204-9.10.2",
}
ANACONDA = {"anaconda_url": "https://conda.dlconf.test/Miniforge3-26.3.2-3-Linux-x86_64.sh"}
TORCH = {
    "name": "pytorch",
    "environment": "torch",
    "python": "3.11",
    "requirements": ["torch==2.14.1"],
    "packages": {"torch": "2.14.1"},
}
NCCL = {"nccl_cuda_release": "12.9", "nccl_distro": "ubuntu2204"}
DRIVES = [
    {"name": "papers", "user": "ada", "mount": "/home/ada/papers", "allow_other": True},
    {"name": "shared", "user": "bob", "mount": "/srv/shared", "read_only": True},
]
OCAMLFUSE = {"client": "google-drive-ocamlfuse"}
GOOGLE_DRIVES: list[dict[str, Any]] = [
    {"name": "gdrive", "user": "ada", "mount": "/home/ada/gdrive", "path": "/x", **OCAMLFUSE},
    {"name": "robot", "user": "bob", "mount": "/srv/r", "service_account": True, **OCAMLFUSE},
]
PERSON = {"client_id": "id", "client_secret": "sesame", "refresh_token": "1//token"}
ROBOT = {"type": "service_account", "client_email": "r@lab", "private_key": "several\nlines\n"}
# Inputs with which a contract is rendered: role, a name for the case, variables.
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("preflight", "plain", {}),
    ("record", "plain", {"record_content": '{"schema": 1}\n'}),
    ("nvidia_driver", "ppa", DRIVER | {"ansible_facts": UBUNTU}),
    ("cuda", "local", CUDA),
    ("cuda", "network", CUDA | {"cuda_source": "network"}),
    ("cudnn", "local", CUDNN),
    ("cudnn", "network", CUDNN | {"cudnn_source": "network"}),
    ("anaconda", "plain", ANACONDA),
    ("frameworks", "conda", {"frameworks_environments": [TORCH]}),
    ("frameworks", "venv", {"frameworks_environments": [TORCH], "frameworks_backend": "venv"}),
    ("nccl", "plain", NCCL),
    ("data_drive", "plain", {"data_drive_remotes": DRIVES}),
    ("data_drive", "ocamlfuse", {"data_drive_remotes": GOOGLE_DRIVES, "ansible_facts": UBUNTU}),
    ("base", "plain", {}),
    (
        "base",
        "all",
        {
            "base_groups": ["lab"],
            "base_users": [
                {"name": "ada", "groups": ["lab"], "authorized_keys": ["ssh-ed25519 AAAA ada"]},
                {"name": "bob", "shell": "/bin/bash"},
            ],
            "base_timezone": "Europe/Berlin",
            "base_held": ["cuda", "nccl"],
        },
    ),
    (
        "nvidia_driver",
        "ubuntu",
        DRIVER | {"ansible_facts": UBUNTU, "nvidia_driver_source": "distribution"},
    ),
    (
        "nvidia_driver",
        "debian",
        DRIVER | {"ansible_facts": DEBIAN, "nvidia_driver_source": "distribution"},
    ),
    (
        "nvidia_driver",
        "nvidia",
        DRIVER
        | {
            "ansible_facts": DEBIAN,
            "nvidia_driver_source": "nvidia",
            "nvidia_driver_branch": "590",
        },
    ),
    ("jupyter", "lab", {"jupyter_user": "ann"}),
    ("jupyter", "plain-http", {"jupyter_user": "ann", "jupyter_tls": "none"}),
    ("jupyter", "hub", {"jupyter_mode": "hub", "jupyter_hub_users": ["ann"]}),
    ("nvidia_services", "ppa", SERVICES | {"ansible_facts": UBUNTU}),
    (
        "nvidia_services",
        "debian",
        SERVICES | {"ansible_facts": DEBIAN, "nvidia_services_driver_source": "distribution"},
    ),
    ("nvidia_container_toolkit", "runtime", {}),
    ("nvidia_container_toolkit", "cdi", {"nvidia_container_toolkit_mode": "cdi"}),
    ("docker", "docker", DOCKER | {"ansible_facts": UBUNTU}),
    ("docker", "distribution", {"ansible_facts": DEBIAN, "docker_source": "distribution"}),
]


@pytest.fixture(params=NAMES)
def role(request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    return ROLES / name


def variables(role: Path) -> dict[str, Any]:
    """Return a role's defaults and internal variables, templates unrendered."""
    folders = with_dependencies([role], lambda path: read(path) or {})
    files = [folder / name / "main.yml" for folder in folders for name in ("defaults", "vars")]
    loader = DataLoader()
    merged: dict[str, Any] = {}
    for path in filter(Path.exists, files):
        merged |= loader.load_from_file(str(path), trusted_as_template=True) or {}
    return merged


def render(role: Path, inputs: dict[str, Any], name: str) -> Any:
    """Return a role's variable as Ansible renders it with these inputs."""
    available = variables(role) | inputs
    return Templar(DataLoader(), available).template(available[name])


def mappings(data: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping inside `data`."""
    if isinstance(data, dict):
        yield data
    children = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for child in children:
        yield from mappings(child)


def inside(resource: dict[str, Any], watch: dict[str, list[str]]) -> bool:
    """Tell whether a resource lies in what the role watches; kinds without a name of their own always do."""
    if resource["kind"] in ("package", "package_like", "hold"):
        patterns = watch.get("packages", [])
        return any(fnmatch.fnmatchcase(resource["name"], pattern) for pattern in patterns)
    if resource["kind"] in ("service", "user", "group"):
        return resource["name"] in watch.get(WATCHED_BY_NAME[resource["kind"]], [])
    if resource["kind"] == "lines":
        return resource["path"] in watch.get("lines", [])
    if resource["kind"] == "json":
        keys = {f"{resource['path']}:{key}" for key in resource["values"]}
        return keys <= set(watch.get("json", []))
    if "path" in resource:
        patterns = [
            name for kind in ("paths", "secrets", "environments") for name in watch.get(kind, [])
        ]
        return any(fnmatch.fnmatchcase(resource["path"], pattern) for pattern in patterns)
    return True


def test_there_are_roles() -> None:
    assert len(NAMES) >= 5


def test_role_has_its_files(role: Path) -> None:
    missing = [folder for folder in FILES if not (role / folder / "main.yml").exists()]
    assert not missing
    assert (role / "meta" / "argument_specs.yml").exists()


def test_defaults_are_those_of_the_spec(role: Path) -> None:
    stated = {name: o.get("default") for name, o in options(role).items() if not o.get("required")}
    assert (read(role / "defaults" / "main.yml") or {}) == stated


def test_required_variables_have_no_default(role: Path) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert required.isdisjoint(read(role / "defaults" / "main.yml") or {})


def every_option(options_: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield options by name, those inside them too."""
    for name, option in options_.items():
        yield name, option
        yield from every_option(option.get("options") or {})


def test_every_variable_is_explained_and_typed(role: Path) -> None:
    found = every_option(options(role))
    assert [name for name, o in found if not (o.get("description") and o.get("type"))] == []


def test_no_variable_is_used_that_the_spec_does_not_state(role: Path) -> None:
    files = [
        path for folder in ("tasks", "vars", "handlers") for path in role.glob(f"{folder}/*.yml")
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    code = re.sub(r"(?m)(?:^|\s)#.*$", "", text)
    made = set(re.findall(rf"(?m)^\s+({role.name}_\w+): \"?{{{{", code))  # facts that the role sets
    used = set(re.findall(rf"(?<![\w/.'-])({role.name}_\w+)", code))
    assert used - made - set(options(role)) - set(NAMES) == set()  # a role may include another


def test_public_variables_carry_the_prefix_of_their_role(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


def test_defaults_carry_comments(role: Path) -> None:
    """A variable has a comment above it or on its line, or stands in a block that begins with one."""
    bare, commented = [], False
    for line in (role / "defaults" / "main.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            commented = True
        elif not line.strip():
            commented = False
        elif re.match(r"\w+:", line) and not commented and " # " not in line:
            bare.append(line)
    assert bare == []


def test_readme_lists_the_variables_of_the_spec(role: Path) -> None:
    path = role / "README.md"
    assert path.exists(), "run `python -m tests.role_readme`"
    assert path.read_text(encoding="utf-8") == readme(role), "run `python -m tests.role_readme`"


def test_tasks_run_no_shell_and_name_their_collection(role: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in role.glob("tasks/*.yml"))
    assert "ansible.builtin.shell" not in text
    assert re.findall(r"^\s+(?:community|containers)\.\S+:", text, re.MULTILINE) == []


def test_role_states_contract_and_watch(role: Path) -> None:
    stated = variables(role)
    if role.name != "verify":  # owns nothing and watches nothing: it only looks
        assert f"__{role.name}_contract" in stated
        assert f"__{role.name}_watch" in stated


def test_resources_have_known_kinds(role: Path) -> None:
    stated = {m["kind"] for m in mappings(variables(role)) if "kind" in m}
    text = (role / "vars" / "main.yml").read_text(encoding="utf-8")
    stated |= set(re.findall(r"""['"]kind['"]: *['"](\w+)['"]""", text))
    assert stated <= set(KINDS)


@pytest.mark.parametrize(
    ("name", "case", "inputs"), CASES, ids=[f"{name}-{case}" for name, case, _ in CASES]
)
def test_contract_renders_inside_the_watch(name: str, case: str, inputs: dict[str, Any]) -> None:
    contract = render(ROLES / name, inputs, f"__{name}_contract")
    # The watch is asked for before anything is known of the host.
    before = {key: value for key, value in inputs.items() if key != "ansible_facts"}
    watch = render(ROLES / name, before, f"__{name}_watch")
    assert contract
    assert [resource for resource in contract if resource["kind"] not in KINDS] == []
    assert [resource for resource in contract if not inside(resource, watch)] == []
    texts = [r["content"] for r in contract if "content" in r and r["path"].startswith("/etc/apt")]
    assert all(text.endswith("\n") and "{{" not in text for text in texts)


@pytest.mark.parametrize(
    ("name", "case", "inputs"), CASES, ids=[f"{name}-{case}" for name, case, _ in CASES]
)
def test_tasks_do_not_state_again_what_the_contract_states(
    name: str, case: str, inputs: dict[str, Any]
) -> None:
    """A path, what a link points to, a file's content: tasks and handlers take them from the contract."""
    contract = render(ROLES / name, inputs, f"__{name}_contract")
    owned = {
        str(resource[field])
        for resource in contract
        for field in ("path", "target", "source", "folder", "content", "fingerprint")
        if field in resource
    }
    files = [p for folder in ("tasks", "handlers") for p in (ROLES / name).glob(f"{folder}/*.yml")]
    stated = {text for path in files for text in strings(read(path)) if text.strip() in owned}
    assert stated == set()


def strings(data: Any) -> Iterator[str]:
    """Yield every string inside `data`."""
    if isinstance(data, str):
        yield data
    values = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for value in values:
        yield from strings(value)


def test_driver_contract_is_empty_without_a_gpu() -> None:
    inputs = DRIVER | {"ansible_facts": UBUNTU, "nvidia_driver_branch": ""}
    assert render(ROLES / "nvidia_driver", inputs, "__nvidia_driver_contract") == []


def test_driver_source_decides_the_repository() -> None:
    def owned(facts: dict[str, str], source: str, branch: str = "580") -> dict[str, dict[str, Any]]:
        inputs = DRIVER | {
            "ansible_facts": facts,
            "nvidia_driver_source": source,
            "nvidia_driver_branch": branch,
        }
        contract = render(ROLES / "nvidia_driver", inputs, "__nvidia_driver_contract")
        return {
            resource.get("path") or resource.get("name", resource["kind"]): resource
            for resource in contract
        }

    own, shared = (
        "/etc/apt/sources.list.d/dlconf-nvidia-driver.sources",
        "/etc/apt/sources.list.d/dlconf-nvidia.sources",
    )
    ppa = owned(UBUNTU, "ppa")[own]["content"]
    assert (
        "URIs: https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu\nSuites: jammy\n" in ppa
    )
    assert owned(UBUNTU, "distribution")[own]["kind"] == "absent"
    assert (
        "Components: contrib non-free non-free-firmware\n"
        in owned(DEBIAN, "distribution")[own]["content"]
    )
    nvidia = owned(DEBIAN, "nvidia", "590")
    assert "/repos/debian12/x86_64/\nSuites: /\n" in nvidia[shared]["content"]
    assert "nvidia-driver-pinning-590" in nvidia
    # On Debian the names have no branch, so the package that pins it is there for every branch.
    assert "nvidia-driver-pinning-580" in owned(DEBIAN, "nvidia")
    assert "nvidia-driver-pinning-580" not in owned(UBUNTU, "nvidia")
    assert "nvidia-driver-pinning-595" in owned(UBUNTU, "nvidia", "595")
    assert (
        "Pin-Priority: -10\n"
        in owned(UBUNTU, "ppa")["/etc/apt/preferences.d/dlconf-nvidia-driver"]["content"]
    )


def test_settings_of_docker_hold_what_was_asked_for() -> None:
    contract = render(ROLES / "docker", DOCKER | {"ansible_facts": UBUNTU}, "__docker_contract")
    assert [resource["values"] for resource in contract if resource["kind"] == "json"] == [
        {
            "log-driver": "json-file",
            "log-opts": {"max-size": "50m", "max-file": "3"},
            "data-root": "/srv/docker",
            "live-restore": True,
            "registry-mirrors": ["https://mirror.dlconf.test"],
        }
    ]


def test_docker_of_the_distribution_needs_no_repository_of_docker() -> None:
    inputs = {"ansible_facts": DEBIAN, "docker_source": "distribution"}
    contract = render(ROLES / "docker", inputs, "__docker_contract")
    assert [resource["name"] for resource in contract if resource["kind"] == "package"] == [
        "docker.io"
    ]
    assert not [resource for resource in contract if resource["kind"] in ("keyring", "file")]


def test_containers_keep_their_gpus_in_both_modes() -> None:
    def owned(mode: str) -> tuple[dict[str, Any], set[str]]:
        inputs = {"nvidia_container_toolkit_mode": mode}
        role = "nvidia_container_toolkit"
        contract = render(ROLES / role, inputs, f"__{role}_contract")
        values = [resource["values"] for resource in contract if resource["kind"] == "json"]
        return values[0], {r["name"] for r in contract if r["kind"] == "package"}

    values, packages = owned("runtime")
    assert values["exec-opts"] == ["native.cgroupdriver=cgroupfs"]
    assert values["runtimes"] == {"nvidia": {"path": "nvidia-container-runtime", "args": []}}
    assert "nvidia-container-toolkit" in packages
    values, packages = owned("cdi")
    assert values == {"features": {"cdi": True}}
    assert packages == {"nvidia-container-toolkit-base"}


@pytest.mark.parametrize(
    ("facts", "source", "branch", "expected"),
    [
        (UBUNTU, "ppa", "580", ("nvidia-compute-utils-580", "nvidia-fabricmanager")),
        (UBUNTU, "distribution", "580", ("nvidia-compute-utils-580", "nvidia-fabricmanager-580")),
        (UBUNTU, "nvidia", "570", ("nvidia-compute-utils-570", "nvidia-fabricmanager-570")),
        (UBUNTU, "nvidia", "595", ("nvidia-persistenced", "nvidia-fabricmanager")),
        (DEBIAN, "distribution", "535", ("nvidia-persistenced", "nvidia-fabricmanager-535")),
    ],
)
def test_services_come_from_where_the_driver_s_source_has_them(
    facts: dict[str, str], source: str, branch: str, expected: tuple[str, str]
) -> None:
    inputs = SERVICES | {
        "ansible_facts": facts,
        "nvidia_services_driver_source": source,
        "nvidia_services_driver_branch": branch,
    }
    contract = render(ROLES / "nvidia_services", inputs, "__nvidia_services_contract")
    named = {
        kind: [resource["name"] for resource in contract if resource["kind"] == kind]
        for kind in ("package", "package_like", "hold")
    }
    assert (named["package"][0], named["package_like"][0]) == expected
    assert named["hold"] == named["package_like"]


def test_services_without_a_driver_or_an_nvswitch() -> None:
    def kinds(**changes: object) -> set[str]:
        inputs = SERVICES | {"ansible_facts": UBUNTU} | changes
        contract = render(ROLES / "nvidia_services", inputs, "__nvidia_services_contract")
        return {resource["kind"] for resource in contract}

    assert kinds(nvidia_services_driver_branch="") == set()
    assert "package_like" not in kinds(nvidia_services_nvswitches=[])
    assert "keyring" not in kinds(
        nvidia_services_nvswitches=[], nvidia_services_dcgm_exporter=False
    )


def test_every_framework_of_the_catalogue_is_looked_into() -> None:
    watch = render(ROLES / "frameworks", {}, "__frameworks_watch")
    known = {name for rows in load().frameworks.values() for row in rows for name in row.packages}
    assert sorted(known - set(watch["distributions"])) == []


@pytest.mark.parametrize("mode", ["lab", "hub"])
def test_the_files_of_each_package_of_jupyter_are_looked_at(mode: str) -> None:
    inputs = {"jupyter_mode": mode}
    (environment,) = render(ROLES / "jupyter", inputs, "__jupyter_environment")
    watch = render(ROLES / "jupyter", inputs, "__jupyter_watch")
    assert set(watch["distributions"]) == set(environment["packages"])


def test_whoever_writes_in_the_environments_does_so_alone(tmp_path: Path) -> None:
    inputs = {"frameworks_root": str(tmp_path), "frameworks_lock_timeout_s": 1}
    alone = render(ROLES / "frameworks", inputs, "__frameworks_for_everyone")
    mark = tmp_path / "begun"
    script = f"touch {mark}; sleep 30"
    command = [*map(str, alone), "sh", "-c", script]
    with subprocess.Popen(command, start_new_session=True) as writer:
        while not mark.exists():
            time.sleep(0.05)
        look = ["flock", "--shared", "--nonblock", str(tmp_path), "true"]
        assert subprocess.run(look, check=False).returncode == 1
        other = subprocess.run([*map(str, alone), "touch", tmp_path / "other"], check=False)
        assert (other.returncode, (tmp_path / "other").exists()) == (1, False)
        writer.kill()  # what it started goes on, and so does the lock
        assert subprocess.run(look, check=False).returncode == 1
        os.killpg(writer.pid, signal.SIGKILL)
    assert subprocess.run([*look[:2], "--timeout", "5", *look[3:]], check=False).returncode == 0


def frameworks_contract(name: str, python: str) -> list[dict[str, Any]]:
    environment = {"name": name, "environment": name, "python": python, "packages": {name: "1"}}
    inputs = {"frameworks_environments": [environment]}
    contract: list[dict[str, Any]] = render(ROLES / "frameworks", inputs, "__frameworks_contract")
    return contract


@pytest.mark.parametrize(
    ("name", "packages"), [("mxnet", ["libgomp1", "libquadmath0"]), ("pytensor", [])]
)
def test_a_framework_gets_the_libraries_that_its_wheel_lacks(
    name: str, packages: list[str]
) -> None:
    contract = frameworks_contract(name, "3.11")
    assert [item["name"] for item in contract if item["kind"] == "package"] == packages


@pytest.mark.parametrize(("python", "debugger"), [("3.6", False), ("3.7", True), ("3.11", True)])
def test_a_kernel_has_a_debugger_where_its_ipykernel_has_one(python: str, debugger: bool) -> None:
    contract = frameworks_contract("mxnet", python)
    kernel = next(item for item in contract if item.get("path", "").endswith("kernel.json"))
    assert json.loads(kernel["content"])["metadata"] == {"debugger": debugger}


@pytest.mark.parametrize("bootable", [["6.1.0-9-amd64", "6.1.0-21-amd64", "6.5.0-1-amd64"], []])
def test_role_and_facts_agree_on_the_kernel_that_boots_next(
    tmp_path: Path, bootable: list[str]
) -> None:
    for release in bootable:
        (tmp_path / "boot" / f"vmlinuz-{release}").mkdir(parents=True)
        (tmp_path / "modules" / release).mkdir(parents=True)
    (tmp_path / "boot" / "vmlinuz-6.9.0-1-amd64").mkdir(parents=True)  # no modules
    found = {
        f"__nvidia_driver_{name}": {
            "files": [{"path": str(p)} for p in (tmp_path / folder).glob("*")]
        }
        for name, folder in (("images", "boot"), ("module_folders", "modules"))
    }
    role = render(ROLES / "nvidia_driver", DRIVER | found, "__nvidia_driver_next_kernel")
    facts = dlconf_collect.next_kernel(str(tmp_path / "boot"), str(tmp_path / "modules"))
    assert role == (facts or "") == (bootable[-1] if bootable else "")


@pytest.mark.parametrize(
    ("name", "guarded"),
    [
        ("nvidia-driver-580", True),
        ("libnvidia-compute-580", True),
        ("libcuda1", True),
        ("nvidia-container-toolkit", False),
        ("libnvidia-container1", False),
        ("linux-modules-nvidia-580-generic", False),
    ],
)
def test_unattended_upgrades_are_kept_from_the_driver_alone(name: str, guarded: bool) -> None:
    settings = render(ROLES / "nvidia_driver", DRIVER, "__nvidia_driver_unattended")
    (pattern,) = re.findall(r'^ *"(.*)";$', settings, re.MULTILINE)
    assert bool(re.match(pattern, name)) is guarded


def test_nccl_contract_is_empty_without_cuda() -> None:
    inputs = NCCL | {"nccl_cuda_release": ""}
    assert render(ROLES / "nccl", inputs, "__nccl_contract") == []


def test_drive_contract_holds_nothing_of_the_credentials() -> None:
    inputs = {
        "data_drive_remotes": DRIVES,
        "data_drive_credentials": {"papers": {"type": "webdav", "pass": "sesame"}},
    }
    contract = render(ROLES / "data_drive", inputs, "__data_drive_contract")
    digest = hashlib.sha256(b"sesame").hexdigest()
    assert not any(word in str(contract) for word in ("sesame", "webdav", digest))
    files = {r["path"]: r for r in contract if r["kind"] == "file"}
    credentials = files["/var/lib/dlconf/drives/papers/rclone.conf"]
    assert (credentials["mode"], credentials["owner"]) == ("0600", "ada")
    assert "content" not in credentials
    unit = files["/etc/systemd/system/dlconf-drive-shared.service"]["content"]
    assert unit.startswith("# Written by dlconf")
    assert "\nUser=bob\n" in unit
    assert "--read-only" in unit


@pytest.mark.parametrize("exists", [False, True])
def test_credentials_are_written_where_no_file_of_them_stands(exists: bool) -> None:
    inputs: dict[str, Any] = {"data_drive_remotes": DRIVES}
    secrets, units = (
        render(ROLES / "data_drive", inputs, f"__data_drive_{name}")
        for name in ("secrets", "unit_resources")
    )
    assert len(secrets) == len(units) == 2
    kept = [{"item": secrets[0], "exists": True}, {"item": secrets[1], "exists": exists}]
    inputs |= {
        "__data_drive_kept": {"results": kept},
        "__data_drive_units": {
            "results": [
                {"content": base64.b64encode(unit["content"].encode()).decode()} for unit in units
            ]
        },
    }
    found = render(ROLES / "data_drive", inputs, "__data_drive_stale_secrets")
    assert found == ([] if exists else secrets[1:])


def drives_contract(remotes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what the role owns, by path or name."""
    inputs = {"data_drive_remotes": remotes, "ansible_facts": UBUNTU}
    contract = render(ROLES / "data_drive", inputs, "__data_drive_contract")
    return {resource.get("path") or resource["name"]: resource for resource in contract}


def test_a_drive_owns_the_files_of_its_kind_and_none_of_another() -> None:
    def kinds(found: dict[str, dict[str, Any]], name: str) -> dict[str, str]:
        folder = f"/var/lib/dlconf/drives/{name}/"
        return {p.removeprefix(folder): r["kind"] for p, r in found.items() if p.startswith(folder)}

    found = drives_contract(GOOGLE_DRIVES)
    own = {"config": "file", "state": "file", "rclone.conf": "absent"}
    assert kinds(found, "gdrive") == own | {"service-account.json": "absent"}
    assert kinds(found, "robot") == own | {"service-account.json": "file"}
    assert "rclone" not in found
    back = drives_contract([GOOGLE_DRIVES[0] | {"client": "rclone"}])
    others = dict.fromkeys(("config", "config.bak", "state", "service-account.json"), "absent")
    assert kinds(back, "gdrive") == others | {"rclone.conf": "file"}
    assert back["/etc/apt/sources.list.d/dlconf-data-drive.sources"]["kind"] == "absent"
    assert "google-drive-ocamlfuse" not in back


def test_what_the_program_s_config_is_made_of_is_a_difference() -> None:
    def unit(**changes: object) -> str:
        found = drives_contract([GOOGLE_DRIVES[0] | changes])
        return str(found["/etc/systemd/system/dlconf-drive-gdrive.service"]["content"])

    units = [unit(), unit(revision=2), unit(path="/y"), unit(service_account=True)]
    assert len(set(units)) == len(units)
    assert " -o " not in unit()
    assert " -o ro,allow_other,default_permissions /home" in unit(read_only=True, allow_other=True)


@pytest.mark.parametrize(
    ("gdrive", "robot", "expected"),
    [
        (PERSON, {"service_account": ROBOT}, []),
        (PERSON, {"service_account": ROBOT, "impersonate": "ada@lab"}, []),
        (PERSON | {"client_secret": "a\nread_only=false"}, {"service_account": ROBOT}, ["gdrive"]),
        (PERSON | {"refresh_token": "1//token\n"}, {"service_account": ROBOT}, ["gdrive"]),
        (PERSON | {"refresh_token": ""}, {"service_account": ROBOT}, ["gdrive"]),
        (PERSON, {"service_account": ROBOT} | PERSON, ["robot"]),
        (PERSON, {"service_account": "/a/path"}, ["robot"]),
        (PERSON, {"service_account": ROBOT | {"type": "authorized_user"}}, ["robot"]),
        (PERSON, {"service_account": ROBOT, "impersonate": "ada\nx@lab"}, ["robot"]),
        ({"type": "drive", "token": "{}"}, PERSON, ["gdrive", "robot"]),
        ("text", None, ["gdrive", "robot"]),
    ],
)
def test_credentials_that_do_not_fit_are_told(gdrive: Any, robot: Any, expected: list[str]) -> None:
    inputs = {
        "data_drive_remotes": GOOGLE_DRIVES,
        "data_drive_credentials": {"gdrive": gdrive, "robot": robot},
    }
    assert render(ROLES / "data_drive", inputs, "__data_drive_misfits") == expected


def test_a_raised_revision_is_a_difference() -> None:
    def unit(revision: int) -> str:
        remotes = [DRIVES[0] | {"revision": revision}]
        contract = render(
            ROLES / "data_drive", {"data_drive_remotes": remotes}, "__data_drive_contract"
        )
        return next(str(r["content"]) for r in contract if "content" in r)

    assert unit(1) != unit(2)
