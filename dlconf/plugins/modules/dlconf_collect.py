#!/usr/bin/python
"""Read what a host has: hardware, packages, owned paths, units, users, environments. Changes and decides nothing.

It runs on the host with Python's standard library only (3.8 to 3.14); `facts.py` describes the result. All that could
hang, or that somebody else than root can change, is a question of its own (`dlconf_answers.py`), and read
with care (`dlconf_reading.py`).
"""

from __future__ import annotations

import base64
import fnmatch
import functools
import glob
import grp
import hashlib
import itertools
import json
import os
import platform
import pwd
import re
import shlex
import shutil
import stat
import subprocess
from typing import Any, Callable, Dict, List

from ansible.module_utils import dlconf_apt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dlconf_answers import Question, answers
from ansible.module_utils.dlconf_reading import (
    Unread,
    as_user,
    keeper,
    output_of,
    read_bytes,
    read_text,
    read_watched,
    reason,
)

DOCUMENTATION = r"""
module: dlconf_collect
short_description: Read the facts that dlconf's contracts and resolver need
description:
  - Reads sysfs, the dpkg database, DKMS' tree, apt's policy and sources, the watched paths, units, users and Python
    environments.
  - Changes nothing on the host, in check mode or out of it.
options:
  packages: {type: list, elements: str, default: [], description: [fnmatch patterns of package names to report]}
  paths: {type: list, elements: str, default: [], description: [globs of paths to report]}
  secrets: {type: list, elements: str, default: [], description: [globs of paths to report without a hash]}
  contents: {type: list, elements: str, default: [], description: ['PATH:CONTENT, secret files to compare here']}
  environments: {type: list, elements: str, default: [], description: [globs of Python environments to report]}
  units: {type: list, elements: str, default: [], description: [systemd units to report]}
  users: {type: list, elements: str, default: [], description: [users to report]}
  groups: {type: list, elements: str, default: [], description: [groups to report]}
  json: {type: list, elements: str, default: [], description: ['PATH:KEY, keys of JSON files; values leave as hashes']}
  data_path: {type: path, default: /opt, description: [where data sets lie; its disk is looked at]}
  candidates: {type: list, elements: str, default: [], description: [fnmatch patterns of packages to ask apt about]}
  distributions: {type: list, elements: str, default: [], description: [Python distributions whose files are looked at]}
  lines: {type: list, elements: str, default: [], description: [files whose lines are reported as hashes]}
  record: {type: path, default: /etc/dlconf/stack.json, description: [where the chosen stack is recorded]}
  limit_s: {type: float, default: 45, description: [seconds for all of it; what has not answered then is named]}
author: dlconf
"""
RETURN = r"""
dlconf_facts: {type: dict, returned: always, description: the facts, as dlconf/facts.py describes them}
"""

SCHEMA = 1
HASH_LIMIT_BYTES = (
    1 << 20
)  # no owned file is near this; a truncated or replaced one is told by its size
STATUS_LIMIT_BYTES = 256 << 20  # of dpkg's database and of distributions' lists of files
MOST_PATHS = 10_000  # that match one pattern
WATCH_KINDS = (
    "packages",
    "paths",
    "secrets",
    "contents",
    "environments",
    "units",
    "users",
    "groups",
    "json",
    "candidates",
    "distributions",
    "lines",
)
KEYRING_SUFFIXES = (".gpg", ".asc", ".pgp")
APT_LIMIT_S = (
    300  # it takes half a second at most, but hosts may be busy; and a guess would be wrong
)
SYSTEM_LIMIT_S = 30  # of what there is no plan without
PLACE_LIMIT_S = 10  # of one watched place, or program, that a host can do without
# apt passes over files of other names.
PREFERENCES_NAME = re.compile(r"(?:[\w:-]+|[\w:-][\w.:-]*\.pref)\Z", re.ASCII)
SIMPLE_PATTERN = re.compile(r"(?:[\w.+*?-]|\[(?:\w+|0-9|a-z)\])+\Z", re.ASCII)
NO_PACKAGE = "-"  # a record must name a package; no package has this name


def operating_system() -> dict[str, str]:
    """Return id, version, codename and name from os-release."""
    fields = {}
    for line in (read_text("/etc/os-release") or "").splitlines():
        key, separator, value = line.partition("=")
        if separator:
            fields[key] = value.strip("\"'")
    return {
        "id": fields.get("ID", ""),
        "version": fields.get("VERSION_ID", ""),
        "codename": fields.get("VERSION_CODENAME", ""),
        "name": fields.get("PRETTY_NAME", ""),
    }


def glibc_version() -> str | None:
    """Return the C library's version, such as 2.36, or None on another library."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[-1]
    except (ValueError, IndexError, OSError):
        return None


def memory_mib() -> int:
    """Return the host's memory in MiB."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", read_text("/proc/meminfo") or "", re.M)
    return int(found.group(1)) // 1024 if found else 0


