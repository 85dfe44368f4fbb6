"""The parsers of the module that runs on hosts, over recorded files."""

from __future__ import annotations

import hashlib
import os
import pwd
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dlconf.plugins.modules import dlconf_collect as collect

BIN = Path(sys.executable).parent
ROLES = Path(__file__).parents[2] / "roles"

STATUS = """\
Package: nvidia-driver-580
Status: hold ok installed
Source: nvidia-graphics-drivers-580 (580.178.04-0ubuntu1)
Version: 580.178.04-0ubuntu1

Package: nvidia-utils-580
Status: install ok half-configured
Version: 580.178.04-0ubuntu1

Package: curl
Status: install ok installed
Version: 7.88.1-10

Package: nvidia-old
Status: deinstall ok config-files
Version: 470.1
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_dpkg_reports_watched_packages_holds_and_what_is_broken(tmp_path: Path) -> None:
    write(tmp_path / "status", STATUS)
    write(tmp_path / "updates" / "0001", "")
    state = collect.dpkg_state(["nvidia-*"], root=str(tmp_path))
    assert state["packages"] == {
        "nvidia-driver-580": {
            "version": "580.178.04-0ubuntu1",
            "source": "nvidia-graphics-drivers-580",
            "status": "installed",
            "hold": True,
        },
    }
    assert state["broken"] == ["nvidia-utils-580", "(dpkg was interrupted)"]


def test_dpkg_agrees_with_dpkg_query_on_a_copy_of_this_machines_database(tmp_path: Path) -> None:
    """A copy: an apt that runs meanwhile changes the original."""
    shutil.copy("/var/lib/dpkg/status", tmp_path)
    query = subprocess.run(
        [
            "dpkg-query",
            "--admindir",
            str(tmp_path),
            "-W",
            "-f",
            "${db:Status-Status} ${Package} ${Version}\n",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    expected = dict(
        line.split()[1:] for line in query.splitlines() if line.startswith("installed ")
    )
    packages = collect.dpkg_state(["*"], root=str(tmp_path))["packages"]
    assert {name: package["version"] for name, package in packages.items()} == expected


def test_pci_reads_display_controllers_and_nvidia_functions_only(tmp_path: Path) -> None:
    for slot, vendor, device, kind in [
        ("0000:00:02.0", "8086", "a780", "030000"),
        ("0000:01:00.0", "10de", "2204", "030000"),
        ("0000:01:00.1", "10de", "1aef", "040300"),
        ("0000:02:00.0", "8086", "15f3", "020000"),
    ]:
        for name, value in {
            "vendor": vendor,
            "device": device,
            "class": kind,
            "subsystem_vendor": "1043",
            "subsystem_device": "87b3",
        }.items():
            write(tmp_path / slot / name, f"0x{value}\n")
    (tmp_path / "drivers" / "nvidia").mkdir(parents=True)
    (tmp_path / "0000:01:00.0" / "driver").symlink_to(tmp_path / "drivers" / "nvidia")
    found = collect.pci_devices(root=str(tmp_path))
    assert [(device["slot"], device["device"], device["driver"]) for device in found] == [
        ("0000:00:02.0", "a780", None),
        ("0000:01:00.0", "2204", "nvidia"),
        ("0000:01:00.1", "1aef", None),
    ]


@pytest.mark.parametrize(
    ("connectors", "boot_vga", "expected"),
    [
        ((), None, {"connected": None, "boot_vga": None}),
        (("disconnected", "disconnected"), "0", {"connected": False, "boot_vga": False}),
        (("disconnected", "connected"), "1", {"connected": True, "boot_vga": True}),
        (("unknown",), "0", {"connected": True, "boot_vga": False}),
    ],
)
def test_what_hangs_on_a_card(
    tmp_path: Path, connectors: tuple[str, ...], boot_vga: str | None, expected: object
) -> None:
    for number, state in enumerate(connectors):
        write(tmp_path / "drm" / "card1" / f"card1-DP-{number}" / "status", f"{state}\n")
    if boot_vga is not None:
        write(tmp_path / "boot_vga", f"{boot_vga}\n")
    assert collect.display_use(str(tmp_path)) == expected


def test_dkms_tells_installed_from_built_and_added(tmp_path: Path) -> None:
    tree = tmp_path / "nvidia" / "580.1"
    (tree / "source").mkdir(parents=True)
    assert collect.dkms_state(str(tmp_path)) == [
        {"module": "nvidia", "version": "580.1", "kernel": None, "state": "added"}
    ]
    (tree / "no-such-kernel" / "x86_64" / "module").mkdir(parents=True)
    write(tree / "no-such-kernel" / "x86_64" / "module" / "nvidia.ko", "")
    assert collect.dkms_state(str(tmp_path))[0]["state"] == "built"
    (tmp_path / "nvidia" / "kernel-no-such-kernel-x86_64").symlink_to("580.1/no-such-kernel/x86_64")
    # the link says installed, but no module file lies under /lib/modules
    assert collect.dkms_state(str(tmp_path))[0]["state"] == "built"


@pytest.mark.parametrize("armoured", [False, True])
def test_fingerprints_are_those_that_gpg_computes(tmp_path: Path, armoured: bool) -> None:
    gpg = [
        "gpg",
        "--homedir",
        str(tmp_path),
        "--batch",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    ]
    tmp_path.chmod(0o700)
    for name in ("one", "two"):
        subprocess.run(
            [*gpg, "--quick-gen-key", name, "ed25519", "sign", "never"],
            check=True,
            capture_output=True,
        )
    listing = subprocess.run(
        [*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True
    ).stdout
    expected = [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")]
    data = subprocess.run(
        [*gpg, *(["--armor"] if armoured else []), "--export"], check=True, capture_output=True
    ).stdout
    assert collect.openpgp_fingerprints(data) == expected
    assert len(expected) == 2
    subprocess.run(["gpgconf", "--homedir", str(tmp_path), "--kill", "all"], check=False)


def test_a_file_that_is_no_keyring_has_no_fingerprints() -> None:
    assert collect.openpgp_fingerprints(b"<html>not found</html>") == []
    assert collect.openpgp_fingerprints(b"") == []


def test_paths_report_files_links_and_directories(tmp_path: Path) -> None:
    write(tmp_path / "file", "a\n").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    write(tmp_path / "key", "secret\n").chmod(0o600)
    globs = [str(tmp_path / "*"), str(tmp_path / "nothing" / "*")]
    watch: dict[str, list[str]] = {kind: [] for kind in collect.WATCH_KINDS} | {
        "paths": globs,
        "secrets": [str(tmp_path / "k*")],
    }
    states = collect.collect(watch, "/", "/no/record")["paths"]
    assert states[str(tmp_path / "file")]["mode"] == "0640"
    assert states[str(tmp_path / "file")]["sha256"].startswith("87428fc5")
    assert states[str(tmp_path / "key")]["mode"] == "0600"
    assert "sha256" not in states[str(tmp_path / "key")]
    assert states[str(tmp_path / "link")] == {"type": "link", "target": "file"}
    assert states[str(tmp_path / "folder")]["type"] == "directory"


def test_environment_reads_distributions_conda_packages_and_python(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    write(site / "Torch_Vision-1.0.dist-info" / "METADATA", "")
    (site / "half-2.0.dist-info").mkdir()  # an install cut short: no METADATA
    write(tmp_path / "conda-meta" / "python-3.11.9-h955ad1f_0.json", "{}")
    assert collect.environment_state(str(tmp_path)) == {
        "python": None,
        "packages": {"torch-vision": "1.0"},
        "damaged": {},
        "conda": {"python": "3.11.9"},
    }
    write(tmp_path / "bin" / "python", "").chmod(0o755)  # cut off
    assert collect.environment_state(str(tmp_path))["python"] is None
    write(tmp_path / "bin" / "python", "an interpreter")
    assert collect.environment_state(str(tmp_path))["python"] == "3.11.9"


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"schema": 1}', {"schema": 1}), ("[]", None), ("{", None), (None, None)],
)
def test_record_is_an_object_or_nothing(tmp_path: Path, text: str | None, expected: object) -> None:
    if text is not None:
        write(tmp_path / "stack.json", text)
    assert collect.record_state(str(tmp_path / "stack.json")) == expected


def test_collecting_leaves_the_watched_tree_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "a" / "file.gpg", "x")
    before = {
        path: (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in tmp_path.rglob("*")
    }
    watch = {
        "packages": ["*"],
        "paths": [f"{tmp_path}/*", f"{tmp_path}/*/*"],
        "secrets": [f"{tmp_path}/a/*"],
        "environments": [str(tmp_path)],
        "units": ["ssh.service"],
        "users": ["root"],
        "groups": ["root"],
        "json": [f"{tmp_path}/stack.json:x"],
        "candidates": ["bash"],
        "distributions": ["torch"],
        "lines": [f"{tmp_path}/a/file.gpg"],
        "contents": [f"{tmp_path}/a/file.gpg:content"],
    }
    assert set(watch) == set(collect.WATCH_KINDS)
    collect.collect(watch, "/", f"{tmp_path}/stack.json")
    assert before == {
        path: (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in tmp_path.rglob("*")
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_users_are_told_with_all_their_groups() -> None:
    states = collect.user_states(["root", "no-such-user"])
    assert set(states) == {"root"}
    assert states["root"]["uid"] == 0
    assert states["root"]["groups"][0] == "root"
    assert collect.group_states(["root", "no-such-group"]) == {"root": 0}


def test_only_watched_keys_of_a_json_file_leave_the_host(tmp_path: Path) -> None:
    path = write(tmp_path / "daemon.json", '{"log-driver": "local", "proxies": {"secret": 1}}')
    broken = write(tmp_path / "broken.json", "{")
    watched = [f"{path}:log-driver", f"{path}:data-root", f"{broken}:x", f"{tmp_path}/none:x"]
    found: dict[str, object] = {}
    for name, keys in collect.keys_by_path(watched).items():
        found |= collect.json_state(name, keys)
    local = hashlib.sha256(b'"local"').hexdigest()
    assert found == {str(path): {"log-driver": local}, str(broken): None}


def test_units_are_told_in_the_order_of_the_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Recorded from systemd 252: an alias shows the Id of its target, an unknown unit its own name."""
    there = write(tmp_path / "ssh.service", "")
    shown = (
        "Id=ssh.service\nLoadState=loaded\nActiveState=active\n"
        f"FragmentPath={there}\nUnitFileState=enabled\n"
        "ConditionResult=yes\nConditionTimestampMonotonic=431087\n\n"
        "Id=nope.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
        "ConditionResult=no\nConditionTimestampMonotonic=0\n\n"
        "Id=systemd-timesyncd.service\nLoadState=loaded\nActiveState=inactive\n"
        "UnitFileState=enabled\nConditionResult=no\nConditionTimestampMonotonic=439107\n\n"
        "Id=dcgm.service\nLoadState=loaded\nActiveState=active\n"
        f"FragmentPath={tmp_path}/dcgm.service\nUnitFileState=enabled\n"
        "ConditionResult=yes\nConditionTimestampMonotonic=431087\n"
    )
    write(tmp_path / "systemctl", f"#!/bin/sh\nprintf '{shown}'\n").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("os.path.isdir", lambda path: path == "/run/systemd/system")
    states = collect.unit_states(
        ["sshd.service", "nope.service", "systemd-timesyncd.service", "dcgm.service"]
    )
    assert [list(state.values()) for state in states.values()] == [
        ["loaded", "enabled", "active", False],
        ["not-found", "", "inactive", False],
        ["loaded", "enabled", "inactive", True],  # in a container systemd skips it
        ["not-found", "enabled", "active", False],  # its package went, and nothing told systemd
    ]


