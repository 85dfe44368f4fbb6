"""How many hosts at a time, where the user says it and where nobody does."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlconf import content, forks


@pytest.mark.parametrize(
    ("cores", "hosts", "expected"),
    [
        (1, None, 10),
        (2, None, 20),
        (8, None, 80),
        (64, None, 100),
        (8, 3, 3),
        (2, 500, 20),
        (2, 0, 1),
    ],
)
def test_the_default_follows_cores_and_hosts(cores: int, hosts: int | None, expected: int) -> None:
    assert forks.default(cores, hosts) == expected


def test_what_the_user_says_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSIBLE_FORKS", raising=False)
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    monkeypatch.setattr(forks, "cores", lambda: 4)
    assert forks.of_run(None, None) == 40
    assert forks.of_run(None, ["gpu1", "gpu2"]) == 2
    own = tmp_path / "ansible.cfg"
    monkeypatch.setenv("ANSIBLE_CONFIG", str(own))
    own.write_text("[defaults]\ntimeout = 5\n", encoding="utf-8")
    assert forks.of_run(None, None) == 40
    own.write_text("[defaults]\nforks = 7\n", encoding="utf-8")
    assert forks.of_run(None, None) is None  # Ansible reads it there
    assert forks.of_run(3, None) == 3
    own.write_text("forks: 7 of no section\n", encoding="utf-8")
    assert forks.of_run(None, None) == 40
    monkeypatch.setenv("ANSIBLE_CONFIG", str(content.root() / "ansible.cfg"))
    assert forks.of_run(None, None) == 40  # ours says it for plain Ansible
    monkeypatch.setenv("ANSIBLE_FORKS", "9")
    assert forks.of_run(None, ["gpu1"]) is None