def free_mib(path: str) -> dict[str, int]:
    """Return the space in MiB that root can still write below a path, by the path; nothing where it is not there."""
    try:
        status = os.statvfs(path)
    except FileNotFoundError:
        return {}
    return {path: status.f_bavail * status.f_frsize // (1 << 20)}


def secure_boot() -> bool | None:
    """Return whether Secure Boot is on, or None on a host without EFI variables."""
    for path in glob.glob("/sys/firmware/efi/efivars/SecureBoot-*"):
        try:
            return bool(read_bytes(path)[-1:] == b"\x01")
        except (OSError, Unread):
            pass
    return None


def pci_devices(root: str = "/sys/bus/pci/devices") -> list[dict[str, Any]]:
    """Return display controllers of any vendor and all NVIDIA functions, in slot order."""
    devices = []
    for slot in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        base = os.path.join(root, slot)
        fields: dict[str, Any] = {
            name: (read_text(os.path.join(base, name)) or "0x")[2:]
            for name in ("vendor", "device", "class", "subsystem_vendor", "subsystem_device")
        }
        if fields["vendor"] != "10de" and not fields["class"].startswith("03"):
            continue
        driver = os.path.join(base, "driver")
        fields["driver"] = (
            os.path.basename(os.path.realpath(driver)) if os.path.islink(driver) else None
        )
        if fields["vendor"] == "10de" and fields["class"].startswith("03"):
            fields["link"] = pcie_link(base)
            fields["display"] = display_use(base)
        devices.append(dict(fields, slot=slot))
    return devices


def display_use(base: str) -> dict[str, Any]:
    """Return whether a screen hangs on a card, and whether the machine started on it; None where sysfs does not say.

    Connectors are there only while a driver that shows pictures drives the card.
    """
    connectors = glob.glob(os.path.join(base, "drm", "card*", "card*-*", "status"))
    states = [(read_text(path) or "").strip() for path in connectors]
    boot = (read_text(os.path.join(base, "boot_vga")) or "").strip()
    return {
        "connected": any(state != "disconnected" for state in states) if states else None,
        "boot_vga": {"0": False, "1": True}.get(boot),
    }


def pcie_link(base: str) -> dict[str, Any]:
    """Return speed (GT/s) and width of a card's link: now, at most, and what the port above it can do.

    A card lowers the speed while it idles, never the width; None where sysfs does not say.
    """
    port = os.path.dirname(os.path.realpath(base))
    numbers = {
        "speed_gts": (base, "current_link_speed"),
        "max_speed_gts": (base, "max_link_speed"),
        "port_speed_gts": (port, "max_link_speed"),
        "width": (base, "current_link_width"),
        "max_width": (base, "max_link_width"),
        "port_width": (port, "max_link_width"),
    }
    return {
        name: leading_number(read_text(os.path.join(folder, file)))
        for name, (folder, file) in numbers.items()
    }


def leading_number(text: str | None) -> float | None:
    """Return the number that a text begins with; None for no number, 0 and 255, sysfs' words for unknown."""
    found = re.match(r"\d+(\.\d+)?", text or "")
    number = float(found.group(0)) if found else 0.0
    return number if 0 < number < 255 else None


def temperatures(root: str = "/sys/bus/pci/devices") -> list[dict[str, Any]]:
    """Return the temperature of each NVIDIA card that a loaded driver tells, and where it begins to slow down."""
    if os.path.exists("/proc/driver/nvidia/version"):
        return smi_temperatures(nvidia_smi(["-q", "-x", "-d", "TEMPERATURE"]))
    found = []
    for path in sorted(glob.glob(os.path.join(root, "*", "hwmon", "hwmon*", "temp1_input"))):
        sensor = os.path.dirname(path)
        device = os.path.dirname(os.path.dirname(sensor))
        celsius, limit = (
            leading_number((read_text(os.path.join(sensor, name)) or "")[:-3])
            for name in ("temp1_input", "temp1_max")
        )
        if read_text(os.path.join(device, "vendor")) == "0x10de" and celsius is not None:
            slot = os.path.basename(device)
            found.append({"slot": slot, "celsius": celsius, "limit_celsius": limit})
    return found


def nvidia_smi(arguments: list[str]) -> str:
    """Return what nvidia-smi prints; "" where it is not there or fails."""
    program = shutil.which("nvidia-smi")
    return (output_of([program, *arguments]) or "") if program else ""


def smi_temperatures(xml: str) -> list[dict[str, Any]]:
    """Return slot, temperature and limit of each card from `nvidia-smi -q -x -d TEMPERATURE`.

    Older drivers give thresholds in degrees; newer ones, for newer cards, the distance to the limit (T.Limit).
    """
    found = []
    for slot, body in re.findall(r'(?s)<gpu id="([0-9A-Fa-f:.]+)">(.*?)</gpu>', xml):
        told = {
            name: int(value) for name, value in re.findall(r"<(gpu_temp\w*)>(-?\d+) C</\1>", body)
        }
        celsius = told.get("gpu_temp")
        if celsius is None:
            continue
        limit = told.get("gpu_temp_max_gpu_threshold", told.get("gpu_temp_slow_threshold"))
        if limit is None and "gpu_temp_tlimit" in told:
            limit = celsius + told["gpu_temp_tlimit"]
        found.append({"slot": slot[-12:].lower(), "celsius": celsius, "limit_celsius": limit})
    return found


def data_disk(path: str, root: str = "/sys/dev/block") -> dict[str, Any]:
    """Return the disk below a path, or below the nearest folder above it that exists.

    `rotational` is None where the kernel does not say it truly: network file systems, and virtual disks, which
    claim to rotate whatever they lie on.
    """
    number = None
    while number is None:
        try:
            with as_user(keeper(path)):
                number = os.stat(path).st_dev
        except (FileNotFoundError, NotADirectoryError):
            path = os.path.dirname(path)
    disks = block_disks(os.path.join(root, "{}:{}".format(os.major(number), os.minor(number))))
    flags = [
        read_text(os.path.join(disk, "queue", "rotational"))
        for disk in disks
        if not os.path.basename(disk).startswith(("vd", "xvd"))
    ]
    known = len(flags) == len(disks) > 0 and None not in flags
    return {
        "path": path,
        "devices": sorted(os.path.basename(disk) for disk in disks),
        "rotational": "1" in flags if known else None,
    }


def block_disks(entry: str) -> list[str]:
    """Return the whole disks, as folders of sysfs, that a block device lies on: through partition, LVM, RAID, LUKS."""
    device = os.path.realpath(entry)
    if not os.path.isdir(device):
        return []
    if os.path.exists(os.path.join(device, "partition")):
        device = os.path.dirname(device)
    below = glob.glob(os.path.join(device, "slaves", "*"))
    return sorted({disk for path in below for disk in block_disks(path)}) if below else [device]


def library_version() -> str | None:
    """Return the version of the driver's user-space library, from the name of the file itself."""
    for pattern in (
        "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
        "/usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1",
        "/usr/lib64/libcuda.so.1",
    ):
        found = re.search(r"\.so\.(\d+\.[\d.]+)$", os.path.realpath(pattern))
        if found and os.path.exists(pattern):
            return found.group(1)
    return None


def nvidia_state() -> dict[str, Any]:
    """Return what the running kernel says of NVIDIA's module, and the library on disk."""
    text = read_text("/proc/driver/nvidia/version")
    gpus = []
    for path in sorted(glob.glob("/proc/driver/nvidia/gpus/*/information")):
        model = re.search(r"^Model:\s*(.+)$", read_text(path) or "", re.M)
        gpus.append(
            {
                "slot": os.path.basename(os.path.dirname(path)),
                "name": model.group(1).strip() if model else "",
            }
        )
    return {
        "module_version": read_text("/sys/module/nvidia/version"),
        "module_flavour": None
        if text is None
        else "open"
        if "Open Kernel Module" in text
        else "proprietary",
        "library_version": library_version(),
        "nouveau_loaded": os.path.isdir("/sys/module/nouveau"),
        "gpus": gpus,
    }


def gpu_processes(proc: str = "/proc") -> list[dict[str, Any]]:
    """Return the processes that hold a device file of NVIDIA's open: pid, user, and the command's name.

    Arguments are left out, since they may hold secrets. Of other users' processes only root sees the files.
    """
    found = []
    for pid in sorted(filter(str.isdigit, os.listdir(proc)), key=int):
        folder = os.path.join(proc, pid)
        try:
            links = [os.readlink(entry.path) for entry in os.scandir(os.path.join(folder, "fd"))]
            owner = os.stat(folder).st_uid
        except OSError:
            continue  # it ended, or closed a file, while we looked
        if any(link.startswith("/dev/nvidia") for link in links):
            command = read_text(os.path.join(folder, "comm")) or ""
            user = account(pwd.getpwuid, owner)
            found.append({"pid": int(pid), "user": user, "command": command})
    return found


def kernels(modules: str = "/lib/modules") -> list[str]:
    """Return the installed kernels that DKMS can build for: those with their headers."""
    return sorted(
        os.path.basename(os.path.dirname(path))
        for path in glob.glob(os.path.join(modules, "*", "build"))
        if os.path.isdir(path)
    )


def next_kernel(boot: str = "/boot", modules: str = "/lib/modules") -> str | None:
    """Return the newest kernel with an image and modules, which the boot loader starts unless it is told otherwise."""
    releases = [
        os.path.basename(path)[len("vmlinuz-") :]
        for path in glob.glob(os.path.join(boot, "vmlinuz-*"))
    ]
    bootable = [name for name in releases if os.path.isdir(os.path.join(modules, name))]
    return max(bootable, key=release_order, default=None)


def release_order(release: str) -> str:
    """Return the text that orders kernel releases as the boot loader does: 6.1.0-9-amd64 before 6.1.0-10-amd64."""
    return re.sub(r"\d+", lambda number: number.group().zfill(9), release)


def reboot_required(root: str = "/run") -> list[str] | None:
    """Return the packages that ask for a restart in reboot-required, None where none is asked for."""
    if not os.path.exists(os.path.join(root, "reboot-required")):
        return None
    return sorted(set((read_text(os.path.join(root, "reboot-required.pkgs")) or "").split()))


def dkms_state(root: str = "/var/lib/dkms") -> list[dict[str, Any]]:
    """Return the state of each DKMS module, version and kernel: added, built or installed.

    DKMS marks an installed build with a link ROOT/MODULE/kernel-KERNEL-ARCH; the module file itself must be there too.
    """
    states = []
    for path in sorted(glob.glob(os.path.join(root, "*", "*", "source"))):
        version_dir = os.path.dirname(path)
        module, version = version_dir.split(os.sep)[-2:]
        builds = sorted(glob.glob(os.path.join(version_dir, "*", "*", "module")))
        if not builds:
            states.append({"module": module, "version": version, "kernel": None, "state": "added"})
        for build in builds:
            kernel, arch = build.split(os.sep)[-3:-1]
            link = os.path.join(root, module, "kernel-{}-{}".format(kernel, arch))
            installed = os.path.realpath(link) == os.path.dirname(
                os.path.realpath(build)
            ) and module_files_exist(os.path.join("/lib/modules", kernel), os.listdir(build))
            states.append(
                {
                    "module": module,
                    "version": version,
                    "kernel": kernel,
                    "state": "installed" if installed else "built",
                }
            )
    return states


def module_files_exist(folder: str, names: list[str]) -> bool:
    """Tell whether files of these names lie below a kernel's folder; Debian's DKMS puts them in updates/dkms."""
    missing = {
        name for name in names if not os.path.exists(os.path.join(folder, "updates", "dkms", name))
    }
    if missing:  # one walk of some thousand files, and only where a module lies elsewhere
        for _folder, _folders, files in os.walk(folder):
            missing.difference_update(files)
    return not missing


def name_matcher(patterns: list[str]) -> Callable[[str], Any]:
    """Return a function that tells whether a name matches one of the fnmatch patterns."""
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"\Z\A").match


