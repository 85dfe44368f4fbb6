"""Runs on the sandbox's host, with its Python: asks apt for packages exactly as Ansible's module apt does.

    install.py '{"names": [...], "downgrade": false, "change_held": false}'

The module's own code chooses the versions and builds the command, in its check mode; what apt prints is printed.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any, NoReturn

import apt
import apt_pkg
from ansible.modules import apt as module

module.apt, module.apt_pkg, module.APT_GET_CMD = apt, apt_pkg, "/usr/bin/apt-get"


class Refused(Exception):
    """The module gave up."""


class CheckMode:
    """What the module's functions ask of the module in check mode."""

    check_mode, _diff = True, False

    def __init__(self) -> None:
        self.params = {"policy_rc_d": None}

    def fail_json(self, msg: str, **_more: object) -> NoReturn:
        """Give up."""
        raise Refused(msg)

    def run_command(self, command: str) -> tuple[int, str, str]:
        """Run apt, and let its output through."""
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr


def main(asked: dict[str, Any]) -> int:
    """Ask, print what apt prints, and return 0 where it would install everything."""
    try:
        good, result = module.install(
            CheckMode(),
            asked["names"],
            apt.Cache(),
            allow_downgrade=asked["downgrade"],
            allow_change_held_packages=asked["change_held"],
        )
    except (Refused, SystemError, apt_pkg.Error) as error:
        good, result = False, {"stderr": str(error)}
    print(result.get("stdout", ""))
    if not good:
        print(result.get("stderr") or result.get("msg", ""), file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
