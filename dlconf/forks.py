"""How many hosts Ansible works on at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from dlconf import ansiblesettings

PER_CORE = 10
LEAST, MOST = 10, 100


def default(cores: int, hosts: int | None = None) -> int:
    """Return how many hosts to work on at a time where nobody says it.

    Args:
        cores: of the machine that runs Ansible.
        hosts: in the run; None where only Ansible will know. It starts no more forks than it has hosts.
    """
    bound = max(LEAST, min(PER_CORE * cores, MOST))
    return bound if hosts is None else max(1, min(bound, hosts))


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # macOS has none
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def of_run(given: int | None, hosts: Sequence[str] | None) -> int | None:
    """Return the number to hand to Ansible; None where the user's own Ansible setting says it.

    Args:
        given: of --forks.
        hosts: the hosts of the run, where they are known before.
    """
    if given is not None:
        return given
    if set_by_user(os.environ):
        return None
    return default(cores(), None if hosts is None else len(hosts))


def set_by_user(environ: Mapping[str, str]) -> bool:
    """Say whether ANSIBLE_FORKS, or the ansible.cfg of the user that counts, sets the forks."""
    return ansiblesettings.said(environ, "ANSIBLE_FORKS", "forks") is not None