def dpkg_state(patterns: list[str], root: str = "/var/lib/dpkg") -> dict[str, Any]:
    """Return the packages whose names match a pattern, and every package that dpkg left half-done."""
    matches = name_matcher(patterns)
    packages, broken = {}, []
    for stanza in (read_text(os.path.join(root, "status"), STATUS_LIMIT_BYTES) or "").split("\n\n"):
        fields: dict[str, str] = dict(
            re.findall(r"^(Package|Status|Version|Source): (.+)$", stanza, re.M)
        )
        if len(fields.get("Status", "").split()) != 3:
            continue
        name = fields["Package"]
        want, flag, status = fields["Status"].split()
        if flag != "ok" or status in ("half-installed", "unpacked", "half-configured"):
            broken.append(name)
        if status not in ("installed", "triggers-awaited", "triggers-pending") or not matches(name):
            continue
        packages[name] = {
            "version": fields.get("Version", ""),
            "source": fields.get("Source", name).partition(" ")[0],
            "status": status,
            "hold": want == "hold",
        }
    if glob.glob(os.path.join(root, "updates", "[0-9]*")):  # the journal of a run that did not end
        broken.append("(dpkg was interrupted)")
    return {"packages": packages, "broken": broken}


def unattended_upgrades(program: str = "/usr/bin/unattended-upgrade") -> dict[str, Any] | None:
    """Return whether apt's daily job upgrades packages, and which it leaves alone; None where it is not installed.

    It never changes a held package, nor one whose name a pattern of the blacklist matches from its beginning
    (`is_pkg_change_allowed` in unattended-upgrade 2.9.1).
    """
    if not os.path.exists(program):
        return None
    settings = re.findall(r'^(\S+) "(.*)";$', apt_config("dump"), re.M)
    periodic = {name: value for name, value in settings if name.startswith("APT::Periodic::")}
    return {
        "enabled": periodic.get("APT::Periodic::Enable", "1") != "0"
        and periodic.get("APT::Periodic::Unattended-Upgrade", "0") not in ("", "0"),
        "blacklist": [
            value for name, value in settings if name == "Unattended-Upgrade::Package-Blacklist::"
        ],
    }


