"""Role verify: what it says of a machine, and that it changes nothing there."""

from __future__ import annotations

import json

from testinfra.host import Host

testinfra_hosts = ["ansible://cpu", "ansible://rtx3090"]

# On the machine with a GPU no driver can be loaded, so nothing of the GPU may count as proved.
STATUS = {
    "cpu": {"jax": "cpu"},
    "rtx3090": {"driver": "pending", "nvcc": "ok", "cuda kernel": "pending"},
}


def test_each_check_has_the_answer_that_is_true(host: Host, machine: str) -> None:
    checks = json.loads(host.file("/run/checks.json").content_string)
    assert {check["check"]: check["status"] for check in checks} == STATUS[machine]


def test_a_framework_answers_with_what_it_computed(host: Host, machine: str) -> None:
    details = {
        check["check"]: check["detail"]
        for check in json.loads(host.file("/run/checks.json").content_string)
    }
    assert ("[[22" in details["jax"]) if machine == "cpu" else ("release 13.2" in details["nvcc"])


def test_it_leaves_nothing_behind(host: Host) -> None:
    assert host.check_output("find /tmp /var/tmp /var/lib -name '*dlconf-verify*'") == ""
    assert (
        host.check_output(
            "find /opt/dlconf /usr/local -newer /run/checks.json -type f 2>/dev/null || true"
        )
        == ""
    )
