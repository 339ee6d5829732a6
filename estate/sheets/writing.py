"""Writing `.xlsx`: a frozen header row with filters, widths, lists of choices. A text stays a text, whatever it begins with."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from estate.sheets.sheet import Cell

CELL_CHARS = 32_767
CHOICES_CHARS = 255
_LAST_ROW = 1_048_575
_DATES = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header, its width in characters, and the values it may take (an empty tuple: any)."""

    header: str
    width: int = 18
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetToWrite:
    """A sheet: name (at most 31 characters), columns, rows of as many values; None is an empty cell, times are told in UTC."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell | None]]


def write_workbook(sheets: Iterable[SheetToWrite], *, made_at: datetime) -> bytes:
    """The workbook's bytes; the same content and `made_at` give the same bytes.

    A text that begins with `=`, `+`, `-` or `@` is stored as text and never runs. Texts over 32,767 characters are cut.

    Raises: ValueError for choices of more than 255 characters together, which no spreadsheet takes.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.set_properties({"created": made_at.astimezone(UTC).replace(tzinfo=None)})
    heads, dates = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": _DATES})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        _write_header(page, sheet.columns, heads)
        for number, row in enumerate(sheet.rows, 1):
            for column, value in enumerate(row):
                _write_cell(page, number, column, value, dates)
    book.close()
    return target.getvalue()


def _write_header(page: Worksheet, columns: Sequence[Column], heads: object) -> None:
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, 0, max(0, len(columns) - 1))
    for number, column in enumerate(columns):
        page.set_column(number, number, column.width)
        page.write_string(0, number, column.header, heads)
        if column.choices:
            if len(",".join(column.choices)) > CHOICES_CHARS:
                raise ValueError(f"the choices of {column.header} are too long together")
            page.data_validation(1, number, _LAST_ROW, number, {"validate": "list", "source": list(column.choices)})


def _write_cell(page: Worksheet, row: int, column: int, value: Cell | None, dates: object) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, int | float) and abs(value) < 1e15:
        page.write_number(row, column, value)
    elif isinstance(value, datetime):
        page.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), dates)
    else:
        page.write_string(row, column, str(value)[:CELL_CHARS])