def candidates(names: list[str]) -> dict[str, dict[str, Any]] | None:
    """Return version and sources of each package for which apt would choose another version than the installed one.

    apt answers itself, so pins and priorities count; None where it cannot. A source is told with the origin that its
    Release file names.
    """
    if not names:
        return {}
    pins = narrowed_preferences(preferences(), names)
    policy = apt_policy(pins, ["--", *names])
    if policy is None:
        return None
    chosen = parse_policy(policy)
    every_source = (apt_policy(pins, []) or "") if chosen else ""
    origins = dict(re.findall(r"^ +-?\d+ (.+)\n +release (?:.*,)?o=([^,\n]*)", every_source, re.M))
    for package in chosen.values():
        package["sources"] = [
            {"source": source, "origin": origins.get(source, "")} for source in package["sources"]
        ]
    return chosen


def apt_policy(pins: str, arguments: list[str]) -> str | None:
    """Return what `apt-cache policy` prints with these preferences instead of the host's; None where it fails."""
    argv = ["apt-cache", "policy"]
    if not hasattr(os, "memfd_create"):  # a Python for an old C library: the same answer, slower
        return asked_as_nobody(argv + arguments)
    options = ["-oDir::Etc::preferences=/proc/self/fd/0", "-oDir::Etc::preferencesparts=/dev/null"]
    with open(os.memfd_create("preferences"), "w+", encoding="utf-8") as file:
        file.write(pins)
        file.flush()
        return asked_as_nobody(argv + options + arguments, file.fileno())


