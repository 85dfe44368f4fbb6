"""What pure functions have answered, kept in the user's cache: what a host in order is asked every night is known then.

An answer is found by the hash of all that it depends on, dlconf's own code and data among it. So none can be stale, and
the folder may be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlconf import __version__, content
from dlconf.withheld import has_login

MOST_ANSWERS = 4096
MOST_CODES = 3
"""Versions of dlconf whose answers are kept: a checkout and an installed one may take turns."""


def digest(*values: Any) -> str:
    """Return a text that equal values have in common, and no others: short, whatever their size."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=repr).encode()).hexdigest()


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
    """Return a text that changes with dlconf's code, roles and catalogue, with Python and with Ansible."""
    from ansible.release import __version__ as ansible  # noqa: PLC0415 - only where playbooks run

    files = [
        (name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in counting_files()
    ]
    return digest(__version__, ansible, platform.python_version(), files)


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

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been asked of this version yet."""
        return not self._folder.is_dir()

    def remember(self, question: str, given: Any, answer: Callable[[], Any]) -> Any:
        """Return the answer for what is given: the one that is kept, else a new one, which is kept then.

        Args:
            question: what is asked, a word.
            given: all that the answer depends on beside the code, as JSON data.
            answer: a pure function of it that returns JSON data.

        Raises: what `answer` raises; such an answer is not kept.
        """
        path = self._folder / f"{question}-{digest(given)}.json"
        with suppress(OSError, ValueError):  # not there, or cut off by a full disk
            return json.loads(path.read_bytes())
        text = json.dumps(answer())
        if has_login(text):  # of a site's catalogue, say
            return json.loads(text)
        with suppress(OSError):  # without a cache all is answered anew
            self._keep(path, text)
        return json.loads(text)

    def _keep(self, path: Path, text: str) -> None:
        if self.is_empty:
            self._forget_older_codes()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = list(self._folder.iterdir())
        if len(kept) >= MOST_ANSWERS:
            for old in sorted(kept, key=_modified)[: len(kept) // 2]:
                old.unlink(missing_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=self._folder)  # only its owner can read it
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(unfinished).replace(path)

    def _forget_older_codes(self) -> None:
        codes = sorted(_folders(self._home), key=_modified, reverse=True)
        for old in codes[MOST_CODES - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


def of_this_code() -> Memo:
    """Return the memo of the code that runs."""
    return Memo(cache_home() / "answers", code_digest())


def _folders(home: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in home.iterdir() if path.is_dir())


def _modified(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
