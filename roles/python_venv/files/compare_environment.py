"""Compare the environment that runs this with what it should hold: `python - PYTHON PACKAGES`.

PYTHON is the wanted version (such as 3.11), PACKAGES a JSON object of distribution names and
version patterns (fnmatch). Prints one JSON object: `works` (the wanted Python, with pip) and
`differs`, the distributions that are missing or other.
Read from standard input by the environment's own Python, 3.6 or newer.
"""

import fnmatch
import json
import re
import sys

try:
    from importlib.metadata import distributions
except ImportError:  # before Python 3.8
    from pkg_resources import working_set

    def installed():
        """Return name and version of every distribution."""
        return [(found.project_name, found.version) for found in working_set]
else:

    def installed():
        """Return name and version of every distribution."""
        return [(found.metadata["Name"], found.version) for found in distributions()]


def normalised(name):
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def compare(python, packages):
    """Return what is printed."""
    found = {normalised(name): version for name, version in installed() if name and version}
    running = "{}.{}.{}.".format(*sys.version_info[:3])
    differs = [
        "{} {}".format(name, found.get(normalised(name), "is missing"))
        for name, pattern in sorted(packages.items())
        if not fnmatch.fnmatchcase(found.get(normalised(name), ""), pattern)
        or normalised(name) not in found
    ]
    return {"works": running.startswith(python + ".") and "pip" in found, "differs": differs}


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1], json.loads(sys.argv[2]))))
