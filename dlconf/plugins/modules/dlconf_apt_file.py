#!/usr/bin/python
"""Write one of apt's files so that apt can read the result, and nothing is stated twice; else change nothing.

It runs on the host with Python's standard library only (3.8 to 3.14).
"""

from __future__ import annotations

import os
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule

try:
    from ansible.module_utils import dlconf_apt
except ImportError:  # as part of the package, on the controller
    from dlconf.plugins.module_utils import dlconf_apt

DOCUMENTATION = r"""
module: dlconf_apt_file
short_description: Write one of apt's files, and take it back where apt cannot read the result
description:
  - Writes a file below /etc/apt. What other source files state of the same repositories is first set aside, by any
    name and form, into /var/lib/dlconf/aside with a manifest.
  - Then apt is asked whether it can read its sources or preferences. Where it cannot, everything is as before, and
    the failure names the file and apt's reason.
  - Without `path` it only sets aside statements that contradict each other, so that apt can read its sources again.
options:
  path: {type: path, description: [the file]}
  content: {type: str, default: "", description: [its text]}
  mode: {type: str, default: "0644", description: [its mode]}
  sole: {type: str, default: "", description: [deb822 text; what other files state of its repositories is set aside]}
  why: {type: str, default: dlconf states this repository, description: [reason for the manifest]}
author: dlconf
"""
RETURN = r"""
aside: {type: list, returned: always, description: the statements that were set aside, or would be in check mode}
"""


def differs(path: str, content: str, mode: int) -> bool:
    """Return whether a path is not a file of root's with this content and mode."""
    try:
        status = os.lstat(path)
        with open(path, "rb") as stream:
            same = stream.read() == content.encode()
    except OSError:
        return True
    owner = (status.st_uid, status.st_gid)
    return not (
        same
        and stat.S_ISREG(status.st_mode)
        and stat.S_IMODE(status.st_mode) == mode
        and owner == (0, 0)
    )


def unwanted(parameters: dict[str, Any]) -> list[dlconf_apt.Statement]:
    """Return the statements that are to be set aside."""
    stated = dlconf_apt.all_statements()
    if not parameters["path"]:
        return [item for item, _kept in dlconf_apt.conflicts(stated)]
    rivals: list[dlconf_apt.Statement] = dlconf_apt.rivals(
        stated, parameters["path"], parameters["sole"]
    )
    return rivals


def run(module: AnsibleModule) -> dict[str, Any]:
    """Bring the change about, and return the module's result."""
    path, content = module.params["path"], module.params["content"]
    mode = int(module.params["mode"], 8)
    aside = unwanted(module.params)
    write = bool(path) and differs(path, content, mode)
    result: dict[str, Any] = {"changed": bool(write or aside), "aside": aside}
    if not result["changed"] or module.check_mode:
        return result
    change = dlconf_apt.Change(why=module.params["why"])
    try:
        result["aside"] = change.set_aside(aside)
        if write:
            change.write(path, content, mode)
            os.chown(path, 0, 0)
        complaint = dlconf_apt.complaint(path or dlconf_apt.SOURCES)
    except Exception:
        change.take_back()
        raise
    if complaint:
        change.take_back()
        name = path or ", ".join(sorted({item["file"] for item in aside}))
        module.fail_json(
            msg="with {} changed apt cannot read its {}: {}. Everything was left as it was. Next: mend what apt names, "
            "then run again.".format(
                name, "preferences" if "/preferences" in name else "sources", complaint.rstrip(".")
            )
        )
    change.settle()
    return result


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "content": {"type": "str", "default": ""},
            "mode": {"type": "str", "default": "0644"},
            "sole": {"type": "str", "default": ""},
            "why": {"type": "str", "default": "dlconf states this repository"},
        },
        supports_check_mode=True,
    )
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
