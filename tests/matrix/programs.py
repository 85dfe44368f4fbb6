"""Python programs that break things on a host; each takes its arguments from the command line."""

_BUILD = """\
import os, shutil, subprocess, sys
def build(control, deb):
    folder = deb + ".d"
    os.makedirs(folder + "/DEBIAN")
    with open(folder + "/DEBIAN/control", "w") as stream:
        stream.write(control)
    subprocess.run(["dpkg-deb", "--build", folder, deb], check=True)
    shutil.rmtree(folder)
"""

EMPTY_PACKAGE = (
    _BUILD
    + """\
name, deb = sys.argv[1:]
build("Package: %s\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody\\nDescription: empty\\n" % name, deb)
"""
)
"""NAME DEB: make a package with nothing in it."""

OLDER_PACKAGE = (
    _BUILD
    + """\
name, source, deb = sys.argv[1:]
build(
    "Package: %s\\nSource: %s\\nVersion: 0.0.1\\nArchitecture: amd64\\nMaintainer: nobody\\nDescription: older\\n"
    % (name, source),
    deb,
)
"""
)
"""NAME SOURCE DEB: make an older version of an installed package."""

FOREIGN_REPOSITORY = (
    _BUILD
    + """\
import hashlib, time, urllib.request
name, folder, port = sys.argv[1:]
os.makedirs(folder)
control = "Package: %s\\nVersion: 9999:1\\nArchitecture: amd64\\nMaintainer: nobody\\nDescription: foreign\\n" % name
build(control, folder + "/foreign.deb")
with open(folder + "/foreign.deb", "rb") as stream:
    data = stream.read()
with open(folder + "/Packages", "w") as stream:
    stream.write(control + "Filename: ./foreign.deb\\nSize: %d\\n" % len(data))
    stream.write("SHA256: %s\\n" % hashlib.sha256(data).hexdigest())
serve = ["systemd-run", "--unit=dlconf-foreign-repository", "python3", "-m", "http.server", "--directory", folder]
subprocess.run(serve + ["--bind", "127.0.0.1", port], check=True)
for _ in range(100):
    try:
        urllib.request.urlopen("http://127.0.0.1:%s/Packages" % port)
        break
    except OSError:
        time.sleep(0.1)
with open("/etc/apt/sources.list.d/dlconf-foreign.list", "w") as stream:
    stream.write("deb [trusted=yes] http://127.0.0.1:%s ./\\n" % port)
subprocess.run(["apt-get", "-q", "update"], check=True)
"""
)
"""NAME FOLDER PORT: add a repository on this host that offers a higher version of a package."""

LOSE_RECORDS = """\
import importlib.metadata, shutil, sys
shutil.rmtree(importlib.metadata.distribution(sys.argv[1])._path)
"""
"""NAME, run by an environment's Python: delete the records of a distribution and leave its modules."""

FOREIGN_RECORDS = """\
import os, sysconfig
folder = os.path.join(sysconfig.get_paths()["purelib"], "dlconf_foreign-1.0.dist-info")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "METADATA"), "w") as stream:
    stream.write("Metadata-Version: 2.1\\nName: dlconf-foreign\\nVersion: 1.0\\n")
"""
"""Run by an environment's Python: add the records of a distribution dlconf-foreign."""

OLDER_RECORDS = """\
import importlib.metadata, os, re, sys
old = str(importlib.metadata.distribution(sys.argv[1])._path)
new = os.path.join(os.path.dirname(old), os.path.basename(old).split("-")[0] + "-0.0.1.dist-info")
os.rename(old, new)
for name, pattern, text in (
    ("METADATA", r"(?m)^Version: .*$", "Version: 0.0.1"),
    ("RECORD", "(?m)^" + re.escape(os.path.basename(old)), os.path.basename(new)),
):
    with open(os.path.join(new, name)) as stream:
        changed = re.sub(pattern, text, stream.read())
    with open(os.path.join(new, name), "w") as stream:
        stream.write(changed)
"""
"""NAME, run by an environment's Python: let a distribution's records say that it is version 0.0.1."""

CUT_MODULE = """\
import importlib.metadata, sys
files = importlib.metadata.distribution(sys.argv[1]).files
modules = [file for file in files if file.suffix == ".py" and len(file.parts) <= 2 and file.size]
open(modules[0].locate(), "w").close()
"""
"""NAME, run by an environment's Python: cut off the first module of a distribution."""

OLDER_CONDA_PACKAGE = """\
import glob, json, os, sys
prefix, name = sys.argv[1:]
(old,) = glob.glob(os.path.join(prefix, "conda-meta", glob.escape(name) + "-[0-9]*.json"))
with open(old) as stream:
    record = json.load(stream)
for key in ("fn", "url"):
    record[key] = record.get(key, "").replace(record["version"], "4.3.16")
for key in ("md5", "sha256"):  # those of another package
    record.pop(key, None)
record["version"] = "4.3.16"
build = os.path.basename(old).rsplit("-", 1)[1]
with open(os.path.join(prefix, "conda-meta", name + "-4.3.16-" + build), "w") as stream:
    json.dump(record, stream)
os.remove(old)
"""
"""PREFIX NAME: let conda's record of a package say that it is version 4.3.16."""

CHANGE_KEY = """\
import json, sys
path, key, word = sys.argv[1:]
with open(path) as stream:
    data = json.load(stream)
if word == "lost":
    del data[key]
else:
    data[key] = "changed"
with open(path, "w") as stream:
    json.dump(data, stream)
"""
"""PATH KEY lost|changed: take a top-level key out of a JSON file, or give it another value."""

EMPTY_FILE = "import os, sys; open(os.path.expanduser(sys.argv[1]), 'w').close()"
"""Empties a file whose path may begin with a user's home: PATH."""

ADD_LINE = "import os, sys; print(sys.argv[2], file=open(os.path.expanduser(sys.argv[1]), 'a'))"
"""Adds a line to a file whose path may begin with a user's home: PATH, LINE."""
