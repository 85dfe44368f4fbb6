"""Role download where Python computes no MD5, as on a host in FIPS mode."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dlconf import ansiblesettings
from tests.role_readme import ROLES

# As OpenSSL refuses it there. The host is this machine, and its modules start with this.
NO_MD5 = """\
import hashlib
def md5(*args, **kwargs):
    raise ValueError("[digital envelope routines] unsupported")
hashlib.md5 = md5
"""
PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Ask for a file that is there
      ansible.builtin.include_role: {{name: download}}
      vars:
        download_url: https://vendor.invalid/file.deb
        download_path: {path}
        download_checksum: "{checksum}"
"""


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_checksum_is_compared_where_python_has_no_md5(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_MD5, encoding="utf-8")
    file = tmp_path / "file.deb"
    file.write_bytes(b"a package")
    digits = hashlib.new(algorithm, file.read_bytes()).hexdigest()
    play = PLAY.format(path=file, checksum=f"{algorithm}:{digits}")
    (tmp_path / "play.yml").write_text(play, encoding="utf-8")
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "--inventory=localhost,",
            "--connection=local",
            "--extra-vars=ansible_python_interpreter=/usr/bin/python3",
            "play.yml",
        ],
        cwd=tmp_path,
        env=os.environ | ansiblesettings.environment({}) | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "changed=0" in done.stdout
    assert file.read_bytes() == b"a package"


def test_no_role_has_python_compute_a_checksum_that_a_host_may_refuse() -> None:
    asked = [
        f"{path.name}: {word}"
        for path in ROLES.rglob("*.yml")
        for word in re.findall(r"checksum_algorithm: *(.+)", path.read_text(encoding="utf-8"))
    ]
    assert [word for word in asked if not re.search(r"sha(1|256)$", word)] == []
