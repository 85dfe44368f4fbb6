"""Why none of the newer ones: every one of them is named, with what is against it and the row that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from packaging.version import Version

from dlconf.catalogue import load
from dlconf.cli import hostrun, main
from dlconf.errors import NoCompatibleStack
from dlconf.hosts import HostState, Survey
from dlconf.report.explanation import rejected_lines
from dlconf.report.text import PLAIN
from dlconf.resolve import as_planned, explain, resolve
from dlconf.resolve.explain import Explained, Rejected
from dlconf.stack import Machine
from dlconf.wishes import Wishes, read
from tests.unit.test_resolve_properties import machines, wishes

FACTS = Path(__file__).parents[1] / "facts"
CATALOGUE = load()


def of(gpu: str, component: str, **wished: Any) -> Explained:
    machine = Machine.described(gpus=[gpu], os="ubuntu-22.04", catalogue=CATALOGUE)
    found = explain(machine, Wishes(**wished), CATALOGUE)
    return next(item for item in found if item.reason.component == component)


def against(item: Explained, choice: str) -> Rejected:
    return next(row for row in item.rejected if row.choice.startswith(choice))


def test_every_newer_toolkit_is_named_with_its_own_row() -> None:
    found = of("GTX 1080 Ti", "cuda")
    newer = [text for text in CATALOGUE.cuda if Version(text) > Version("12.9.1")]
    assert [item.choice for item in found.rejected] == [f"CUDA {v}" for v in reversed(newer)]
    for version in newer:
        assert against(found, f"CUDA {version}").source == CATALOGUE.cuda[version].source
    assert "is sm_61, and nvcc 13.0 makes code for sm_75" in against(found, "CUDA 13.0").because


@pytest.mark.parametrize(
    ("gpu", "component", "wished", "choice", "because"),
    [
        ("GTX 1080 Ti", "driver", {}, "driver 595", "branch 580 is the last that drives"),
        ("RTX 3090", "driver", {}, "driver 610", "past its end of life (2026-08)"),
        ("RTX 3090", "driver", {"pins": {"driver": "580"}}, "driver 595", "the pin driver=580"),
        ("RTX 3090", "cuda", {}, "CUDA 13.3", "needs driver 610.43.02 for its full feature set"),
        (
            "GTX 1080 Ti",
            "pytorch",
            {"frameworks": ("pytorch",)},
            "pytorch 2.15.0",
            "needs compute capability 7.5",
        ),
        (
            "RTX 3090",
            "python",
            {"frameworks": ("tensorflow",)},
            "Python 3.14",
            "tensorflow 2.21.0 (and-cuda) has no wheel for Python 3.14",
        ),
        ("RTX 3090", "python", {}, "Python 3.14", "is the default without frameworks"),
    ],
)
def test_what_is_against_a_newer_version(
    gpu: str, component: str, wished: dict[str, Any], choice: str, because: str
) -> None:
    assert because in against(of(gpu, component, **wished), choice).because


def test_what_is_installed_is_against_a_newer_version() -> None:
    facts = json.loads((FACTS / "rtx-3090-ubuntu-22.04-installed.json").read_text())
    found = explain(facts, Wishes(frameworks=("pytorch",)), CATALOGUE)
    cuda = next(item for item in found if item.reason.component == "cuda")
    assert cuda.reason.choice == "12.8.1"
    assert (
        "CUDA 12.8.1 is installed on this host; --upgrade" in against(cuda, "CUDA 12.9.1").because
    )


@settings(max_examples=60, deadline=None)
@given(machines, wishes)
def test_an_explanation_is_that_of_the_answer_and_leaves_nothing_out(
    host: Machine, wanted: Wishes
) -> None:
    try:
        answer = resolve(host, wanted, CATALOGUE)
    except NoCompatibleStack:
        with pytest.raises(NoCompatibleStack):
            explain(host, wanted, CATALOGUE)
        return
    found = explain(host, wanted, CATALOGUE)
    assert tuple(item.reason for item in found) == answer.reasons
    for item in found:
        choices = [row.choice for row in item.rejected]
        assert len(set(choices)) == len(choices)
        assert all(row.because and row.source for row in item.rejected)


def test_versions_that_the_same_thing_is_against_are_one_line() -> None:
    rejected = [
        Rejected("CUDA 13.1", "no code for sm_61 in nvcc 13.1", "notes of 13.1"),
        Rejected("CUDA 13.0", "no code for sm_61 in nvcc 13.0", "notes of 13.0"),
        Rejected("CUDA 12.9", "not seen", "list"),
    ]
    assert rejected_lines(rejected) == [
        "CUDA 13.1 to CUDA 13.0 (2 versions): no code for sm_61 in nvcc 13.0 [notes of 13.0]",
        "CUDA 12.9: not seen [list]",
    ]


def survey() -> Survey:
    facts = json.loads((FACTS / "rtx-3090-ubuntu-22.04.json").read_text())
    variables = {"dlconf_frameworks": ["pytorch"], "dlconf_pins": {"cuda": ">=12.4,<13"}}
    resolution = as_planned(resolve(facts, read(variables), CATALOGUE))
    return Survey(
        {
            "gpu1": HostState("gpu1", "drift", facts, resolution, variables=variables),
            "gone": HostState("gone", "unreachable", exit_code=1),
        }
    )


@pytest.fixture
def surveyed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str | None]:
    """Let every look at hosts find the survey above; return the limits that were asked for."""
    asked: list[str | None] = []

    def look(verb: str, request: Any, as_json: bool, text: Any, data: Any) -> Survey:
        asked.append(request.limit)
        found = survey()
        hostrun.show(
            text(found, tmp_path / "log", PLAIN),
            data(found, tmp_path / "log"),
            as_json,
        )
        return found

    monkeypatch.setattr(hostrun, "look", look)
    return asked


def test_explain_reads_hosts_and_gives_the_versions_of_their_plan(
    surveyed: list[str | None],
) -> None:
    result = CliRunner().invoke(main, ["explain", "gpu1,gone", "--json"])
    assert result.exit_code == 1
    hosts = json.loads(result.stdout)["hosts"]
    assert hosts["gone"]["explanation"] is None
    cuda = next(item for item in hosts["gpu1"]["explanation"] if item["component"] == "cuda")
    resolution = survey().hosts["gpu1"].resolution or {}
    assert cuda["choice"] == resolution["stack"]["cuda"]["version"]
    assert {"choice", "because", "source"} == set(cuda["rejected"][0])
    assert "the pin cuda=>=12.4,<13 forbids" in cuda["rejected"][0]["because"]
    assert surveyed == [None]


def test_explain_takes_one_host_and_one_component(surveyed: list[str | None]) -> None:
    result = CliRunner().invoke(main, ["explain", "gpu1,gone", "gpu1", "pytorch"])
    assert surveyed == ["gpu1"]
    assert "pytorch  2.15.0" in result.stdout
    assert "cuda  " not in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gpu1", "cudda"], "there is no component 'cudda'"),
        (["gpu1", "cuda", "--limit", "gpu2"], "HOST and --limit"),
    ],
)
def test_explain_refuses_what_it_cannot_mean(words: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["explain", "gpu1,", *words])
    assert result.exit_code == 2
    assert message in result.stderr


def test_resolve_explains_a_described_machine() -> None:
    arguments = ["resolve", "--gpu", "GTX 1080 Ti", "--os", "ubuntu-22.04", "--explain"]
    text = CliRunner().invoke(main, arguments).stdout
    assert "not CUDA 13.5.0 to CUDA 13.0.0" in text
    found = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert {item["component"] for item in found["explanation"]} == {
        "driver",
        "python",
        "cuda",
        "cudnn",
    }
