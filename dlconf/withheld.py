"""What is kept from results, logs and files: what the vault hides, and logins in addresses.

The first rule is not to emit it: a variable that holds such a text, or reads one that does, is in no result
(`names`), and a host that has one is in no cache. The second is for text that nobody planned, such as what a
program prints when it fails: `Redactor` takes out of it every text that the vault hides, and every login.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from dlconf.rolevars import reached, texts

WITHHELD = "dlconf_withheld"
"""Variable that names those whose values are kept from results and logs."""
SHOWN = "***"
"""What stands in the place of a text that is not shown."""

_LOGIN = re.compile(
    r"(?<=://)([^/\s\"'<>\\]+)@"  # a user, password or token in an address
    r"|(?<![^\s\"'<>=,;(\[])(?://)?([^\s/:@\"'<>\\=,;(\[]+:[^\s/@\"'<>\\]+)@(?!sha\d+:)(?=[\w\[])"
)
"""The second is an address without its scheme, as proxies are often written; `image:tag@sha256:...` is none."""
_VAULT_HEADER = b"$ANSIBLE_VAULT;"
_SHORTEST = 4
"""A shorter text stands in so many words that to take it out would tell more than it hides."""
_WORD = 8
"""A text shorter than this counts only as a word of its own."""


def without_logins(text: str) -> str:
    """Return a text in which no address holds a user, password or token."""
    return _LOGIN.sub(f"{SHOWN}@", text) if "@" in text else text


def has_login(text: str) -> bool:
    """Say whether an address in a text holds a user, password or token."""
    return "@" in text and _LOGIN.search(text) is not None


def strings(value: Any) -> Any:
    """Return JSON data in which no address holds a login."""
    return _mapped(value, without_logins)


def names(given: Mapping[str, Any], wanted: Iterable[str]) -> list[str]:
    """Return those of the wanted variables that hold a secret, or whose templates read one that does.

    Args:
        given: a host's variables as written, with Ansible's tags.
        wanted: their names.
    """
    secret = functools.cache(lambda name: any(_secrets(given[name])))
    return sorted(
        name
        for name in wanted
        if name in given and any(map(secret, reached(given, [name]) | {name}))
    )


def without(variables: Mapping[str, Any], secret: Iterable[str]) -> dict[str, Any]:
    """Return rendered variables without the secret ones and those with a login in an address; WITHHELD names these."""
    found = {
        name
        for name, value in variables.items()
        if name in set(secret) or any(map(has_login, texts(value)))
    }
    kept = {name: value for name, value in variables.items() if name not in found}
    return kept | {WITHHELD: sorted(found)} if found else kept


def _secrets(value: Any) -> Iterator[Any]:
    """Yield each value inside a variable that the vault hides, and each address with a login."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item)
    elif _is_vaulted(value) or (isinstance(value, str) and has_login(value)):
        yield value


def _is_vaulted(value: Any) -> bool:
    """Say whether a value was encrypted: by itself (`!vault`), or with the whole file that it stands in.

    Ansible marks the first kind. Of the second it notes only which file a value comes from.
    """
    from ansible._internal._datatag._tags import Origin, VaultedValue  # noqa: PLC0415 - as below
    from ansible.parsing.vault import EncryptedString  # noqa: PLC0415 - 0.2 s, only where Ansible is

    if isinstance(value, EncryptedString) or VaultedValue.is_tagged_on(value):
        return True
    origin = Origin.get_tag(value)
    return origin is not None and origin.path is not None and _is_encrypted(origin.path)


@functools.cache
def _is_encrypted(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_VAULT_HEADER)) == _VAULT_HEADER
    except OSError:
        return False


def secret_texts(variables: Mapping[str, Any]) -> set[str]:
    """Return the texts of variables that must not be seen: what the vault hides, and passwords in addresses.

    Values that cannot be decrypted are passed over: nobody can print them either.
    """
    from ansible.errors import AnsibleError  # noqa: PLC0415 - as above

    found: set[str] = set()
    for value in _secrets(dict(variables)):
        try:
            text = str(value)
        except AnsibleError:
            continue
        if _is_vaulted(value):
            found.add(text)
        for login in _LOGIN.finditer(text):
            user, _colon, password = (login[1] or login[2]).partition(":")
            found |= {password or user, unquote(password or user)}
    return found


class Redactor:
    """Takes secret texts and logins out of what is about to be shown or kept."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, found: Iterable[str]) -> None:
        """Take in secret texts; of one with several lines, each line too."""
        lines = {line.strip() for text in found for line in (text, *text.splitlines())}
        new = {line for line in lines if len(line) >= _SHORTEST} - self._known
        if not new:
            return
        self._known |= new
        forms = {form for text in self._known for form in _forms(text)}
        words = map(_expression, sorted(forms, key=len, reverse=True))
        self._pattern = re.compile("|".join(words), re.IGNORECASE)  # messages lower some names

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(SHOWN, text)
        return without_logins(text)

    def data(self, value: Any) -> Any:
        """Return JSON data without secrets; the keys stay."""
        return _mapped(value, self.text)


def _forms(text: str) -> set[str]:
    """Return how a text stands in what programs print: plain, in an address, in JSON or Python's quotes, or in both."""
    once = {text, quote(text, safe=""), quote(text), *_quoted(text)}
    return once.union(*map(_quoted, once))


def _quoted(text: str) -> set[str]:
    """Return a text as it stands between the quotes of JSON, escaped or not, and of Python."""
    return {
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
    }


def _expression(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _WORD else rf"(?<!\w){escaped}(?!\w)"


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value
