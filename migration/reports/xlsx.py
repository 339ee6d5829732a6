"""The spreadsheet form of a report: what it says in order on the first sheet, and each table on a sheet of its own.

Made from the same tree as page and print. Whole numbers become numbers; every other text stays a text, whatever it begins with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from estate.sheets.writing import Column, SheetToWrite, write_workbook
from migration.reports.core.document import Block, Document, Figures, Heading, Paragraph, Picture, Table, Tone, Verdict

SHEET_NAME_CHARS = 31
LONGEST_NUMBER_DIGITS = 9
_NOT_IN_NAMES = re.compile("[\\[\\]:*?/\\\\]|[^\x20-\ud7ff\ue000-\ufffd]")  # also none that counts as two of the 31 characters
_WORDS = {Tone.GOOD: "good", Tone.CAUTION: "caution", Tone.BAD: "bad", Tone.UNKNOWN: "unknown", Tone.PLAIN: ""}


def render(document: Document, *, made_at: datetime) -> bytes:
    """The workbook of a document; the same document and time give the same bytes."""
    summary = [("title", "", f"{document.title}: {document.customer}, {document.project}")]
    summary += [
        ("made", "", f"{document.made_at} by {document.made_by}"),
        *(row for block in document.blocks for row in _said(block)),
    ]
    columns = (Column("What", 14), Column("How it stands", 14), Column("Text", 110, wrap=True))
    return write_workbook([SheetToWrite("Report", columns, summary), *_tables(document)], made_at=made_at)


def _said(block: Block) -> Iterator[tuple[str, str, str]]:
    """What a block says in words; a table has its own sheet."""
    if isinstance(block, Heading):
        yield "heading", "", block.text
    elif isinstance(block, Verdict):
        yield "verdict", _WORDS[block.tone], block.text
    elif isinstance(block, Paragraph):
        yield "text", "", block.text
    elif isinstance(block, Picture):
        yield "picture", "", f"{block.caption} (drawn in the HTML and PDF forms)"
    elif isinstance(block, Figures):
        yield from (("figure", "", f"{label}: {value}") for label, value in block.pairs)
    elif isinstance(block, Table) and not block.rows:
        yield "table", "", block.empty


def _tables(document: Document) -> Iterator[SheetToWrite]:
    heading, taken = "Table", {"report"}
    for block in document.blocks:
        if isinstance(block, Heading):
            heading = block.text
        if isinstance(block, Table) and block.rows:
            name = _free(heading, taken)
            taken.add(name.lower())
            yield SheetToWrite(name, _columns(block), [[_value(cell.text) for cell in cells] for cells in block.rows])


def _columns(table: Table) -> tuple[Column, ...]:
    widest = sum(table.widths)
    shares = zip(table.columns, table.widths, strict=True)
    return tuple(Column(title, max(10, round(140 * width / widest)), wrap=True) for title, width in shares)


def _free(heading: str, taken: set[str]) -> str:
    """A sheet name nobody has yet: spreadsheets take 31 characters, and not all of them."""
    wanted = _NOT_IN_NAMES.sub(" ", heading).strip("' ") or "Table"
    for number in range(1, len(taken) + 2):
        ending = "" if number == 1 else f" {number}"
        name = wanted[: SHEET_NAME_CHARS - len(ending)].rstrip("' ") + ending
        if name.lower() not in taken:
            return name
    raise AssertionError("one of so many names is free")


def _value(text: str) -> int | str:
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER_DIGITS
    return int(text) if is_number and str(int(text)) == text else text