def test_lines_of_a_file_leave_the_host_as_hashes_only(tmp_path: Path) -> None:
    path = write(tmp_path / "authorized_keys", "ssh-ed25519 AAAA ada\n\n  other \n")
    assert collect.line_state(str(tmp_path / "missing")) == {}
    assert collect.line_state(str(path)) == {
        str(path): [
            hashlib.sha256(line).hexdigest() for line in (b"ssh-ed25519 AAAA ada", b"other")
        ]
    }


def sysfs(root: Path, slot: str, files: dict[str, str]) -> Path:
    for name, text in files.items():
        write(root / slot / name, f"{text}\n")
    return root / slot


def test_a_link_is_read_from_the_card_and_from_the_port_above(tmp_path: Path) -> None:
    write(tmp_path / "port" / "max_link_speed", "8.0 GT/s PCIe\n")
    write(tmp_path / "port" / "max_link_width", "8\n")
    card = {
        "current_link_speed": "2.5 GT/s PCIe",
        "max_link_speed": "16.0 GT/s PCIe",
        "current_link_width": "8",
        "max_link_width": "16",
    }
    assert collect.pcie_link(str(sysfs(tmp_path / "port", "card", card))) == {
        "speed_gts": 2.5,
        "max_speed_gts": 16.0,
        "port_speed_gts": 8.0,
        "width": 8.0,
        "max_width": 16.0,
        "port_width": 8.0,
    }


