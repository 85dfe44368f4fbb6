"""What a worker that is taken over can do here, and what of an inventory's folder it gets."""

from __future__ import annotations

import base64
import io
import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlconf.errors import DlconfError
from dlconf.fleet import payload, stream
from dlconf.outcome import HostOutcome
from dlconf.runfolder import RunFolder
from dlconf.runner import Run, run_playbook
from tests.unit.test_fleet_runs import place, through

__all__ = ["place"]
PEM = "-----BEGIN {}PRIVATE KEY-----\nAAAA\n-----END {}PRIVATE KEY-----\n"
VERSIONS = {"ansible-core": "2.19.0", "ansible-runner": "2.4.3"}
SSH = """#!/bin/sh
# Stands in for ssh to a worker that is taken over: what it sends is in a file.
cat "$FLEET/sent"
cat > /dev/null
"""


def event(host: str = "a", **data: Any) -> bytes:
    found = {"event": "runner_on_ok", "event_data": {"host": host, "task": "x", "res": {}} | data}
    return json.dumps(found).encode() + b"\n"


def messages(sent: bytes, hosts: tuple[str, ...] = ("a", "b")) -> Iterator[dict[str, Any]]:
    return stream.messages(io.BytesIO(sent), hosts, lambda line: line)


def archive(home: Path) -> bytes:
    """Return an archive as ansible-runner streams it: a link to a folder, and a file below that link."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        link = zipfile.ZipInfo("x")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        members.writestr(link, str(home))
        key = zipfile.ZipInfo("x/authorized_keys")
        key.external_attr = 0o600 << 16
        members.writestr(key, "ssh-ed25519 EVIL\n")
    size = len(packed.getvalue())
    head = json.dumps({"zipfile": size}).encode() + b"\n"
    return head + base64.b64encode(packed.getvalue()) + b'{"eof": true}\n'


# The stream


def test_events_and_statuses_come_until_the_artifacts() -> None:
    status = b'{"status": "running"}\n'
    sent = status + b'{"event": "keepalive"}\n' + event() + event("b") + archive(Path("/x"))
    found = [message.get("status") or message["event_data"]["host"] for message in messages(sent)]
    assert found == ["running", "a", "b"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (event("c"), "'c', which is not among its hosts"),
        (b"[1]\n", "no message of ansible-runner"),
        (b"\xff\xfe\n", "no message of ansible-runner"),
        (b"[" * 100_000 + b"\n", "no message of ansible-runner"),
        (b'{"event": "runner_on_ok", "event_data": [1]}\n', "none of ansible-runner's"),
    ],
)
def test_what_no_worker_sends_ends_it(sent: bytes, words: str) -> None:
    with pytest.raises(DlconfError, match="it sent") as caught:
        list(messages(event() + sent))
    assert words in caught.value.message


def test_there_is_a_bound_to_each_line_to_events_and_to_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "MOST_LINE_BYTES", 1000)
    monkeypatch.setattr(stream, "MOST_EVENTS_A_HOST", 5)
    monkeypatch.setattr(stream, "MOST_BYTES_A_HOST", 2000)
    assert len(list(messages(event() * 5 + event("b") * 5))) == 10
    for sent in (event() * 6, event("") * 6):
        with pytest.raises(DlconfError, match="more than a run can bring"):
            list(messages(sent))
    with pytest.raises(DlconfError, match="a line of more than"):
        list(messages(b"x" * 1001))
    big = event(more="x" * 800)
    with pytest.raises(DlconfError, match="more than a run can bring"):
        list(messages(big * 3 + event("b", more="x" * 800) * 3 + event("", more="x" * 800) * 3))


@pytest.fixture
def taken_over(place: Path) -> Path:
    (place / "bin" / "ssh").write_text(SSH, encoding="utf-8")
    return place


def run_of(place: Path, *sent: bytes) -> dict[str, HostOutcome]:
    """Return the outcome of a run whose worker greets as one does, and then sends this."""
    hello = {"dlconf_worker": 1, "versions": VERSIONS, "cores": 1, "folder": "/tmp/w"}
    (place / "sent").write_bytes(json.dumps(hello).encode() + b"\n" + b"".join(sent))
    return run_playbook(through("ctl1", place, "trivial.yml"), RunFolder.create("plan")).hosts


def test_no_archive_of_a_worker_is_unpacked(taken_over: Path) -> None:
    home = taken_over / "of_the_admin"
    home.mkdir()
    stats = b'{"event": "playbook_on_stats", "event_data": {}}\n'
    hosts = run_of(taken_over, event("a"), event("b"), event("c"), stats, archive(home))
    assert [host.ok for host in hosts.values()] == [1, 1, 1]
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (event("elsewhere"), "not among its hosts"),
        (event(res=5), "none of ansible-runner's"),
        (
            b'{"event": "playbook_on_stats", "event_data": {"failures": 5}}\n',
            "none of ansible-runner's",
        ),
    ],
)
def test_what_a_worker_invents_is_its_own_loss(taken_over: Path, sent: bytes, words: str) -> None:
    hosts = run_of(taken_over, event("a"), sent)
    assert list(hosts) == ["a", "b", "c"]
    for host in hosts.values():
        assert host.unreachable is not None
        assert words in host.unreachable.message


# What travels


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inventory that is a folder, with what lies about in such folders; the user's settings name two secrets."""
    files = {
        "hosts.ini": "gpu1\n",
        "other": "gpu2\n",
        "group_vars/all/main.yml": "x: 1\n",
        "group_vars/all/notes.txt": "of Ansible",
        "group_vars/.hidden.yml": "no",
        "host_vars/gpu1.yml": "x: 1\n",
        "files/catalogue.yml": "cuda: []\n",
        "files/lab.key": PEM.format("EC ", "EC "),
        "files/id_rsa": PEM.format("OPENSSH ", "OPENSSH "),
        ".vault_pass": "hunter2",
        ".git/config": "x",
        "id_ed25519": PEM.format("OPENSSH ", "OPENSSH "),
        "id_ed25519.pub": "ssh-ed25519 AAAA",
        "server.pem": "some words\n" + PEM.format("", ""),
        "putty.ppk": "PuTTY-User-Key-File-3: ssh-ed25519\n",
        "word": "open sesame\n",
        "lab_word": "open sesame\n",
        "README.md": "words",
        "ansible.cfg": "[defaults]\nvault_password_file = word\nvault_identity_list = lab@lab_word\n",
    }
    root = tmp_path / "lab"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(root / "ansible.cfg"))
    return root


