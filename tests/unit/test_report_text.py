"""No character from a host, a worker or a file steers a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dlconf.report import text

CLI = Path(text.__file__).parents[1] / "cli"
BIDI = "".join(map(chr, [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
C1 = "".join(map(chr, range(0x7F, 0xA0)))
STEERING = {*BIDI, *C1, *map(chr, range(0x20))} - {"\t", "\n"}


def test_the_table_is_that_of_unicode() -> None:
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    every = map(chr, range(0x110000))
    found = {character for character in every if unicodedata.bidirectional(character) in turning}
    assert found | {"\u061c", "\u200e", "\u200f"} == set(BIDI)
    assert {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"} == (
        STEERING - set(BIDI) | {"\t", "\n"}
    )


@given(st.text(st.sampled_from(sorted({*STEERING, *"a\n\t\\é漢0;3[m"}))))
def test_nothing_that_steers_is_left(value: str) -> None:
    assert not STEERING & set(text.clean(value))
    assert not STEERING & set(text.one_line(value))
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", text.printable(value))
    assert not STEERING & set(uncoloured)
    written = text.json_text({value: [value]})
    assert not STEERING & set(written)
    assert json.loads(written) == {value: [value]}


def test_colours_are_kept_and_so_is_all_other_text() -> None:
    coloured = text.Paint(True)("grün 漢字\t|\n", "good")
    assert text.printable(coloured) == coloured
    assert text.printable("\x1b]0;x\x07\u202e") == "\ufffd]0;x\ufffd\ufffd"


def test_every_command_prints_by_the_one_way() -> None:
    printing = re.compile(r"click\.(echo|secho)\(|\bprint\(|json\.dumps\(")
    files = {path.name for path in CLI.rglob("*.py") if printing.search(path.read_text())}
    assert files == {"output.py"}
