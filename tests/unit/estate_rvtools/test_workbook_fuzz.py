"""Damaged workbooks: whatever bytes change, the reader answers with facts or a coded error, soon and in bounded memory."""

from __future__ import annotations

import io
import os
import random
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from estate import rvtools
from estate.errors import AskPerson
from tests.builders import workbooks
from tests.builders.large_estate import large_estate

ROUNDS = 3400 if os.environ.get("XENBOUND_SOAK") else 60
MOST_S = 5.0
MOST_KIB = 500 << 10
CODES = {
    "workbook_not_readable",
    "workbook_too_large",
    "workbook_unsafe",
    "workbook_formula",
    "workbook_sheet_missing",
    "workbook_column_missing",
    "workbook_cell_invalid",
}
PIECES = (
    b"<f>1+1</f>",
    b'r="XFD1048576"',
    b'r="A0"',
    b"<!DOCTYPE a>",
    b"&#0;",
    b"&amp;lt;",
    b"1e999",
    b"-1",
    b"99999999999999999999999",
    b'"',
    b">",
    b"\xff\xfe",
    b"\0",
    b"</c>",
    b"<v>",
    b't="e"',
    b't="s"',
    b'count="99999999"',
    b",,,",
    b"\r\n",
)


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, a range removed, doubled, replaced by something that means something, or cut off."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        at, length = dice.randrange(len(changed) or 1), dice.choice((1, 3, 20, 200))
        match dice.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length] * dice.choice((1, 2, 50))
            case 3 if dice.random() < 0.1:
                del changed[at:]
            case _:
                piece = dice.choice(PIECES)
                changed[at : at + dice.choice((0, len(piece)))] = piece
    return bytes(changed)


def damaged_archive(whole: bytes, dice: random.Random, path: Path) -> Path:
    path.write_bytes(damaged(whole, dice))
    return path


def damaged_part(whole: bytes, dice: random.Random, path: Path) -> Path:
    """One part is damaged, the archive around it is sound: this reaches the parser."""
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = dice.choice([name for name in old.namelist() if name.startswith("xl/")])
        for name in old.namelist():
            new.writestr(name, damaged(old.read(name), dice) if name == chosen else old.read(name))
    return path


def damaged_csv(whole: bytes, dice: random.Random, path: Path) -> Path:
    """One CSV file of a zip is damaged."""
    texts = workbooks.csv_texts(SHEETS)
    chosen = dice.choice(sorted(texts))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in texts.items():
            new.writestr(name, damaged(content, dice) if name == chosen else content)
    return path


SHEETS = workbooks.workbook_of(large_estate(6, hosts=25))


@pytest.mark.soak
@pytest.mark.parametrize("damage", [damaged_archive, damaged_part, damaged_csv])
def test_a_damaged_workbook_is_read_or_refused_with_a_code(
    damage: Callable[[bytes, random.Random, Path], Path], tmp_path: Path
) -> None:
    whole = workbooks.xlsx(SHEETS)
    for seed in range(ROUNDS):
        path = damage(whole, random.Random(seed), tmp_path / "estate.xlsx")
        started_s = time.monotonic()
        try:
            rvtools.read(path, on_page=lambda kind, facts: None)
        except AskPerson as refused:
            assert refused.code in CODES, seed
            assert refused.next_step, seed
            assert refused.where, seed
        assert time.monotonic() - started_s < MOST_S, seed
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MOST_KIB


def test_damage_is_refused_and_survived_both(tmp_path: Path) -> None:
    """A fuzz whose inputs are all refused, or all read, tests one half only."""
    whole, outcomes = workbooks.xlsx(SHEETS), set()
    for seed in range(12):
        path = damaged_part(whole, random.Random(seed), tmp_path / "estate.xlsx")
        try:
            rvtools.read(path, on_page=lambda kind, facts: None)
            outcomes.add("read")
        except AskPerson as refused:
            outcomes.add(refused.code)
    assert "read" in outcomes
    assert len(outcomes) > 1
