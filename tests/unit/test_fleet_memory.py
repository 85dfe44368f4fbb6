"""What the controller keeps in memory of many hosts."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

from dlconf.outcome import Recorder
from tests.unit.fakerunner import events

MOST_KIB_A_HOST = 8


def survey_of(number: int) -> Iterator[dict[str, Any]]:
    """Yield the recorded look at a GPU host as that of many, each with a name, a disk and a card's id of its own."""
    recorded = [event for event in events("survey_drift") if event["event"] == "runner_on_ok"]
    text = json.dumps(recorded[0])
    name = recorded[0]["event_data"]["host"]
    for index in range(number):
        event = json.loads(text.replace(f'"{name}"', f'"gpu-{index}"'))
        event["event_data"]["res"]["dlconf"]["facts"] |= {
            "free_mib": {"/": 90_000 + index},
            "environments": {f"/opt/env{env}": {"jax": "0.10.2"} for env in range(200)},
        }
        yield event


def test_alike_hosts_share_what_is_kept_of_them() -> None:
    recorder = Recorder()
    tracemalloc.start()
    try:
        for event in survey_of(300):
            recorder.feed(event)
        kept_kib = tracemalloc.get_traced_memory()[0] / 1024
    finally:
        tracemalloc.stop()
    assert kept_kib / 300 < MOST_KIB_A_HOST  # each on its own: about 70


def test_sharing_changes_nothing() -> None:
    recorder = Recorder()
    for event in survey_of(3):
        recorder.feed(event)
    for event in survey_of(3):
        data = event["event_data"]
        assert recorder.hosts[data["host"]].states == [data["res"]["dlconf"]]