@pytest.mark.parametrize("text", ["Unknown", "0", "255", ""])
def test_a_link_that_sysfs_does_not_know_is_none(tmp_path: Path, text: str) -> None:
    files = dict.fromkeys(("current_link_speed", "current_link_width"), text)
    assert set(collect.pcie_link(str(sysfs(tmp_path, "card", files))).values()) == {None}


# As the drivers 535 (absolute) and 570 (T.Limit) print it, shortened to what is read.
SMI = """<nvidia_smi_log>
<gpu id="00000000:01:00.0"><temperature><gpu_temp>49 C</gpu_temp>
<gpu_temp_max_threshold>95 C</gpu_temp_max_threshold><gpu_temp_slow_threshold>92 C</gpu_temp_slow_threshold>
<gpu_temp_max_gpu_threshold>90 C</gpu_temp_max_gpu_threshold><memory_temp>N/A</memory_temp></temperature></gpu>
<gpu id="00000000:02:00.0"><temperature><gpu_temp>45 C</gpu_temp><gpu_temp_tlimit>42 C</gpu_temp_tlimit>
<gpu_temp_max_gpu_tlimit_threshold>0 C</gpu_temp_max_gpu_tlimit_threshold></temperature></gpu>
<gpu id="00000000:41:00.0"><temperature><gpu_temp>60 C</gpu_temp><gpu_temp_max_gpu_threshold>N/A
</gpu_temp_max_gpu_threshold><gpu_temp_slow_threshold>96 C</gpu_temp_slow_threshold></temperature></gpu>
<gpu id="00000000:42:00.0"><temperature><gpu_temp>N/A</gpu_temp></temperature></gpu></nvidia_smi_log>"""


