"""What pure functions have answered, kept in the user's cache: what a host in order is asked every night is known then.

An answer is found by the hash of all that it depends on, dlconf's own code and data among it. So none can be stale, and
the folder may be removed at any time. It is believed because nobody else can have written it: the folders and the file
are this user's own and writable for nobody else, and the file holds the hash of what was answered, so that one that was
cut off or altered is answered anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dlconf import __version__, content
from dlconf.withheld import has_login

MOST_ANSWERS = 4096
LIBRARIES = ("ansible-core", "Jinja2", "PyYAML", "packaging")
"""Distributions that answers depend on."""
MOST_CODES = 3
"""Versions of dlconf whose answers are kept: a checkout and an installed one may take turns."""
_OTHER_KEYS = "\0keys"


def digest(*values: Any) -> str:
    """Return a text that equal values have in common, and no others: short, whatever their size."""
    return digest_of_json(*_with_text_keys(values))


def digest_of_json(*values: Any) -> str:
    """Return such a text of JSON data, in which all keys are text."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=repr).encode()).hexdigest()


def _with_text_keys(value: Any) -> Any:
    """Return a value in which YAML's keys that are no text are told from text: to JSON 1 and "1" are one key."""
    if isinstance(value, dict):
        items = {key: _with_text_keys(item) for key, item in value.items()}
        if all(isinstance(key, str) for key in items):
            return items
        return {_OTHER_KEYS: {repr(key): item for key, item in items.items()}}
    if isinstance(value, list | tuple):
        return [_with_text_keys(item) for item in value]
    return value


def cache_home() -> Path:
    """Return dlconf's folder for what can be made again (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dlconf"


def counting_files() -> Iterator[tuple[str, Path]]:
    """Yield the files that answers depend on, each with its name: code, catalogue, the roles' variables."""
    package, root = Path(__file__).resolve().parent, content.root()
    variables = [f"roles/*/{folder}/*.yml" for folder in ("defaults", "vars", "meta")]
    for folder, patterns in (
        (package, ["**/*.py", "catalogue/data/*.yml"]),
        (root, [*variables, "playbooks/vars/*.yml"]),
    ):
        for pattern in patterns:
            for path in sorted(folder.glob(pattern)):
                yield str(path.relative_to(folder)), path


def code_digest() -> str:
    """Return a text that changes with dlconf's code, roles and catalogue, with Python and with its libraries."""
    files = [
        (name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in counting_files()
    ]
    libraries = [version(name) for name in LIBRARIES]
    return digest(__version__, libraries, platform.python_version(), files)


class Forgetful:
    """A memo that keeps nothing."""

    def remember(self, question: str, given: Any, answer: Callable[[], Any]) -> Any:
        """Return the answer, in the form in which a memo that keeps it would."""
        del question, given
        return json.loads(json.dumps(answer()))


class Memo(Forgetful):
    """A folder of answers, of one version of the code.

    Args:
        home: folder of all versions' answers.
        code: of `code_digest`.
    """

    def __init__(self, home: Path, code: str) -> None:
        self._home = home
        self._folder = home / code
        self._is_safe = _may_make(home) and _is_safe(home) and _is_safe(self._folder)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of what was asked of this version."""
        return not (self._is_safe and self._folder.is_dir())

    def remember(self, question: str, given: Any, answer: Callable[[], Any]) -> Any:
        """Return the answer for what is given: the one that is kept, else a new one, which is kept then.

        Args:
            question: what is asked, a word.
            given: all that the answer depends on beside the code, as JSON data.
            answer: a pure function of it that returns JSON data.

        Raises: what `answer` raises; such an answer is not kept.
        """
        if not self._is_safe:
            return super().remember(question, given, answer)
        path = self._folder / f"{question}-{digest(given)}.json"
        with suppress(OSError, ValueError):  # not there, or not what was kept
            return json.loads(_read(path))
        text = json.dumps(answer())
        if has_login(text):  # of a site's catalogue, say
            return json.loads(text)
        with suppress(OSError):  # without a cache all is answered anew
            self._keep(path, text)
        return json.loads(text)

    def _keep(self, path: Path, text: str) -> None:
        if self.is_empty:
            self._forget_older_codes()
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
        kept = list(self._folder.iterdir())
        if len(kept) >= MOST_ANSWERS:
            for old in sorted(kept, key=_modified)[: len(kept) // 2]:
                old.unlink(missing_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=self._folder)  # only its owner can read it
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{_hash(text)}\n{text}")
        Path(unfinished).replace(path)

    def _forget_older_codes(self) -> None:
        codes = sorted(_folders(self._home), key=_modified, reverse=True)
        for old in codes[MOST_CODES - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


def of_this_code() -> Memo:
    """Return the memo of the code that runs."""
    return Memo(cache_home() / "answers", code_digest())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> str:
    """Return the answer of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not this user's own, or not as it was kept.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        if not _is_own(os.fstat(descriptor), stat.S_ISREG):
            raise ValueError(f"{path} can be written by others")
        kept, _, text = file.read().partition("\n")
    if kept != _hash(text):
        raise ValueError(f"{path} is not what was kept")
    return text


def _is_own(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    """Say whether a file or folder is of a kind, this user's own, and writable for nobody else."""
    return is_kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _is_safe(folder: Path) -> bool:
    """Say whether nobody else can have put anything into a folder; one of this user's that is open to others goes."""
    with suppress(OSError):
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & 0o022:
            shutil.rmtree(folder, ignore_errors=True)
        return _is_own(folder.lstat(), stat.S_ISDIR)
    return not os.path.lexists(folder)


def _may_make(folder: Path) -> bool:
    """Say whether a folder is there, or would be made in one of this user or of root: never as root in a user's."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    with suppress(OSError):
        return there.stat().st_uid in (0, os.geteuid())
    return False


def _folders(home: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in home.iterdir() if path.is_dir())


def _modified(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