def asked_as_nobody(argv: list[str], stdin: int = subprocess.DEVNULL) -> str | None:
    """Return what apt prints; it runs as nobody: as root it would write its cache."""
    output: str | None = output_of(argv, stdin, as_nobody=True)
    return output


def preferences() -> str:
    """Return the text of all files that apt reads as preferences, in its order (apt_preferences(5))."""
    shell = apt_config("shell", "f", "Dir::Etc::preferences/f", "d", "Dir::Etc::preferencesparts/d")
    places = dict(word.partition("=")[::2] for word in shlex.split(shell))
    folder = places.get("d", "/etc/apt/preferences.d")
    names = sorted(
        filter(PREFERENCES_NAME.match, os.listdir(folder) if os.path.isdir(folder) else [])
    )
    paths = [places.get("f", "/etc/apt/preferences")] + [
        os.path.join(folder, name) for name in names
    ]
    return "\n\n".join(text for text in map(read_text, paths) if text)


def narrowed_preferences(text: str, names: list[str]) -> str:
    """Return preferences in which patterns stand for those of the names that they match.

    apt compares each pattern in the preferences with each of its hundred thousand names, on every call: some hundredths
    of a second of CPU for a glob, half a second for a regular expression (apt 2.6, pkgPolicy::CreatePin).
    Left as they are written: `*` alone, which is no pattern to apt, and what Python might read otherwise than apt does.
    """

    def narrowed(field: re.Match[str]) -> str:
        words: list[str] = []
        for word in field.group(2).split():
            simple = word != "*" and set(word) & set("*?[") and SIMPLE_PATTERN.match(word)
            words += fnmatch.filter(names, word.lower()) if simple else [word]
        return field.group(1) + " " + " ".join(words or [NO_PACKAGE])

    return re.sub(r"(?im)^(package:)(.*)", narrowed, text)


def parse_policy(text: str) -> dict[str, dict[str, Any]]:
    """Return candidate and its sources from `apt-cache policy NAME...`, of those that are not the installed version."""
    chosen: dict[str, dict[str, Any]] = {}
    for block in re.split(r"\n(?=\S)", text):
        head = re.match(r"(\S+):\n  Installed: (\S+)\n  Candidate: (\S+)\n", block)
        if not head or head.group(3) in (head.group(2), "(none)"):
            continue
        table = re.search(
            r"^ (?:\*\*\*|   ) {} .*\n((?: {{8,}}.*\n?)*)".format(re.escape(head.group(3))),
            block,
            re.M,
        )
        sources = re.findall(r"^ +-?\d+ (.+)$", table.group(1) if table else "", re.M)
        chosen[head.group(1)] = {"version": head.group(3), "sources": sources}
    return chosen


def apt_config(*arguments: str) -> str:
    """Return what apt-config prints, with the settings that only root may read; it writes no cache."""
    return output_of(["apt-config", *arguments]) or ""


def openpgp_fingerprints(data: bytes) -> list[str]:
    """Return the fingerprints of the primary keys (version 4) in a keyring, binary or armoured (RFC 4880, 12.2)."""
    if data.lstrip().startswith(b"-----BEGIN"):
        body = re.sub(
            rb"(?s).*?\r?\n\r?\n(.*?)\r?\n(=[^\r\n]{4}\r?\n)?-----END.*", rb"\1", data, count=1
        )
        data = base64.b64decode(body, validate=False)
    fingerprints, at = [], 0
    while at + 2 < len(data) and data[at] & 0x80:
        new, first = data[at] & 0x40, data[at + 1]
        tag = data[at] & 0x3F if new else (data[at] >> 2) & 0x0F
        if new:
            if first < 192:
                start, length = at + 2, first
            elif first < 224:
                start, length = at + 3, ((first - 192) << 8) + data[at + 2] + 192
            else:
                start, length = at + 6, int.from_bytes(data[at + 2 : at + 6], "big")
        else:
            size = 1 << (data[at] & 3)
            start, length = at + 1 + size, int.from_bytes(data[at + 1 : at + 1 + size], "big")
        packet = data[start : start + length]
        if tag == 6 and packet[:1] == b"\x04":
            digest = hashlib.sha1(b"\x99" + len(packet).to_bytes(2, "big") + packet)  # noqa: S324 the format's own hash
            fingerprints.append(digest.hexdigest().upper())
        at = start + length
    return fingerprints


