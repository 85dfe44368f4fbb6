"""What this machine knows about package mirrors, read at run time and handed on to the lab.

Nothing of it is stored in an image or in the repository: it goes into a machine when it is made.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.lab.command import run

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
APT_SOURCES = Path("/etc/apt")
PASSED_APT_OPTIONS = re.compile(r"^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy)\b")
PIP_OPTIONS = ("index-url", "extra-index-url", "find-links", "trusted-host")


@dataclass(frozen=True)
class AptSource:
    """One suite of one apt repository."""

    uri: str
    suite: str


@dataclass(frozen=True)
class HostSettings:
    """The mirrors and trust of this machine.

    Attributes:
        os_id: `debian`, `ubuntu`, ... from os-release.
        sources: its apt repositories.
        apt_options: lines for apt.conf, without the sites of the lab's mirror in them.
        pip: pip's own option names (`extra-index-url`) and their values.
        proxies: `http_proxy` and the like.
        certificates: the CA bundle, PEM.
    """

    os_id: str
    sources: tuple[AptSource, ...]
    apt_options: tuple[str, ...]
    pip: Mapping[str, str]
    proxies: Mapping[str, str]
    certificates: str

    def folders(self) -> list[str]:
        """Return the local folders that pip's settings name: mounted read-only into machines."""
        return local_folders(self.pip)


def read_host_settings() -> HostSettings:
    """Read everything from this machine; programs and files that are missing count as no setting."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    os_id = re.search(r'^ID="?([a-z]+)', release, re.MULTILINE)
    bundle = Path(os.environ.get("SSL_CERT_FILE", CERTIFICATES))
    dump = run(["apt-config", "dump"], check=False).stdout.splitlines()
    proxies = {
        name: value
        for name, value in os.environ.items()
        if name.lower() in ("http_proxy", "https_proxy", "no_proxy")
    }
    return HostSettings(
        os_id=os_id[1] if os_id else "",
        sources=tuple(read_sources(APT_SOURCES)),
        apt_options=tuple(line for line in dump if PASSED_APT_OPTIONS.match(line)),
        pip=read_pip(),
        proxies=proxies,
        certificates=bundle.read_text(encoding="utf-8") if bundle.is_file() else "",
    )


def read_sources(apt: Path) -> Iterator[AptSource]:
    """Yield the binary repositories named by an /etc/apt folder, in both file formats."""
    lists = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.is_file():
            yield from parse_one_line_format(path.read_text(encoding="utf-8"))
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        yield from parse_deb822(path.read_text(encoding="utf-8"))


def parse_one_line_format(text: str) -> Iterator[AptSource]:
    """Yield the sources of `deb [options] uri suite component...` lines."""
    for line in text.splitlines():
        match = re.match(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line.strip())
        if match:
            yield AptSource(match[1], match[2])


def parse_deb822(text: str) -> Iterator[AptSource]:
    """Yield the sources of the stanzas of a .sources file; disabled ones are passed over."""
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", plain):
        fields = {
            key.lower(): value.split()
            for key, _, value in (line.partition(":") for line in stanza.splitlines())
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield AptSource(uri, suite)


def read_pip() -> dict[str, str]:
    """Return pip's settings from its files and environment, the latter over the former."""
    listing = run([sys.executable, "-m", "pip", "config", "list"], check=False).stdout
    return parse_pip_config(listing)


def parse_pip_config(listing: str) -> dict[str, str]:
    """Read `pip config list`: `global.x='..'` lines, and `:env:.x='..'` lines that outrank them."""
    found: dict[str, str] = {}
    for level in ("global", "install", "user", "site", ":env:"):
        for line in listing.splitlines():
            key, _, quoted = line.partition("=")
            name = key.removeprefix(f"{level}.")
            if key != name and name in PIP_OPTIONS and quoted:
                found[name] = " ".join(shlex.split(quoted)).replace("\\n", " ").strip()
    return found


def local_folders(pip: Mapping[str, str]) -> list[str]:
    """Return the existing folders in pip's settings, each with the files its index may point to."""
    found: set[str] = set()
    for word in _words(pip.values()):
        path = Path(unquote(urlsplit(word).path)) if word.startswith("file://") else Path(word)
        if path.is_absolute() and path.is_dir():
            # A simple index names its files by relative links, mostly beside the `simple` folder.
            found.add(str(path.parent if path.name == "simple" else path))
    return sorted(found)


def _words(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from value.split()


def debian_sources(sources: Iterable[AptSource], suite: str) -> str:
    """Return a sources.list for a Debian suite from this machine's mirrors of Debian.

    Where the machine has none (it is no Debian) the public mirror is named.
    """
    archive, security = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
    for source in sources:
        if source.suite.endswith("-security") and "debian-security" in source.uri:
            security = source.uri
        elif "/debian" in source.uri and "ubuntu" not in source.uri:
            archive = source.uri
    components = "main contrib non-free non-free-firmware"
    return (
        f"deb {archive} {suite} {components}\n"
        f"deb {archive} {suite}-updates {components}\n"
        f"deb {security} {suite}-security {components}\n"
    )
