"""The files that a machine gets before it boots: keys, mirrors, trust. All made at run time."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.lab.hostsettings import HostSettings, debian_sources

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
LAB_UID, LABPW_UID = 1500, 1501
HOMES = {"lab": LAB_UID, "labpw": LABPW_UID}
# Files older than any cache's limit: else apt takes the image's empty lists for fresh ones.
LONG_AGO = 1577836800.0


@dataclass(frozen=True)
class SeedFile:
    """One file of a machine."""

    content: str
    mode: int = 0o644
    owner: int = 0


@dataclass(frozen=True)
class Identity:
    """What makes a machine itself: its name, its host key and the key that may log in."""

    host_key: str
    host_key_public: str
    login_key_public: str


def seed_files(
    identity: Identity,
    host: HostSettings,
    *,
    authority: str,
    mirror_hosts: Sequence[str],
    suite: str | None,
) -> dict[str, SeedFile]:
    """Return the files of one machine by path.

    Args:
        identity: its keys.
        host: the settings of the machine that the lab runs on.
        authority: certificate of the vendor mirror, PEM.
        mirror_hosts: the sites that the mirror answers for; no proxy may be used for them.
        suite: the Debian suite whose packages the machine takes; None leaves the image's sources.
    """
    files = {
        "/etc/ssh/ssh_host_ed25519_key": SeedFile(identity.host_key, 0o600),
        "/etc/ssh/ssh_host_ed25519_key.pub": SeedFile(identity.host_key_public),
        "/etc/sudoers.d/lab": SeedFile(_SUDOERS, 0o440),
        "/etc/apt/apt.conf.d/99lab": SeedFile(apt_conf(host, mirror_hosts)),
        "/etc/pip.conf": SeedFile(pip_conf(host.pip)),
        "/etc/environment": SeedFile(environment(host, mirror_hosts)),
        "/usr/local/share/ca-certificates/lab-mirror.crt": SeedFile(authority),
        BUNDLE: SeedFile(host.certificates + authority),
    }
    if host.certificates:
        files["/usr/local/share/ca-certificates/lab-host.crt"] = SeedFile(host.certificates)
    if suite:
        files["/etc/apt/sources.list"] = SeedFile(debian_sources(host.sources, suite))
    for user, uid in HOMES.items():
        authorized = f"/home/{user}/.ssh/authorized_keys"
        files[authorized] = SeedFile(identity.login_key_public, 0o600, uid)
    return files


# sudo would drop the variables below, which tell root's programs of certificates and indexes.
_SUDOERS = (
    "lab ALL=(ALL) NOPASSWD: ALL\n"
    'Defaults env_keep += "SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"\n'
    'Defaults env_keep += "UV_FIND_LINKS UV_INDEX UV_DEFAULT_INDEX UV_INDEX_STRATEGY"\n'
    'Defaults env_keep += "UV_HTTP_TIMEOUT http_proxy https_proxy no_proxy"\n'
)


def apt_conf(host: HostSettings, mirror_hosts: Sequence[str]) -> str:
    """Return apt's options: the machine's own, but for the mirror's sites no proxy."""
    lines = [*host.apt_options, 'Acquire::Retries "3";']
    lines += ['Acquire::Languages "none";']  # descriptions are two fifths of what an update reads
    if any("::Proxy" in option for option in host.apt_options):
        for name in mirror_hosts:
            lines += [f'Acquire::{scheme}::Proxy::{name} "DIRECT";' for scheme in ("http", "https")]
    return "\n".join(lines) + "\n"


def pip_conf(pip: Mapping[str, str]) -> str:
    """Return pip's configuration: this machine's indexes, and the bundle with the mirror's CA."""
    lines = ["[global]", f"cert = {BUNDLE}", "timeout = 180", "disable-pip-version-check = true"]
    lines += [f"{name} = {value}" for name, value in sorted(pip.items())]
    return "\n".join(lines) + "\n"


def environment(host: HostSettings, mirror_hosts: Sequence[str]) -> str:
    """Return /etc/environment: certificates, the indexes again for uv, and proxies.

    uv takes the first index that knows a name unless told to look at all of them, as pip does.
    """
    values = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), BUNDLE)
    values["UV_HTTP_TIMEOUT"] = "180"
    for option, variable in (
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_INDEX"),
        ("find-links", "UV_FIND_LINKS"),
    ):
        if option in host.pip:
            values[variable] = host.pip[option]
    if "UV_INDEX" in values:
        values["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    proxies = {name.lower(): value for name, value in host.proxies.items()}
    if proxies:
        values.update(proxies)
        values["no_proxy"] = ",".join(filter(None, [proxies.get("no_proxy"), *mirror_hosts]))
    return "".join(f'{name}="{value}"\n' for name, value in values.items())


def seed_archive(files: Mapping[str, SeedFile]) -> bytes:
    """Return the files as a tar archive, to be unpacked over a container's root."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for user, uid in HOMES.items():
            archive.addfile(_folder(f"home/{user}/.ssh", 0o700, uid))
        archive.addfile(_folder("var/lib/apt/lists", 0o755, 0))
        for path, file in files.items():
            data = file.content.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), file.mode
            entry.uid = entry.gid = file.owner
            entry.mtime = time.time()
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def _folder(path: str, mode: int, owner: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
    entry.mtime = LONG_AGO
    return entry
