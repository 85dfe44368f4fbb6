"""What apt's source files state, which of it is stated twice, and how a statement is set aside.

Shared by the modules that run on hosts and by the contracts: standard library only (3.8 to 3.14). The files are read
here and not by apt, because apt says nothing once two of them contradict each other.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from typing import Any, Callable, Iterable, Mapping

SOURCES = "/etc/apt/sources.list"
FOLDER = "/etc/apt/sources.list.d"
ASIDE = "/var/lib/dlconf/aside"
MARK = "# Set aside by dlconf: "
# apt passes over files of other names (sources.list(5)).
SOURCE_NAME = re.compile(r"[\w.-]+\.(?:list|sources)\Z", re.ASCII)
ONE_LINE = re.compile(r"(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)")
FIELD = re.compile(r"([A-Za-z][\w-]*):[ \t]*(.*)")
FALSE = ("no", "false", "without", "off", "disable", "0")
INLINE_KEY = "a key written into the file"
# Launchpad's older name of the same server, as add-apt-repository wrote it until Ubuntu 21.10.
SAME_HOSTS = {"ppa.launchpad.net": "ppa.launchpadcontent.net"}
APT_LIMIT_S = 300

Statement = Mapping[str, Any]  # file, uri, suite, signed_by


def statements(text: str, file: str) -> list[Statement]:
    """Return what a source file states: one statement for each address and suite, without passwords.

    Args:
        text: of the file.
        file: its path; the ending decides how it is read.
    """
    return [
        {"file": file, "uri": without_login(uri), "suite": suite, "signed_by": signed_by}
        for block in blocks(text, file)
        for uri, suite, signed_by in block["states"]
    ]


def blocks(text: str, file: str) -> list[dict[str, Any]]:
    """Return the parts of a source file that state something: `lines` (first, behind the last) and `states`."""
    return (_stanzas if file.endswith(".sources") else _one_lines)(text)


def _one_lines(text: str) -> list[dict[str, Any]]:
    found = []
    for number, line in enumerate(text.splitlines()):
        entry = ONE_LINE.match(line.partition("#")[0].strip())
        if entry:
            options = dict(option.partition("=")[::2] for option in (entry.group(2) or "").split())
            states = [(entry.group(3), entry.group(4), options.get("signed-by", ""))]
            found.append({"lines": (number, number + 1), "states": states})
    return found


def _stanzas(text: str) -> list[dict[str, Any]]:
    found = []
    lines = [*text.splitlines(), ""]
    start = 0
    for number, line in enumerate(lines):
        if line.strip():
            continue
        fields = _fields(lines[start:number])
        if fields.get("enabled", "yes").lower() not in FALSE and "uris" in fields:
            key = fields.get("signed-by", "")
            signed_by = INLINE_KEY if "-----BEGIN" in key else " ".join(key.split())
            states = [
                (uri, suite, signed_by)
                for uri in fields["uris"].split()
                for suite in fields.get("suites", "").split()
            ]
            found.append({"lines": (start, number), "states": states})
        start = number + 1
    return found


def _fields(lines: Iterable[str]) -> dict[str, str]:
    """Return the fields of one stanza (deb822(5)), their names in lower case."""
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        head = FIELD.match(line)
        if line.startswith("#"):
            continue
        if head:
            name = head.group(1).lower()
            fields[name] = head.group(2).strip()
        elif name:
            fields[name] += "\n" + line.strip()
    return fields


def without_login(uri: str) -> str:
    """Return an address without the user and password that it may hold."""
    return re.sub(r"://[^/\s]*@", "://", uri)


def address(uri: str, suite: str) -> str:
    """Return the same text for every way to write one repository's address.

    Left out are http or https, logins, the ports that these imply, and doubled or closing slashes.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        scheme, _colon, rest = uri.partition(":")
    host, _slash, path = rest.partition("/")
    host = re.sub(r":(?:80|443)\Z", "", host.rpartition("@")[2].lower())
    if scheme.lower() not in ("http", "https"):
        host = scheme.lower() + ":" + host
    tail = suite if suite.endswith("/") else "dists/" + suite
    parts = [part for part in (path + "/" + tail).split("/") if part not in ("", ".")]
    return "/".join([SAME_HOSTS.get(host, host), *parts])