def test_a_temperature_has_the_limit_that_the_driver_knows() -> None:
    found = {
        item["slot"]: (item["celsius"], item["limit_celsius"])
        for item in collect.smi_temperatures(SMI)
    }
    assert found == {"0000:01:00.0": (49, 90), "0000:02:00.0": (45, 87), "0000:41:00.0": (60, 96)}
    assert collect.smi_temperatures("") == []
    assert collect.smi_temperatures("NVIDIA-SMI has failed") == []


def test_nouveau_tells_temperatures_through_hwmon(tmp_path: Path) -> None:
    sensor = {"hwmon/hwmon2/temp1_input": "51000", "hwmon/hwmon2/temp1_max": "95000"}
    sysfs(tmp_path, "0000:01:00.0", {"vendor": "0x10de", **sensor})
    sysfs(tmp_path, "0000:02:00.0", {"vendor": "0x1002", **sensor})
    assert collect.temperatures(str(tmp_path)) == [
        {"slot": "0000:01:00.0", "celsius": 51.0, "limit_celsius": 95.0}
    ]


@pytest.mark.parametrize(("script", "said"), [("echo told", "told\n"), ("echo told; exit 1", "")])
def test_an_nvidia_smi_that_fails_is_one_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    write(tmp_path / "nvidia-smi", f"#!/bin/sh\n{script}\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert collect.nvidia_smi(["-q"]) == said


def test_a_disk_is_found_below_partitions_and_volumes(tmp_path: Path) -> None:
    disks = tmp_path / "devices"
    write(disks / "sda" / "queue" / "rotational", "1\n")
    write(disks / "sda" / "sda2" / "partition", "2\n")
    write(disks / "dm-0" / "queue" / "rotational", "0\n")
    (disks / "dm-0" / "slaves").mkdir()
    (disks / "dm-0" / "slaves" / "sda2").symlink_to(disks / "sda" / "sda2")
    (tmp_path / "entry").symlink_to(disks / "dm-0")
    assert collect.block_disks(str(tmp_path / "entry")) == [str(disks / "sda")]
    assert collect.block_disks(str(tmp_path / "no such device")) == []


@pytest.mark.parametrize(
    ("disk", "rotational"), [("sda", True), ("nvme0n1", False), ("vda", None), (None, None)]
)
def test_a_virtual_disk_is_not_believed(
    tmp_path: Path, disk: str | None, rotational: bool | None
) -> None:
    number = tmp_path.stat().st_dev
    if disk:
        flag = "0" if disk.startswith("nvme") else "1"
        write(tmp_path / disk / "queue" / "rotational", f"{flag}\n")
        entry = tmp_path / f"{os.major(number)}:{os.minor(number)}"
        entry.symlink_to(tmp_path / disk)
    found = collect.data_disk(str(tmp_path / "no" / "such" / "folder"), root=str(tmp_path))
    assert found == {
        "path": str(tmp_path),
        "devices": [disk] if disk else [],
        "rotational": rotational,
    }


def test_processes_on_the_gpu_are_told_without_their_arguments(tmp_path: Path) -> None:
    for pid, command, target in [
        ("12", "python", "/dev/nvidia0"),
        ("7", "nvidia-persiste", "/dev/nvidiactl"),
        ("9", "bash", "/dev/null"),
    ]:
        write(tmp_path / pid / "comm", command + "\n")
        write(tmp_path / pid / "cmdline", f"{command}\0--token=secret")
        (tmp_path / pid / "fd").mkdir()
        (tmp_path / pid / "fd" / "0").symlink_to("/dev/null")
        (tmp_path / pid / "fd" / "5").symlink_to(target)
    (tmp_path / "13").mkdir()  # it ended while we looked
    user = pwd.getpwuid(os.getuid()).pw_name
    assert collect.gpu_processes(str(tmp_path)) == [
        {"pid": 7, "user": user, "command": "nvidia-persiste"},
        {"pid": 12, "user": user, "command": "python"},
    ]


def test_the_kernel_that_boots_next_is_the_newest_with_modules(tmp_path: Path) -> None:
    boot, modules = tmp_path / "boot", tmp_path / "modules"
    for release in ("6.1.0-9-amd64", "6.1.0-21-amd64", "6.5.0-1-amd64", "0-rescue-17"):
        write(boot / f"vmlinuz-{release}", "")
    write(boot / "vmlinuz-6.1.0-30-amd64.dpkg-new", "")
    for release in ("6.1.0-9-amd64", "6.1.0-21-amd64", "6.9.0-1-amd64"):
        (modules / release).mkdir(parents=True)
    (modules / "6.1.0-9-amd64" / "build").mkdir()
    assert collect.next_kernel(str(boot), str(modules)) == "6.1.0-21-amd64"
    assert collect.kernels(str(modules)) == ["6.1.0-9-amd64"]
    assert collect.next_kernel(str(tmp_path / "none"), str(modules)) is None


def test_a_restart_that_the_system_asks_for_names_its_packages(tmp_path: Path) -> None:
    assert collect.reboot_required(str(tmp_path)) is None
    write(tmp_path / "reboot-required", "*** System restart required ***\n")
    assert collect.reboot_required(str(tmp_path)) == []
    write(tmp_path / "reboot-required.pkgs", "linux-base\nlibc6\nlinux-base\n")
    assert collect.reboot_required(str(tmp_path)) == ["libc6", "linux-base"]


def test_module_files_are_found_where_dkms_puts_them_and_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "updates" / "dkms" / "nvidia.ko", "")
    write(tmp_path / "kernel" / "drivers" / "video" / "nvidia-uvm.ko", "")
    assert collect.module_files_exist(str(tmp_path), ["nvidia.ko", "nvidia-uvm.ko"])
    assert not collect.module_files_exist(str(tmp_path), ["nvidia.ko", "nvidia-drm.ko"])


