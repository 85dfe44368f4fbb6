"""Scenarios run beside the unit tests, and start whenever there is room for one."""

from __future__ import annotations

import os

import pytest

from tests.molecule.conftest import environment_of


def test_a_scenario_sees_nothing_of_what_a_test_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = environment_of("cuda")
    monkeypatch.setenv("PATH", "/a/false/ssh")
    monkeypatch.setenv("XDG_CACHE_HOME", "/a/cache")
    monkeypatch.delenv("HOME", raising=False)
    assert environment_of("cuda") == before
    assert os.environ["PATH"] not in before["PATH"]