def rivals(stated: Iterable[Statement], file: str, content: str) -> list[Statement]:
    """Return the statements in other files than this one of the repositories that a deb822 text states."""
    ours = {address(own["uri"], own["suite"]) for own in statements(content, "of.sources")}
    return [
        item
        for item in stated
        if item["file"] != file and address(item["uri"], item["suite"]) in ours
    ]


def conflicts(stated: Iterable[Statement]) -> list[tuple[Statement, Statement]]:
    """Return what keeps apt from reading its sources: (to set aside, the one that contradicts it) of each repository.

    Of two statements of one address and suite that name different keys apt reads neither ("Conflicting values set for
    option Signed-By"); one without a key contradicts those before it, and http counts as https (seen with apt 2.6;
    tests/unit/test_apt_sources.py asks the apt at hand). What dlconf wrote stays, else what came first with a key.

    Args:
        stated: in the order in which apt reads the files.
    """
    groups: dict[tuple[str, str], list[Statement]] = {}
    for item in stated:
        uri = re.sub(r"^https?:", "", item["uri"]).rstrip("/")
        groups.setdefault((uri, item["suite"]), []).append(item)
    found = []
    for group in groups.values():
        keys = [item["signed_by"] for item in group]
        while keys and not keys[0]:
            del keys[0]  # a key may be added to one without
        if len(set(keys)) < 2:
            continue
        keyed = [item for item in group if item["signed_by"]]
        own = [item for item in keyed if "dlconf-" in os.path.basename(item["file"])]
        kept = (own or keyed)[0]
        found += [
            (item, kept)
            for item in group
            if item["file"] != kept["file"] and item["signed_by"] != kept["signed_by"]
        ]
    return found


def files(root: str = "") -> list[str]:
    """Return the paths of the source files, in the order in which apt reads them."""
    folder = root + FOLDER
    names = sorted(filter(SOURCE_NAME.match, os.listdir(folder) if os.path.isdir(folder) else []))
    return [SOURCES] + [os.path.join(FOLDER, name) for name in names]


def all_statements(root: str = "") -> list[Statement]:
    """Return what the source files of a system state."""
    found = []
    for file in files(root):
        text = _text(root + file)
        found += [] if text is None else statements(text, file)
    return found


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return None


class Change:
    """Changes of apt's files that are taken back together.

    Args:
        root: folder of the system; "" is this one.
        why: what the manifest says of what is set aside.
    """

    def __init__(self, root: str = "", why: str = "") -> None:
        self.root, self.why = root, why
        self._undo: list[Callable[[], None]] = []

    def take_back(self) -> None:
        """Restore every file as it was, the last change first."""
        while self._undo:
            self._undo.pop()()

    def write(self, file: str, content: str, mode: int = 0o644) -> None:
        """Write a file at once, or not at all."""
        path = self.root + file
        before = _text(path)
        status = os.stat(path) if before is not None else None
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _replace(path, content, mode)

        def undo() -> None:
            if before is None:
                os.unlink(path)
            else:
                _replace(path, before, status.st_mode & 0o7777 if status else mode)

        self._undo.append(undo)

    def set_aside(self, items: Iterable[Statement]) -> list[dict[str, str]]:
        """Take statements out of their files, keep these files in ASIDE, and return what the manifest says of each."""
        wanted: dict[str, list[Statement]] = {}
        for item in items:
            wanted.setdefault(item["file"], []).append(item)
        return [self._set_aside(file, found) for file, found in wanted.items()]

    def _set_aside(self, file: str, items: list[Statement]) -> dict[str, str]:
        text = _text(self.root + file) or ""
        gone = {(item["uri"], item["suite"]) for item in items}
        rest = remaining(text, file, gone)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        folder = self.root + ASIDE
        os.makedirs(folder, mode=0o700, exist_ok=True)
        name = "{}-{}".format(now.replace(":", ""), os.path.basename(file))
        while os.path.exists(os.path.join(folder, name)):
            name += "~"
        told = {"from": file, "to": os.path.join(ASIDE, name), "when": now, "why": self.why}
        told["what"] = ", ".join(sorted("{} {}".format(*pair) for pair in gone))
        told["left"] = "nothing" if rest is None else "the file's other statements"
        self.write(told["to"], text, 0o600)
        if rest is None:
            self._remove(file)
        else:
            self.write(file, rest, os.stat(self.root + file).st_mode & 0o7777)
        manifest = os.path.join(ASIDE, "manifest.json")
        kept = json.loads(_text(self.root + manifest) or "[]")
        self.write(manifest, json.dumps([*kept, told], indent=1) + "\n", 0o600)
        return told

    def _remove(self, file: str) -> None:
        path = self.root + file
        kept = path + ".dlconf-set-aside"  # a name that apt passes over
        os.rename(path, kept)
        self._undo.append(lambda: os.rename(kept, path))

    def settle(self) -> None:
        """Make the changes final."""
        for file in files_set_aside(self.root):
            os.unlink(file)
        del self._undo[:]