def distribution(site: Path, name: str, files: dict[str, str]) -> Path:
    """Install a distribution of these files: path -> content."""
    record = ""
    for path, content in files.items():
        write(site / path, content)
        record += f"{path},sha256=x,{len(content)}\n"
    folder = site / f"{name}-1.0.dist-info"
    write(folder / "METADATA", "")
    write(folder / "RECORD", record + f'{name}/__pycache__/a.pyc,,\n"{name}/a,b.py",sha256=x,1\n')
    return site


FILES = {
    "torch/__init__.py": "x",
    "torch/lib/libtorch.so": "x" * 1_000_000,
    "torch/nn/a.py": "x",
    "typing.py": "",
}


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda site: None, {}),
        (lambda site: (site / "torch/__init__.py").unlink(), {"torch": "torch/__init__.py"}),
        (lambda site: (site / "torch/__init__.py").write_text(""), {"torch": "torch/__init__.py"}),
        (
            lambda site: (site / "torch/lib/libtorch.so").write_text("x"),
            {"torch": "torch/lib/libtorch.so"},
        ),
        (lambda site: (site / "typing.py").unlink(), {"torch": "typing.py"}),
        (lambda site: (site / "torch/nn/a.py").unlink(), {}),  # too many to look at each
        (lambda site: (site / "torch-1.0.dist-info/RECORD").unlink(), {}),
    ],
)
def test_a_watched_distribution_is_compared_with_its_record(
    tmp_path: Path, damage: Callable[[Path], object], named: dict[str, str]
) -> None:
    site = distribution(tmp_path / "lib" / "python3.11" / "site-packages", "torch", FILES)
    damage(site)
    assert collect.environment_state(str(tmp_path), ["Torch"])["damaged"] == named
    assert collect.environment_state(str(tmp_path), ["jax"])["damaged"] == {}
    # the role that repairs it has the same rule
    script = runpy.run_path(str(ROLES / "python_venv" / "files" / "compare_environment.py"))
    record = site / "torch-1.0.dist-info" / "RECORD"
    text = record.read_text() if record.exists() else ""
    assert script["damaged"](text, str(site)) is bool(named)