TRAVELS = {
    "hosts.ini",
    "other",
    "id_ed25519.pub",
    "group_vars/all/main.yml",
    "group_vars/all/notes.txt",
    "host_vars/gpu1.yml",
    "files/catalogue.yml",
    "files/lab.key",
}


def test_a_folder_travels_without_dot_files_keys_and_passwords(lab: Path, tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.mkdir()
    payload.build(job, Run("site.yml", str(lab)), ["gpu1"])
    inside = job / "inventory"
    found = {str(path.relative_to(inside)) for path in inside.rglob("*") if path.is_file()}
    assert found == TRAVELS
    assert payload.left_out(str(lab)) == {
        "a dot file": [".git", ".vault_pass", "group_vars/.hidden.yml"],
        "a private key": ["files/id_rsa", "id_ed25519", "putty.ppk", "server.pem"],
        "Ansible does not read it": ["README.md", "ansible.cfg"],
        "your Ansible settings name it as a secret": ["lab_word", "word"],
    }


def test_so_do_the_folders_beside_a_file(lab: Path, tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.mkdir()
    payload.build(job, Run("site.yml", str(lab / "hosts.ini")), ["gpu1"])
    inside = job / "inventory"
    found = {str(path.relative_to(inside)) for path in inside.rglob("*") if path.is_file()}
    assert found == TRAVELS - {"other", "id_ed25519.pub"}
    assert payload.left_out(str(lab / "hosts.ini")) == {
        "a dot file": ["group_vars/.hidden.yml"],
        "a private key": ["files/id_rsa"],
    }
    assert payload.left_out("gpu1,") == {}


def test_what_stays_is_said(lab: Path, taken_over: Path) -> None:
    said: list[str] = []
    (taken_over / "sent").write_bytes(b"no worker\n" * 100)
    with pytest.raises(DlconfError):
        run_playbook(
            Run("state.yml", str(lab), workers=["ctl1"]), RunFolder.create("plan"), say=said.append
        )
    assert "not sent to workers (a dot file): .git, .vault_pass, group_vars/.hidden.yml" in said
    assert not any("README" in line for line in said)
