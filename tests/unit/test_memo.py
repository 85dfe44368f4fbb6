"""What is remembered is what was answered, for the same question, from the same code."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dlconf import memo
from dlconf.memo import Memo

VALUES: list[Any] = [None, {"b": [1, 2.5, "x"], "a": {}}, [], "text", False]


def counted(value: Any) -> tuple[Callable[[], Any], list[int]]:
    """Return a function that answers with the value, and the list that grows with each call."""
    calls: list[int] = []

    def answer() -> Any:
        calls.append(1)
        return value

    return answer, calls


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_answer_is_given_again_by_another_process(tmp_path: Path, value: Any) -> None:
    answer, calls = counted(value)
    assert Memo(tmp_path, "code").is_empty
    given = {"b": 1, "a": [None]}
    assert Memo(tmp_path, "code").remember("what", given, answer) == value
    assert Memo(tmp_path, "code").remember("what", {"a": [None], "b": 1}, answer) == value
    assert len(calls) == 1
    assert not Memo(tmp_path, "code").is_empty


@pytest.mark.parametrize(
    ("code", "question", "given"),
    [("other", "what", [1]), ("code", "other", [1]), ("code", "what", ["1"])],
    ids=["another version", "another question", "another input"],
)
def test_nothing_else_gets_that_answer(
    tmp_path: Path, code: str, question: str, given: list[Any]
) -> None:
    Memo(tmp_path, "code").remember("what", [1], lambda: "first")
    assert Memo(tmp_path, code).remember(question, given, lambda: "second") == "second"


def test_keys_that_are_no_text_are_told_from_text() -> None:
    """Of a variable such as docker_daemon_options: YAML has keys of any kind, in one mapping too."""
    mixed = {1: "a", "b": "c", None: 2}
    assert memo.digest(mixed) == memo.digest({None: 2, "b": "c", 1: "a"})
    apart: list[Any] = [
        {1: "x"},
        {"1": "x"},
        {True: "x"},
        {"'1'": "x"},
        mixed,
        {"1": "a", "b": "c"},
    ]
    assert len({memo.digest(value) for value in apart}) == len(apart)
    assert memo.digest([{1: "x"}]) != memo.digest([{"1": "x"}])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-3],
        lambda text: "",
        lambda text: '{"settings": 5}',  # JSON, of no shape that was kept
        lambda text: text.replace("first", "fxrst"),
        lambda text: text.partition("\n")[2],
        lambda text: "\x00" * len(text),
    ],
)
def test_an_answer_that_was_cut_off_or_altered_is_made_anew(
    tmp_path: Path, spoil: Callable[[str], str]
) -> None:
    Memo(tmp_path, "code").remember("what", [1], lambda: "first")
    (kept,) = (tmp_path / "code").iterdir()
    whole = kept.read_text()
    kept.write_text(spoil(whole))
    assert Memo(tmp_path, "code").remember("what", [1], lambda: "second") == "second"
    assert Memo(tmp_path, "code").remember("what", [1], lambda: "third") == "second"


def test_what_others_can_write_to_is_not_believed(tmp_path: Path) -> None:
    """A folder that was open to others is emptied, and kept safe from then on."""
    for folder in (tmp_path / "home", tmp_path / "home" / "code"):
        Memo(tmp_path / "home", "code").remember("what", [1], lambda: "first")
        folder.chmod(0o775)
        assert Memo(tmp_path / "home", "code").remember("what", [1], lambda: "new") == "new"
        assert Memo(tmp_path / "home", "code").remember("what", [1], lambda: "newer") == "new"
        assert not folder.stat().st_mode & 0o022
        (kept,) = (tmp_path / "home" / "code").iterdir()
        kept.chmod(0o666)
        assert Memo(tmp_path / "home", "code").remember("what", [1], lambda: "first") == "first"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    Memo(tmp_path / "theirs", "code").remember("what", [1], lambda: "forged")
    (tmp_path / "home").symlink_to(tmp_path / "theirs")
    assert Memo(tmp_path / "home", "code").remember("what", [1], lambda: "answer") == "answer"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "code").symlink_to(tmp_path / "theirs" / "code")
    assert Memo(tmp_path / "own", "code").remember("what", [1], lambda: "answer") == "answer"
    (kept,) = (tmp_path / "theirs" / "code").iterdir()
    (tmp_path / "other" / "code").mkdir(parents=True)
    (tmp_path / "other" / "code" / kept.name).symlink_to(kept)
    assert Memo(tmp_path / "other", "code").remember("what", [1], lambda: "answer") == "answer"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_neither_believes_nor_fills_a_users_cache(tmp_path: Path) -> None:
    """As with a HOME that `sudo -E` keeps."""
    theirs = tmp_path / "theirs"
    Memo(theirs / "answers", "code").remember("what", [1], lambda: "forged")
    (kept,) = (theirs / "answers" / "code").iterdir()
    for path in (theirs, theirs / "answers", theirs / "answers" / "code", kept):
        os.chown(path, 65534, 65534)
    assert Memo(theirs / "answers", "code").remember("what", [1], lambda: "answer") == "answer"
    assert Memo(theirs / "new", "code").remember("what", [1], lambda: "answer") == "answer"
    assert not (theirs / "new").exists()
    assert [path.name for path in (theirs / "answers" / "code").iterdir()] == [kept.name]


def test_a_library_of_another_version_is_another_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = memo.code_digest()
    for library in ("ansible-core", "Jinja2", "PyYAML", "packaging"):
        with monkeypatch.context() as other:
            other.setattr(
                memo, "version", lambda name, lib=library: "9" if name == lib else version(name)
            )
            assert memo.code_digest() != before


def test_an_error_is_no_answer(tmp_path: Path) -> None:
    def fail() -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Memo(tmp_path, "code").remember("what", [1], fail)
    assert Memo(tmp_path, "code").remember("what", [1], lambda: "answer") == "answer"


def test_without_a_folder_to_write_to_all_is_answered(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.touch()
    assert Memo(home, "code").remember("what", [1], lambda: "answer") == "answer"


def test_only_its_owner_reads_what_is_kept(tmp_path: Path) -> None:
    Memo(tmp_path / "home", "code").remember("what", [1], lambda: "answer")
    (kept,) = (tmp_path / "home" / "code").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_the_folder_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MOST_ANSWERS", 4)
    for code in "abcde":
        for given in range(6):
            Memo(tmp_path, code).remember("what", given, lambda: "answer")
        assert len(list((tmp_path / code).iterdir())) <= 4
    assert {path.name for path in tmp_path.iterdir()} >= {"e"}
    assert len(list(tmp_path.iterdir())) == memo.MOST_CODES


def test_a_change_of_any_file_that_counts_is_another_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "main.yml"
    file.write_text("a: 1\n")
    monkeypatch.setattr(memo, "counting_files", lambda: [("roles/one/vars/main.yml", file)])
    before = memo.code_digest()
    assert memo.code_digest() == before
    file.write_text("a: 2\n")
    assert memo.code_digest() != before


def test_code_and_data_of_the_resolver_and_the_roles_count() -> None:
    assert {name for name, _ in memo.counting_files()} >= {
        *("resolve/rules.py", "hostvariables.py", "catalogue/data/cuda.yml"),
        *("roles/cuda/vars/main.yml", "roles/cuda/defaults/main.yml"),
        *("roles/cuda/meta/argument_specs.yml", "playbooks/vars/stack.yml"),
    }