def files_set_aside(root: str) -> list[str]:
    """Return the files that are out of apt's way until a change is final."""
    folder = root + os.path.dirname(SOURCES)
    return [
        os.path.join(place, name)
        for place, _folders, names in os.walk(folder)
        for name in names
        if name.endswith(".dlconf-set-aside")
    ]


def remaining(text: str, file: str, gone: set[tuple[str, str]]) -> str | None:
    """Return a source file's text without some statements, None where nothing else is stated.

    Args:
        text: of the file.
        file: its path.
        gone: (address without login, suite) of each statement to take out.
    """
    lines = text.splitlines()
    left = False
    for block in reversed(blocks(text, file)):
        start, end = block["lines"]
        states = [(without_login(uri), suite) for uri, suite, _key in block["states"]]
        kept = [state for state in states if state not in gone]
        left = left or bool(kept)
        if len(kept) == len(states):
            continue
        commented = [MARK + line for line in lines[start:end]]
        stanza = lines[start:end] if kept else None
        if stanza:
            uris = [uri for uri, _suite, _key in block["states"]]
            uris = [
                uri for uri in dict.fromkeys(uris) if any(without_login(uri) == k for k, _ in kept)
            ]
            suites = list(dict.fromkeys(suite for _uri, suite in kept))
            complete = len(kept) == len(uris) * len(suites)
            commented = _with_fields(stanza, uris, suites) if complete else commented
        lines[start:end] = commented
    return "\n".join(lines) + "\n" if left else None


def _with_fields(stanza: list[str], uris: list[str], suites: list[str]) -> list[str]:
    """Return a stanza's lines with other addresses and suites."""
    values = {"uris": uris, "suites": suites}
    result: list[str] = []
    name = ""
    for line in stanza:
        head = FIELD.match(line)
        if head:
            name = head.group(1).lower()
        if name not in values or line.startswith("#"):
            result.append(line)
        elif head:
            result.append("{}: {}".format(head.group(1), " ".join(values[name])))
    return result


def _replace(path: str, content: str, mode: int) -> None:
    part = path + ".dlconf-part"  # a name that apt passes over
    with open(part, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(content)
    os.chmod(part, mode)
    os.replace(part, path)


def complaint(file: str) -> str:
    """Return what apt says where it cannot read its sources, or its preferences for a file of these; else ""."""
    command = ["apt-get", "indextargets"]
    if "/preferences" in file:  # whatever the sources are; and no cache is written without them
        empty = ("Etc::sourcelist=/dev/null", "Etc::sourceparts=/dev/null")
        none = ("Cache::pkgcache=", "Cache::srcpkgcache=")
        command = ["apt-cache", "policy", *("-oDir::" + option for option in empty + none)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ, LC_ALL="C"),
        timeout=APT_LIMIT_S,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace").split("\n")
    errors = [without_login(line[3:]) for line in said if line.startswith("E: ")]
    return " ".join(errors) or "apt failed" if done.returncode else ""