def path_state(path: str, hashed: bool = True) -> dict[str, Any]:
    """Return type, mode, owner, group and, if `hashed`, content hash (or link target) of one existing path."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return {"type": "link", "target": os.readlink(path)}
    state: dict[str, Any] = {
        "type": "directory"
        if stat.S_ISDIR(status.st_mode)
        else "file"
        if stat.S_ISREG(status.st_mode)
        else "special",
        "mode": "{:04o}".format(stat.S_IMODE(status.st_mode)),
        "owner": account(pwd.getpwuid, status.st_uid),
        "group": account(grp.getgrgid, status.st_gid),
    }
    if stat.S_ISREG(status.st_mode):
        state["size"] = status.st_size
        if hashed and status.st_size <= HASH_LIMIT_BYTES:
            data = read_bytes(path, HASH_LIMIT_BYTES)
            state["sha256"] = hashlib.sha256(data).hexdigest()
            if path.endswith(KEYRING_SUFFIXES):
                state["fingerprints"] = openpgp_fingerprints(data)
    return state


def account(lookup: Callable[[int], Any], number: int) -> str:
    """Return the name of a user or group id, or the number as text where it has none."""
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def watched_paths(
    pattern: str, problems: Dict[str, str], hashed: bool = True, content: str | None = None
) -> dict[str, Any]:
    """Return the state of every existing path that matches a glob, read as the one who keeps that place.

    Args:
        pattern: the glob.
        problems: takes the paths that could not be read, with the reason.
        hashed: report the content's hash; not of secrets.
        content: of a secret that is known: whether it is that one is all that is reported.
    """
    states = {}
    for path in existing(pattern):
        try:
            with as_user(keeper(path)):
                states[path] = path_state(path, hashed=hashed)
                if content is not None:
                    same = read_bytes(path, HASH_LIMIT_BYTES) == content.encode()
                    states[path]["content"] = "as set" if same else "differs"
        except FileNotFoundError:
            continue  # gone
        except (OSError, Unread) as error:
            problems[path] = reason(error)
    return states


def existing(pattern: str) -> list[str]:
    """Return the existing paths that match a glob, looked for as the one who keeps the place.

    Raises:
        Unread: there are more than can be meant.
    """
    fixed = re.split(r"/[^/]*[*?[]", pattern)[0]
    with as_user(keeper(fixed + "/")):
        paths = list(itertools.islice(glob.iglob(pattern), MOST_PATHS + 1))
    if len(paths) > MOST_PATHS:
        raise Unread("more than {} paths match".format(MOST_PATHS))
    return paths


def unit_states(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return what systemd knows of each unit; one that it does not know has load `not-found`.

    So has one whose file is gone: systemd may show it as it was until it reads its files again.
    """
    fields = ["Id", "LoadState", "UnitFileState", "ActiveState", "FragmentPath"]
    fields += ["ConditionResult", "ConditionTimestampMonotonic"]  # 0: never looked at
    argv = ["systemctl", "show", "--property=" + ",".join(fields), "--"]
    if not names or not os.path.isdir("/run/systemd/system"):
        return {}
    told = (output_of(argv + names, even_failed=True) or "").strip()
    if not told:
        raise Unread("it failed")
    blocks = told.split("\n\n")
    states = {}
    # In the order of the question: Id would follow aliases. (strict= came with Python 3.10.)
    for name, block in zip(names, blocks):  # noqa: B905
        shown = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        gone = shown.get("FragmentPath") and not os.path.lexists(shown["FragmentPath"])
        states[name] = {
            "load": "not-found" if gone else shown.get("LoadState", ""),
            "enabled": shown.get("UnitFileState", ""),
            "active": shown.get("ActiveState", ""),
            "skipped": shown.get("ConditionResult") == "no"
            and shown.get("ConditionTimestampMonotonic", "0") != "0",
        }
    return states


