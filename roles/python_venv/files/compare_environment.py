"""Compare the environment that runs this with what it should hold: `python - PYTHON PACKAGES`.

PYTHON is the wanted version (such as 3.11), PACKAGES a JSON object of distribution names and
version patterns (fnmatch). Prints one JSON object: `works` (the wanted Python, with pip),
`differs`, the distributions that are missing or other, and `damaged`, those as NAME==VERSION of which
a file is missing or of another size than recorded. Looked at are files of top-level packages and those
of a megabyte and more, as the module dlconf_collect does.
Read from standard input by the environment's own Python, 3.6 or newer.
"""

import csv
import fnmatch
import json
import re
import sys
from pathlib import Path

try:
    from importlib.metadata import distributions
except ImportError:  # before Python 3.8
    from pkg_resources import working_set

    def installed():
        """Return name, version, RECORD and folder of every distribution."""
        return [
            (
                found.project_name,
                found.version,
                found.get_metadata("RECORD") if found.has_metadata("RECORD") else "",
                found.location,
            )
            for found in working_set
        ]
else:

    def installed():
        """Return name, version, RECORD and folder of every distribution."""
        return [
            (
                found.metadata["Name"],
                found.version,
                found.read_text("RECORD") or "",
                str(found.locate_file("")),
            )
            for found in distributions()
        ]


def normalised(name):
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def damaged(record, folder):
    """Tell whether a file of a distribution is missing or of another size than recorded."""
    for path, _digest, size in (row for row in csv.reader(record.splitlines()) if len(row) == 3):
        if not size or "," in path or (path.count("/") > 1 and int(size) < 1000000):
            continue
        try:
            if Path(folder, path).stat().st_size != int(size):
                return True
        except OSError:
            return True
    return False


def compare(python, packages):
    """Return what is printed."""
    found = {normalised(name): rest for name, *rest in installed() if name and rest[0]}
    running = "{}.{}.{}.".format(*sys.version_info[:3])
    differs, lost = [], []
    for name, pattern in sorted(packages.items()):
        version, record, folder = found.get(normalised(name), (None, "", ""))
        if version is None or not fnmatch.fnmatchcase(version, pattern):
            differs.append("{} {}".format(name, version or "is missing"))
        elif damaged(record, folder):
            lost.append(f"{name}=={version}")
    works = running.startswith(python + ".") and "pip" in found
    return {"works": works, "differs": differs, "damaged": lost}


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1], json.loads(sys.argv[2]))))
