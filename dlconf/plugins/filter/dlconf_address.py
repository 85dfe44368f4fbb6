"""Filters on addresses that hold a login: `https://USER:PASSWORD@HOST/PATH`, or with a token alone before the `@`.

A login belongs on no command line and in no file that everyone can read. So the roles give programs the address
without it, and the login in a file of root's.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible.errors import AnsibleFilterError

AUTH_FOLDER = "/etc/apt/auth.conf.d"

_LOGIN = re.compile(r"(?<=://)([^/\s]*)@")


def without_login(address: str) -> str:
    """Return the address without what stands between `://` and `@`."""
    return _LOGIN.sub("", str(address))


def has_login(address: str) -> bool:
    """Say whether an address holds a login."""
    return _LOGIN.search(str(address)) is not None


def _login(address: str) -> tuple[str, str]:
    """Return user and password of an address, decoded."""
    found = _LOGIN.search(address)
    user, _colon, password = (found[1] if found else "").partition(":")
    return unquote(user), unquote(password)


def apt_login(addresses: Iterable[str], name: str) -> list[dict[str, Any]]:
    """Return the resource of a contract that gives apt the logins of addresses: a file of root's, or none.

    The form is that of apt_auth.conf(5): an entry counts for other schemes than https only where it names them.

    Args:
        addresses: of repositories, as a source has them.
        name: of the role; its file is `dlconf-NAME.conf`.

    Raises:
        AnsibleFilterError: a login holds white space, which apt's form cannot write.
    """
    path = f"{AUTH_FOLDER}/dlconf-{name.replace('_', '-')}.conf"
    entries = [_apt_entry(str(address), name) for address in addresses if has_login(address)]
    if not entries:
        return [{"kind": "absent", "path": path}]
    content = "\n".join(["# Written by dlconf", *dict.fromkeys(entries), ""])
    of_root = {"mode": "0600", "owner": "root", "group": "root"}
    return [{"kind": "file", "path": path, "content": content, "secret": True} | of_root]


def _apt_entry(address: str, name: str) -> str:
    user, password = _login(address)
    if re.search(r"\s", user + password):
        raise AnsibleFilterError(
            f"role {name}: the login in the address of a repository holds white space, which apt cannot read"
        )
    words = ["machine", without_login(address).rstrip("/"), "login", user]
    return " ".join([*words, "password", password] if password else words)


def watched_contents(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return `PATH:CONTENT` of each secret file: what the host is asked to compare, so that no hash of it leaves it."""
    return [f"{item['path']}:{item['content']}" for item in resources if item.get("secret")]


def npmrc(address: str) -> str:
    """Return the settings with which npm logs in to a registry, by its address without the scheme (npm's .npmrc)."""
    user, password = _login(address)
    place = without_login(address).partition(":")[2].rstrip("/") + "/"
    if not password:
        return f"{place}:_authToken={user}\n"
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"{place}:_auth={login}\n"


def curl_config(address: str) -> str:
    """Return an address as a file of options that curl reads: quoted, with its escapes (curl(1), --config)."""
    parts = urlsplit(str(address))
    if not parts.scheme or re.search(r"[\x00-\x1f]", str(address)):
        raise AnsibleFilterError("an address to fetch is none")
    return f"url = {json.dumps(str(address), ensure_ascii=False)}\n"


class FilterModule:
    """The filters, by their names in templates."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them."""
        return {
            "dlconf_without_login": without_login,
            "dlconf_has_login": has_login,
            "dlconf_apt_login": apt_login,
            "dlconf_watched_contents": watched_contents,
            "dlconf_npmrc": npmrc,
            "dlconf_curl_config": curl_config,
        }