def user_states(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return each existing user with home, shell and all its groups, the primary one first."""
    states = {}
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        others = sorted(group.gr_name for group in grp.getgrall() if name in group.gr_mem)
        primary = account(grp.getgrgid, entry.pw_gid)
        groups = [primary] + [group for group in others if group != primary]
        states[name] = {
            "uid": entry.pw_uid,
            "home": entry.pw_dir,
            "shell": entry.pw_shell,
            "groups": groups,
        }
    return states


def group_states(names: list[str]) -> dict[str, int]:
    """Return the id of each existing group."""
    known = {group.gr_name: group.gr_gid for group in grp.getgrall()}
    return {name: known[name] for name in names if name in known}


def json_state(path: str, keys: list[str]) -> dict[str, Any]:
    """Return the watched top-level keys of a JSON file by its path; {} without a file, None for what is no object.

    Args:
        path: the file.
        keys: what is not watched stays on the host. Of what is, names leave it and the hashes of values: a proxy's
            password may stand there, and what is somebody else's.
    """
    with as_user(keeper(path)):
        text = read_watched(path)
    if text is None:
        return {}
    data = json_object(text)
    return {
        path: None
        if data is None
        else {key: value_hashes(data[key]) for key in keys if key in data}
    }


def value_hashes(value: Any) -> Any:
    """Return a JSON value with the SHA-256 of its text in the place of whatever is no object."""
    if isinstance(value, dict):
        return {key: value_hashes(item) for key, item in value.items()}
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def json_object(text: str) -> dict[str, Any] | None:
    """Return a JSON object, None where a text holds none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def keys_by_path(watched: list[str]) -> dict[str, list[str]]:
    """Return the watched keys of each file from `PATH:KEY` each."""
    found: dict[str, list[str]] = {}
    for item in watched:
        path, _colon, key = item.rpartition(":")
        found.setdefault(path, []).append(key)
    return found


def line_state(path: str) -> dict[str, list[str]]:
    """Return the SHA-256 of each line of a file by its path, {} without a file: what it holds is nobody's business.

    Args:
        path: also `~USER/PATH`, which is below the user's home and read with that user's rights; reported as written.
    """
    full = os.path.expanduser(path)
    user = path[1:].partition("/")[0] if path[:1] == "~" != full[:1] else ""
    with as_user(pwd.getpwnam(user).pw_uid if user else keeper(full)):
        text = read_watched(full)
    if text is None:
        return {}
    lines = [line.strip() for line in text.splitlines()]
    return {path: [hashlib.sha256(line.encode()).hexdigest() for line in lines if line]}


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def damaged_file(dist_info: str) -> str | None:
    """Return the first file that is missing, or of another size than the distribution's RECORD says.

    Looked at are the files of its top-level packages and its large ones: of PyTorch's ten thousand, some hundred.
    """
    try:
        lines = read_bytes(os.path.join(dist_info, "RECORD"), STATUS_LIMIT_BYTES).splitlines()
    except (OSError, Unread):
        return None
    site_packages = os.path.dirname(dist_info)
    for line in (
        lines
    ):  # path,hash,size: neither hash nor size holds a slash, and a megabyte has seven digits
        large = len(line) - line.rfind(b",") > 7
        if (line.count(b"/") > 1 and not large) or line[:1] == b'"':
            continue
        path, _hash, size = line.rsplit(b",", 2)
        try:
            if size and os.stat(os.path.join(os.fsencode(site_packages), path)).st_size != int(
                size
            ):
                return os.fsdecode(path)
        except OSError:
            return os.fsdecode(path)
    return None


def environment_state(prefix: str, distributions: list[str] | None = None) -> dict[str, Any]:
    """Return an environment's Python version, its distributions and its conda packages, read from their metadata.

    Args:
        prefix: where it lies.
        distributions: names of those whose files are looked at too.
    """
    packages, damaged, conda = {}, {}, {}
    looked_at = set(map(normalised, distributions or ()))
    for path in glob.glob(
        os.path.join(prefix, "lib", "python3.*", "site-packages", "*.dist-info", "METADATA")
    ):
        folder = os.path.dirname(path)
        name, _separator, version = os.path.basename(folder)[: -len(".dist-info")].partition("-")
        name = normalised(name)
        packages[name] = version
        lost = damaged_file(folder) if name in looked_at else None
        if lost:
            damaged[name] = lost
    for path in glob.glob(os.path.join(prefix, "conda-meta", "*.json")):
        name, version = os.path.basename(path).rsplit("-", 2)[:2]
        conda[name] = version
    config = re.search(
        r"^version(?:_info)? = (\d+\.\d+\.\d+)",
        read_text(os.path.join(prefix, "pyvenv.cfg")) or "",
        re.M,
    )
    python = conda.get("python") or (config.group(1) if config else None)
    program = os.path.join(prefix, "bin", "python")
    runs = os.access(program, os.X_OK) and os.path.getsize(program) > 0
    return {
        "python": python if runs else None,
        "packages": packages,
        "damaged": damaged,
        "conda": conda,
    }


def environments(pattern: str, distributions: list[str]) -> dict[str, Any]:
    """Return the state of each Python environment that matches a glob, read as the one who keeps that place."""
    states = {}
    for prefix in existing(pattern):
        with as_user(keeper(prefix + "/")):
            if os.path.isdir(prefix):
                states[prefix] = environment_state(prefix, distributions)
    return states


def record_state(path: str) -> dict[str, Any] | None:
    """Return the recorded choice of stack, or None where it is missing or no JSON object."""
    with as_user(keeper(path)):
        return json_object(read_watched(path) or "")


NEEDED = {
    "os": "system",
    "pci": "PCI bus",
    "module_version": "NVIDIA's module",
    "dkms": "DKMS",
    "dpkg": "dpkg",
}
"""Facts without which there is no plan -> the question that they answer."""


def questions(watch: dict[str, list[str]], data_path: str, record: str) -> List[Question]:
    """Return what to ask the host; each answer is a part of the facts. What others than root can hold up comes last.

    Args: as `collect`.
    """
    dpkg = functools.lru_cache(None)(lambda: dpkg_state(watch["packages"] + watch["candidates"]))
    owned = name_matcher(watch["candidates"])

    def system() -> dict[str, Any]:
        return {
            "os": operating_system(),
            "glibc": glibc_version(),
            "memory_mib": memory_mib(),
            "secure_boot": secure_boot(),
            "kernels": kernels(),
            "next_kernel": next_kernel(),
            "reboot_required": reboot_required(),
        }

    def one(name: str, fact: str, ask: Callable[[], Any], limit_s: float | None = None) -> Question:
        return Question(name, lambda _problems: {fact: ask()}, limit_s or PLACE_LIMIT_S)

    asked = [
        Question("system", lambda _problems: system(), SYSTEM_LIMIT_S),
        one("PCI bus", "pci", pci_devices, SYSTEM_LIMIT_S),
        one("NVIDIA's module", "nvidia", nvidia_state, SYSTEM_LIMIT_S),
        one("DKMS", "dkms", dkms_state, SYSTEM_LIMIT_S),
        one("dpkg", "dpkg", dpkg, SYSTEM_LIMIT_S),
        one(
            "apt-cache",
            "apt",
            lambda: {"candidates": candidates(sorted(filter(owned, dpkg()["packages"])))},
            APT_LIMIT_S,
        ),
        one(
            "apt-config",
            "apt",
            lambda: {"unattended_upgrades": unattended_upgrades()},
            APT_LIMIT_S,
        ),
        one("apt's sources", "apt", lambda: {"sources": dlconf_apt.all_statements()}, APT_LIMIT_S),
        one("systemctl", "units", lambda: unit_states(watch["units"]), SYSTEM_LIMIT_S),
        one("users", "users", lambda: user_states(watch["users"])),
        one("groups", "groups", lambda: group_states(watch["groups"])),
        one("nvidia-smi", "temperatures", temperatures),
        one("processes", "nvidia", lambda: {"processes": gpu_processes()}),
        one(record, "record", lambda: record_state(record)),
    ]
    for path in ("/", "/opt", "/usr", "/var"):
        asked.append(one(path, "free_mib", functools.partial(free_mib, path)))
    for kind, hashed in (("paths", True), ("secrets", False)):
        for pattern in watch[kind]:
            asked.append(
                Question(pattern, functools.partial(path_answer, pattern, hashed), PLACE_LIMIT_S)
            )
    for item in watch["contents"]:
        path, content = item.split(":", 1)
        ask = functools.partial(path_answer, path, False, content=content)
        asked.append(Question(path, ask, PLACE_LIMIT_S))
    for path, keys in keys_by_path(watch["json"]).items():
        asked.append(one(path, "json", functools.partial(json_state, path, keys)))
    for pattern in watch["environments"]:
        ask = functools.partial(environments, pattern, watch["distributions"])
        asked.append(one(pattern, "environments", ask))
    for path in watch["lines"]:
        asked.append(one(path, "lines", functools.partial(line_state, path)))
    asked.append(one(data_path, "data_disk", functools.partial(data_disk, data_path)))
    return asked


def path_answer(
    pattern: str, hashed: bool, problems: Dict[str, str], content: str | None = None
) -> dict[str, Any]:
    """Return the part of the facts that the paths of one pattern are."""
    return {"paths": watched_paths(pattern, problems, hashed, content)}


def collect(
    watch: dict[str, list[str]], data_path: str, record: str, limit_s: float = 45
) -> dict[str, Any]:
    """Return the facts of this host.

    Args:
        watch: what to report, by kind; WATCH_KINDS are all of them.
        data_path: where data sets lie.
        record: path of the recorded choice.
        limit_s: seconds for all of it.

    Raises:
        Unread: what there is no plan without has not answered.
    """
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "hostname": platform.node(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "free_mib": {},
        "temperatures": [],
        "nvidia": {"processes": []},
        "apt": {"candidates": None, "unattended_upgrades": None},
        "units": {},
        "users": {},
        "groups": {},
        "paths": {},
        "json": {},
        "environments": {},
        "lines": {},
        "record": None,
    }
    unread: dict[str, str] = {}
    for answer in answers(questions(watch, data_path, record), limit_s):
        unread.update(answer.problems)
        for name, value in (answer.value or {}).items():
            if isinstance(facts.get(name), dict) and isinstance(value, dict):
                facts[name].update(value)
            else:
                facts[name] = value
    for name, question in NEEDED.items():
        if name not in facts and name not in facts["nvidia"]:
            raise Unread("{}: {}".format(question, unread.get(question, "no answer")))
    secret = watch["secrets"] + [item.split(":", 1)[0] for item in watch["contents"]]
    keep_secret(facts["paths"], [pattern for pattern in secret if pattern in unread])
    return dict(facts, unread=unread)


def keep_secret(states: dict[str, dict[str, Any]], patterns: list[str]) -> None:
    """Take the hash from paths that may be secrets, where the question for those was not answered."""
    for path, state in states.items():
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            state.pop("sha256", None)


def main() -> None:
    """Run as an Ansible module."""
    spec: dict[str, dict[str, Any]] = {
        kind: {"type": "list", "elements": "str", "default": []} for kind in WATCH_KINDS
    }
    spec["contents"]["no_log"] = True
    spec["data_path"] = {"type": "path", "default": "/opt"}
    spec["record"] = {"type": "path", "default": "/etc/dlconf/stack.json"}
    spec["limit_s"] = {"type": "float", "default": 45}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    watch = {kind: module.params[kind] for kind in WATCH_KINDS}
    places = (module.params["data_path"], module.params["record"])
    try:
        found = collect(watch, *places, limit_s=module.params["limit_s"])
    except Unread as error:
        module.fail_json(msg="the host cannot be looked at: {}".format(error))
    module.exit_json(changed=False, dlconf_facts=found)


if __name__ == "__main__":
    main()
