"""Damage to files, the same for the same seed: bytes changed anywhere, or values that no program would write."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from tests.builders import workbooks
from tests.builders.large_estate import large_estate

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
MACHINE_SHEETS = ("vInfo", "vCPU", "vMemory", "vDisk", "vNetwork", "vSnapshot")
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", "nan", "-", "N/A", "1e999", "0x10", "yes", "TRUE", "99999999999999999999999", "\u202eexe.vm", "a\u0301" * 400,
    "x" * 100_000, "2026-02-30", "12,5", "1.234.567", "=1+1", "@sum", True, False, -1, 0, 0.5, -1e300, 1e18, 2**63, 45000.75,
)  # fmt: skip


@cache
def _sheets() -> workbooks.Sheets:
    """A small estate as RVTools exports it."""
    return workbooks.workbook_of(large_estate(6, hosts=25))


@cache
def _workbook() -> bytes:
    return workbooks.xlsx(_sheets())


@cache
def _texts() -> dict[str, bytes]:
    return workbooks.csv_texts(_sheets())


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


def damaged_archive(dice: random.Random, path: Path) -> None:
    """The bytes of the file as a whole."""
    path.write_bytes(damaged(_workbook(), dice))


def damaged_part(dice: random.Random, path: Path) -> None:
    """One part is damaged, the archive around it is sound: this reaches the parser."""
    with zipfile.ZipFile(io.BytesIO(_workbook())) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = dice.choice([name for name in old.namelist() if name.startswith("xl/")])
        for name in old.namelist():
            new.writestr(name, damaged(old.read(name), dice) if name == chosen else old.read(name))


def damaged_csv(dice: random.Random, path: Path) -> None:
    """One CSV file of a zip is damaged."""
    texts = _texts()
    chosen = dice.choice(sorted(texts))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in texts.items():
            new.writestr(name, damaged(content, dice) if name == chosen else content)


def odd_cells(dice: random.Random, path: Path) -> None:
    """A sound workbook with values nobody expects, columns gone, renamed or twice, rows cut short, sheets gone."""
    odd = deepcopy(_sheets())
    for _ in range(dice.choice((1, 5, 40))):
        of_machines = [name for name in MACHINE_SHEETS if name in odd]
        head, rows = odd[dice.choice(of_machines if of_machines and dice.random() < 0.8 else sorted(odd))]
        column = dice.randrange(len(head))
        match dice.randrange(8):
            case 0:
                head[column] = dice.choice(("", head[dice.randrange(len(head))], head[column].upper(), "Unheard of"))
            case 1 if rows:
                del rows[dice.randrange(len(rows))][dice.randrange(1, 20) :]
            case 2 if len(odd) > 1 and dice.random() < 0.2:
                del odd[dice.choice(sorted(odd))]
            case _ if rows:
                row = dice.choice(rows)
                row[column % len(row)] = dice.choice(ODD_VALUES)
    path.write_bytes(workbooks.xlsx(odd))


WORKBOOK_DAMAGES: dict[str, Callable[[random.Random, Path], None]] = {
    "archive": damaged_archive,
    "part": damaged_part,
    "csv": damaged_csv,
    "cells": odd_cells,
}
