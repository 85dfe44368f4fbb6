"""Plugins of Ansible's. Our module_utils are found here as on a host, where Ansible puts them beside its own."""

from pathlib import Path

import ansible.module_utils

ansible.module_utils.__path__.append(str(Path(__file__).parent / "module_utils"))
