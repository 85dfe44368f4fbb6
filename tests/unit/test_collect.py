"""The parsers of the module that runs on hosts, over recorded files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dlconf.plugins.modules import dlconf_collect as collect

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


def test_dpkg_agrees_with_dpkg_query_on_this_machine() -> None:
    query = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    expected = dict(
        line.split()[1:] for line in query.splitlines() if line.startswith("installed ")
    )
    found = {
        name: package["version"] for name, package in collect.dpkg_state(["*"])["packages"].items()
    }
    assert found == expected


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
    states = collect.watched_paths([str(tmp_path / "*"), str(tmp_path / "nothing" / "*")])
    assert states[str(tmp_path / "file")]["mode"] == "0640"
    assert states[str(tmp_path / "file")]["sha256"].startswith("87428fc5")
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
        "environments": [str(tmp_path)],
        "units": ["ssh.service"],
        "users": ["root"],
        "groups": ["root"],
        "json": [f"{tmp_path}/stack.json:x"],
    }
    assert set(watch) == set(collect.WATCH_KINDS)
    collect.collect(watch, f"{tmp_path}/stack.json")
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
    assert collect.json_states(watched) == {str(path): {"log-driver": "local"}, str(broken): None}


def test_units_are_told_in_the_order_of_the_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Recorded from systemd 252: an alias shows the Id of its target, an unknown unit its own name."""
    shown = (
        "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n"
        "Id=nope.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
    )
    write(tmp_path / "systemctl", f"#!/bin/sh\nprintf '{shown}'\n").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("os.path.isdir", lambda path: path == "/run/systemd/system")
    assert collect.unit_states(["sshd.service", "nope.service"]) == {
        "sshd.service": {"load": "loaded", "enabled": "enabled", "active": "active"},
        "nope.service": {"load": "not-found", "enabled": "", "active": "inactive"},
    }
