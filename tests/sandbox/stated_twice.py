"""A host where two files state one repository with different keys, so that apt reads no source: said, and mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from dlconf import content
from dlconf.contract import differences
from dlconf.facts import Facts
from dlconf.plugins.module_utils import dlconf_apt
from tests.sandbox.stacks import Stack, planner
from tests.sandbox.states import Host

COMPLAINTS = (
    "Conflicting values set for option Signed-By",
    "is configured multiple times",  # apt 3 takes a statement without a key beside one that has one
)


def unsaid(host: Host) -> Iterator[str]:
    """Yield what is wrong with the diagnosis of such a host: real apt complains, and the plan names the files.

    The plan is asked as it is made: what dlconf_collect reads of the source files, held against preflight's contract.
    """
    if not host.twice:
        return
    said = host.root.run(["apt-get", "indextargets"])
    if not any(complaint in said.stderr for complaint in COMPLAINTS):
        yield f"apt does not complain of this state: {said.stderr}"
    facts = {"apt": {"sources": dlconf_apt.all_statements(str(host.root.folder))}, "unread": {}}
    owned = planner().read(content.root() / "roles/preflight/vars/main.yml")["__preflight_contract"]
    found = differences([r for r in owned if r["kind"] == "sources"], cast(Facts, facts))
    named = {(d.id, name) for d in found for name in host.twice if name in d.expected}
    if not any({*pair} == {*host.twice} for pair in named):
        yield f"the plan does not name both of {', '.join(host.twice)}: {found}"


def left(host: Host, stack: Stack) -> Iterator[str]:
    """Yield what the roles left of it: rivals of what dlconf states, or a file that went and was not kept."""
    if not host.twice:
        return
    stated = dlconf_apt.all_statements(str(host.root.folder))
    sources = stack.of_kind("source")
    for source in sources:
        for rival in dlconf_apt.rivals(stated, source["path"], source["content"]):
            yield f"{rival['file']} still states the repository of {source['path']}"
    manifest = host.root.path(dlconf_apt.ASIDE) / "manifest.json"
    kept = (
        {entry["from"] for entry in json.loads(manifest.read_text())}
        if manifest.exists()
        else set()
    )
    gone = {name for name in host.twice if not host.root.path(name).exists()}
    if not gone:
        yield f"none of {', '.join(host.twice)} was set aside"
    for name in gone - kept:
        yield f"{name} is gone and was not kept"
