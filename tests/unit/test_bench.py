"""The benchmark's own parts: what it compares, and what it gives to the peers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import first, fleet, measure, page
from bench.lab import write_resources


def sleeping(seconds: float, log: Path) -> list[str]:
    return [
        sys.executable,
        "-c",
        f"import time; open({str(log)!r}, 'a').write('x'); time.sleep({seconds})",
    ]


def test_commands_are_timed_in_turn_after_a_warm_up_each_made_ready_for(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.touch()
    ready: list[str] = []
    commands = {"quick": sleeping(0.01, calls), "slow": sleeping(0.3, calls)}
    samples = measure.in_turn(
        commands,
        runs=2,
        cwd=tmp_path,
        log=tmp_path / "log",
        before={"slow": lambda: ready.append(calls.read_text())},
    )
    assert ready == ["x", "xxx", "xxxxx"]
    row = measure.compared(("quick", samples["quick"]), ("slow", samples["slow"]), 1.5)
    assert (row.measure, row.against) == ("quick", "slow")
    assert (row.runs, row.goal, row.met) == (2, 1.5, row.ratio >= 1.5)
    assert row.against_wall_s[0] >= 0.3
    assert row.peak_mib
    assert row.against_peak_mib
    assert row.machine_cpu_s is not None
    assert measure.rescaled(row, 8.0, "many").ratio == round(row.ratio * 8, 2)


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        measure.run(["false"], tmp_path, tmp_path / "log")


def test_a_row_tells_both_sides() -> None:
    row = measure.Row(
        "ours", "theirs", 2.5, 4.0, 5, (2.0, 1.5, 2.25), (5.0, 4.0, 6.0), 1.25, None, 70.0, 57.0
    )
    expected = (
        "| ours | theirs | 2.5 | 4 | no | 5 | 2 (1.5-2.25) | 5 (4-6) | 1.25 |  |  |  | 70 | 57 |  |"
    )
    assert page.line(row) == expected
    text = page.text([row], "2 cores")
    assert "Machine: 2 cores." in text
    assert text.endswith(expected + "\n")


def test_a_later_run_replaces_its_own_rows_alone(tmp_path: Path) -> None:
    def row(name: str, ratio: float, run: str) -> measure.Row:
        return measure.Row(name, "theirs", ratio, 4.0, 5, (1.0, 1.0, 1.0), (), 1.0, None, run=run)

    results, shown = tmp_path / "results.json", tmp_path / "benchmarks.md"
    page.write([row("one", 1.0, "1 May"), row("two", 2.0, "1 May")], "2 cores", results, shown)
    rows = page.merge(page.load(results), row("one", 5.0, "2 May"))
    assert page.merge(rows, row("three", 3.0, "2 May"))[2].measure == "three"
    page.write(rows, "2 cores", results, shown)
    assert [(one["ratio"], one["run"], one["met"]) for one in json.loads(results.read_text())] == [
        (5.0, "2 May", True),
        (2.0, "1 May", False),
    ]
    assert shown.read_text().splitlines()[-2].endswith("| 2 May |")


def test_the_peers_are_told_the_names_of_held_packages(tmp_path: Path) -> None:
    package = {"version": "1", "status": "installed", "hold": True}
    packages = {
        "libnvidia-gl-580": {**package, "source": "nvidia-graphics-drivers-580"},
        "curl": {**package, "source": "curl"},
    }
    contracts = {
        "nvidia_driver": [{"kind": "hold_source", "source": "nvidia-graphics-drivers-580*"}],
        "cudnn": [{"kind": "hold", "name": "cudnn9"}],
    }
    states = {"gpu1": {"contracts": contracts, "facts": {"dpkg": {"packages": packages}}}}
    write_resources(tmp_path / "resources.json", states)
    found = json.loads((tmp_path / "resources.json").read_text())["gpu1"]
    held = [resource["name"] for resource in found if resource["kind"] == "hold"]
    assert held == ["cudnn9", "libnvidia-gl-580"]


@pytest.mark.parametrize("gpu", [True, False])
def test_the_script_of_a_host_is_shell_with_its_values(gpu: bool, tmp_path: Path) -> None:
    cuda = {"packages": ["cuda-toolkit-12-9"], "repository_url": "https://cuda.test/c.deb"}
    framework = {
        "environment": "jax",
        "python": "3.11",
        "requirements": ["jax[cuda13]==0.10.2", "keras"],
        "index_url": None,
    }
    other = framework | {"environment": "other", "index_url": "https://vendor.test/cu"}
    install = {
        "driver": {"packages": ["nvidia-driver-580", "nvidia-utils-580"]} if gpu else None,
        "cuda": cuda if gpu else None,
        "cudnn": None,
        "anaconda": {"url": "https://conda.test/m.sh"},
        "frameworks": [framework, other],
    }
    state = {
        "facts": {"os": {"codename": "jammy"}},
        "resolution": {"install": install},
    }
    text = first.script(state, {})
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    values = text.partition("# What a blog post")[0]
    show = 'printf "%s|" "$driver_packages" "$cuda_repository" "$environments"'
    shown = subprocess.run(
        ["bash", "-c", values + show], capture_output=True, text=True, check=True
    )
    driver = "nvidia-driver-580 nvidia-utils-580|https://cuda.test/c.deb" if gpu else "|"
    builds = "jax[cuda13]==0.10.2,keras"
    assert shown.stdout == f"{driver}|jax||{builds} other|https://vendor.test/cu|{builds}|"
    site = first.script(state, {"frameworks_index_url": "https://wheels.test/simple"})
    assert f"other|https://wheels.test/simple|{builds}" in site


def test_a_fleet_is_this_machine_under_many_names(tmp_path: Path) -> None:
    text = Path(fleet.inventory(tmp_path, 3)).read_text()
    assert text.split("\n\n")[0].split() == ["host000", "host001", "host002"]
    assert "ansible_connection=local" in text
