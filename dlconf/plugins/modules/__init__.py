"""Modules of Ansible's that run on hosts; the tests, and the task that calls them, import them here too."""

from pathlib import Path

import ansible.module_utils

# On a host Ansible puts our module_utils there (`module_utils` in ansible.cfg).
ansible.module_utils.__path__.append(str(Path(__file__).parents[1] / "module_utils"))