POLICY = """\
nvidia-driver-580:
  Installed: 580.95.05-0ubuntu1
  Candidate: 580.999-1
  Version table:
     580.999-1 500
        500 https://other.test/apt ./ Packages
        500 file:/var/local-repo  Packages
 *** 580.95.05-0ubuntu1 100
        500 https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu jammy/main amd64 Packages
        100 /var/lib/dpkg/status
nvidia-utils-580:
  Installed: 580.95.05-0ubuntu1
  Candidate: 580.95.05-0ubuntu1
  Version table:
 *** 580.95.05-0ubuntu1 100
        100 /var/lib/dpkg/status
nvidia-not-installable:
  Installed: 1
  Candidate: (none)
  Version table:
     1 -1
        100 /var/lib/dpkg/status
"""
POLICY_OF_ALL = """\
Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 file:/var/local-repo  Packages
     release o=NVIDIA,l=NVIDIA CUDA,c=
 500 https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu jammy/main amd64 Packages
     release v=22.04,o=LP-PPA-graphics-drivers,a=jammy,n=jammy,l=Proprietary GPU Drivers,c=main,b=amd64
     origin ppa.launchpadcontent.net
 500 https://other.test/apt ./ Packages
     release c=
     origin other.test
Pinned packages:
"""


def test_candidates_are_what_apt_would_choose_and_from_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recorded from apt 2.6, shortened."""
    answers = {True: POLICY, False: POLICY_OF_ALL}
    monkeypatch.setattr(
        collect, "output_of", lambda argv, stdin=0, **_: answers["nvidia-utils-580" in argv]
    )
    assert collect.candidates(["nvidia-driver-580", "nvidia-utils-580"]) == {
        "nvidia-driver-580": {
            "version": "580.999-1",
            "sources": [
                {"source": "https://other.test/apt ./ Packages", "origin": ""},
                {"source": "file:/var/local-repo  Packages", "origin": "NVIDIA"},
            ],
        }
    }
    assert collect.candidates([]) == {}


def test_apt_is_asked_as_nobody_and_its_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = str(65534 if os.geteuid() == 0 else os.geteuid())
    assert (collect.asked_as_nobody(["id", "-u"]) or "").strip() == expected
    assert collect.asked_as_nobody(["false"]) is None
    monkeypatch.setattr(collect, "output_of", lambda argv, stdin=0, **_: None)
    assert collect.candidates(["bash"]) is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('APT::Periodic::Unattended-Upgrade "1";\n', (True, [])),
        ('APT::Periodic::Unattended-Upgrade "0";\n', (False, [])),
        ("", (False, [])),
        (
            'APT::Periodic::Enable "0";\nAPT::Periodic::Unattended-Upgrade "always";\n'
            'Unattended-Upgrade::Package-Blacklist "";\nUnattended-Upgrade::Package-Blacklist:: "nvidia-";\n',
            (False, ["nvidia-"]),
        ),
    ],
)
def test_unattended_upgrades_are_told_as_apt_config_shows_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: str, expected: tuple[bool, list[str]]
) -> None:
    assert collect.unattended_upgrades(str(tmp_path / "none")) is None
    monkeypatch.setattr(collect, "apt_config", lambda *arguments: settings)
    found = collect.unattended_upgrades(str(write(tmp_path / "unattended-upgrade", "")))
    assert found == dict(zip(("enabled", "blacklist"), expected, strict=True))


def test_settings_that_only_root_may_read_count_for_unattended_upgrades(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The job is root's; to nobody its list would look empty."""
    settings = 'APT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Package-Blacklist { "nvidia-"; };\n'
    path = write(tmp_path / "apt.conf", settings)
    path.chmod(0o600)
    monkeypatch.setenv("APT_CONFIG", str(path))
    found = collect.unattended_upgrades(str(write(tmp_path / "unattended-upgrade", "")))
    assert found is not None
    assert found["enabled"]
    assert "nvidia-" in found["blacklist"]


def test_the_modules_run_on_the_oldest_python_of_the_hosts() -> None:
    """Ubuntu 20.04 brings Python 3.8: no newer syntax, and nothing newer of the standard library."""
    plugins = Path(collect.__file__).parent.parent
    modules = [*plugins.glob("modules/*.py"), *plugins.glob("module_utils/*.py")]
    assert len(modules) > 3
    found = subprocess.run(
        [BIN / "vermin", "--no-tips", "--violations", "--target=3.8-", *modules],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
