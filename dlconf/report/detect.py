"""What is on each host, as text and as data: GPUs, driver, CUDA, operating system, memory, disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlconf import advice
from dlconf.catalogue import load
from dlconf.hosts import HostState, Survey
from dlconf.report import plan, problems
from dlconf.report.stack import cost_lines
from dlconf.report.text import PLAIN, Paint, clean, columns, gib, one_line

_NVIDIA = "10de"
_DISPLAY_CLASS = "03"
_DRIVER_PACKAGES = ("nvidia-driver-", "nvidia-kernel-", "cuda-drivers", "nvidia-open")


def text(survey: Survey, log: Path, paint: Paint = PLAIN) -> str:
    """Return one block a host, then the hosts that could not be looked at."""
    lines: list[str] = []
    for host in survey.hosts.values():
        if host.facts:
            found = host_data(host)
            lines += [paint(clean(host.name), "bold"), *columns(_rows(found))]
            lines += cost_lines(host.resolution)
            lines += [*_warning_lines(found["warnings"], paint), ""]
    lines += problems.of_states(
        (host for host in survey.hosts.values() if not host.facts), log, paint
    )
    return "\n".join(lines).rstrip("\n")


def data(survey: Survey, log: Path) -> dict[str, Any]:
    """Return what is on the hosts as JSON data."""
    hosts: dict[str, Any] = {}
    for host in survey.hosts.values():
        hosts[host.name] = plan.worker_data(host.worker) | (
            {"status": "ok", **host_data(host)}
            if host.facts
            else {
                "status": host.status,
                "failure": problems.as_data(host.status, host.failure, problems.hint_of(host, log)),
            }
        )
    return {"schema": 1, "command": "detect", "hosts": hosts, "log": str(log)}


def host_data(host: HostState) -> dict[str, Any]:
    """Return what is on one host that could be looked at."""
    facts = host.facts or {}
    nvidia = facts.get("nvidia") or {}
    packages = {
        name: package["version"]
        for name, package in (facts.get("dpkg") or {}).get("packages", {}).items()
        if package.get("status", "installed") == "installed"
    }
    gpus = _gpus(host)
    silenced = advice.silenced(host.variables or {})
    return {
        "os": facts.get("os"),
        "architecture": facts.get("architecture"),
        "kernel": facts.get("kernel"),
        "python": facts.get("python"),
        "memory_mib": facts.get("memory_mib"),
        "free_mib": facts.get("free_mib") or {},
        "secure_boot": facts.get("secure_boot"),
        "gpus": gpus,
        "gpu_processes": nvidia.get("processes") or [],
        "reboot_required": facts.get("reboot_required"),
        "unread": facts.get("unread") or {},
        "driver": {
            "loaded": nvidia.get("module_version"),
            "flavour": nvidia.get("module_flavour"),
            "library": nvidia.get("library_version"),
            "nouveau_loaded": nvidia.get("nouveau_loaded"),
            "packages": _starting(packages, _DRIVER_PACKAGES),
        },
        "cuda": {
            "packages": _starting(packages, ("cuda-toolkit-",)),
            "default": (facts.get("paths") or {}).get("/usr/local/cuda", {}).get("target"),
        },
        "environments": {
            path: environment.get("python")
            for path, environment in (facts.get("environments") or {}).items()
        },
        "costs": list((host.resolution or {}).get("costs", ())),
        "warnings": [
            vars(item) for item in advice.of_hardware(facts, gpus) if item.name not in silenced
        ],
        "silenced": sorted(silenced),
    }


def _warning_lines(warnings: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    return [
        "  "
        + paint(f"warning {item['name']}", "change")
        + one_line(f" ({item['about']}): {item['text']} [{item['source']}]")
        for item in warnings
    ]


def _starting(packages: Mapping[str, str], beginnings: tuple[str, ...]) -> dict[str, str]:
    return {
        name: version for name, version in sorted(packages.items()) if name.startswith(beginnings)
    }


def _gpus(host: HostState) -> list[dict[str, Any]]:
    """Return the GPUs as the resolver knows them; where it chose no stack, as the catalogue does."""
    if host.resolution:
        return [dict(gpu) for gpu in host.resolution.get("gpus", ())]
    cards = [
        pci
        for pci in (host.facts or {}).get("pci", ())
        if pci["vendor"] == _NVIDIA and pci["class"].startswith(_DISPLAY_CLASS)
    ]
    return [_from_catalogue(pci) for pci in cards]


def _from_catalogue(pci: Mapping[str, Any]) -> dict[str, Any]:
    row = load().gpu(pci["device"])
    sizes: Sequence[int] = row.memory_mib if row else ()
    return {
        "slot": pci["slot"],
        "device": pci["device"],
        "name": row.name if row else f"NVIDIA {pci['device']}",
        "architecture": row.architecture if row else None,
        "compute_capability": row.compute_capability if row else None,
        "memory_mib": sizes[0] if len(sizes) == 1 else None,
        "known": row is not None,
    }


def _rows(host: Mapping[str, Any]) -> list[tuple[str, str]]:
    system = host["os"] or {}
    rows = [
        ("os", f"{system.get('name', 'unknown')}, {host['architecture']}, kernel {host['kernel']}")
    ]
    rows += [("gpu", _gpu(gpu)) for gpu in host["gpus"]] or [("gpu", "no NVIDIA GPU")]
    if in_use := host["gpu_processes"]:
        users = ", ".join(f"{p['command']} ({p['user']}, pid {p['pid']})" for p in in_use)
        rows.append(("gpu in use", users))
    rows += [("driver", _driver(host["driver"])), ("cuda", _cuda(host["cuda"]))]
    if host["memory_mib"]:
        rows.append(("memory", gib(host["memory_mib"])))
    rows.append(
        (
            "free disk",
            ", ".join(f"{path} {gib(mib)}" for path, mib in host["free_mib"].items()) or "unknown",
        )
    )
    if host["secure_boot"] is not None:
        rows.append(("secure boot", "on" if host["secure_boot"] else "off"))
    if (asking := host["reboot_required"]) is not None:
        rows.append(("restart", f"asked for by {', '.join(asking) or 'the system'}"))
    rows += [("not read", f"{what}: {why}") for what, why in host["unread"].items()]
    return [(name, one_line(value)) for name, value in rows]


def _gpu(gpu: Mapping[str, Any]) -> str:
    capability = gpu.get("compute_capability")
    parts = [
        f"{gpu['name']} (10de:{gpu['device']}, {gpu['slot']})",
        str(gpu.get("architecture") or "unknown architecture"),
        f"compute capability {capability}" if capability else "unknown compute capability",
        gib(gpu["memory_mib"]) if gpu.get("memory_mib") else "",
        "" if gpu.get("known", True) else "not in the catalogue",
    ]
    return ", ".join(part for part in parts if part)


def _driver(driver: Mapping[str, Any]) -> str:
    flavour = f" ({driver['flavour']})" if driver["flavour"] else ""
    loaded = f"{driver['loaded']} loaded{flavour}" if driver["loaded"] else "not loaded"
    if driver["nouveau_loaded"]:
        loaded += ", nouveau loaded"
    library = f"library {driver['library']}" if driver["library"] else "no library"
    packages = " ".join(f"{name} {version}" for name, version in driver["packages"].items())
    return f"{loaded}; {library}; {packages or 'no driver package'}"


def _cuda(cuda: Mapping[str, Any]) -> str:
    packages = (
        ", ".join(f"{name} {version}" for name, version in cuda["packages"].items())
        or "no toolkit package"
    )
    return f"{packages}; /usr/local/cuda is {cuda['default']}" if cuda["default"] else packages
