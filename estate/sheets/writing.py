"""Writing `.xlsx`: a frozen header row with filters, widths, lists of choices. A text stays a text, whatever it begins with.

A sheet to fill in is locked but for the columns that are open; no password, so that a person who must can unlock it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from estate.sheets.sheet import Cell

CELL_CHARS = 32_767
CHOICES_CHARS = 255
_LAST_ROW = 1_048_575
_TIMES, _DAYS = "yyyy-mm-dd hh:mm", "yyyy-mm-dd"
_GREY = {"bg_color": "#ECEEF1", "font_color": "#444B57"}
_MAY = {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header, its width in characters, and the values it may take (an empty tuple: any).

    `choices_from` is a range of cells that holds them instead (`Applications!$A$2:$A$500`). `closed`: grey, not to be filled in.
    `days`: empty cells take dates. `wrap`: long texts break into lines.
    """

    header: str
    width: int = 18
    choices: tuple[str, ...] = ()
    choices_from: str = ""
    closed: bool = False
    hidden: bool = False
    days: bool = False
    wrap: bool = False


@dataclass(frozen=True, slots=True)
class SheetToWrite:
    """A sheet: name (at most 31 characters), columns, rows of as many values; None is an empty cell, times are told in UTC.

    `fill_in`: only columns that are not closed can be written in.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell | None]]
    fill_in: bool = False


class _Formats:
    """The formats of one workbook's cells, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[str, Any] = {}
        self.heads = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})

    def of(self, column: Column, *, fill_in: bool, shown_as: str = "") -> Any:
        """The format of a column's cells, None for the usual one; `shown_as` is how numbers look that are times."""
        looks: dict[str, Any] = {**(_GREY if column.closed else {}), **({"text_wrap": True} if column.wrap else {})}
        if fill_in and not column.closed:
            looks["locked"] = False
        if shown_as:
            looks["num_format"] = shown_as
        key = repr(looks)
        if looks and key not in self._made:
            self._made[key] = self._book.add_format({**looks, "valign": "top"})
        return self._made.get(key)


def write_workbook(sheets: Iterable[SheetToWrite], *, made_at: datetime) -> bytes:
    """The workbook's bytes; the same content and `made_at` give the same bytes.

    A text that begins with `=`, `+`, `-` or `@` is stored as text and never runs. Texts over 32,767 characters are cut.

    Raises: ValueError for choices of more than 255 characters together, which no spreadsheet takes.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.set_properties({"created": made_at.astimezone(UTC).replace(tzinfo=None)})
    formats = _Formats(book)
    for sheet in sheets:
        _write_sheet(book.add_worksheet(sheet.name), sheet, formats)
    book.close()
    return target.getvalue()


def _write_sheet(page: Worksheet, sheet: SheetToWrite, formats: _Formats) -> None:
    _write_header(page, sheet, formats)
    cells = [
        (formats.of(column, fill_in=sheet.fill_in), formats.of(column, fill_in=sheet.fill_in, shown_as=_TIMES))
        for column in sheet.columns
    ]
    number = 0
    for number, row in enumerate(sheet.rows, 1):
        for column, value in enumerate(row):
            _write_cell(page, number, column, value, cells[column])
    page.autofilter(0, 0, max(1, number), max(0, len(sheet.columns) - 1))
    if sheet.fill_in:
        page.protect("", _MAY)


def _write_header(page: Worksheet, sheet: SheetToWrite, formats: _Formats) -> None:
    page.freeze_panes(1, 0)
    for number, column in enumerate(sheet.columns):
        looks = formats.of(column, fill_in=sheet.fill_in, shown_as=_DAYS if column.days else "")
        page.set_column(number, number, column.width, looks, {"hidden": column.hidden})
        page.write_string(0, number, column.header, formats.heads)
        if source := _choices(column):
            page.data_validation(1, number, _LAST_ROW, number, {"validate": "list", "source": source})


def _choices(column: Column) -> str | list[str]:
    if len(",".join(column.choices)) > CHOICES_CHARS:
        raise ValueError(f"the choices of {column.header} are too long together")
    return f"={column.choices_from}" if column.choices_from else list(column.choices)


def _write_cell(page: Worksheet, row: int, column: int, value: Cell | None, looks: tuple[Any, Any]) -> None:
    plain, as_time = looks
    if value is None or value == "":
        page.write_blank(row, column, None, plain)  # without a format this writes nothing
    elif isinstance(value, bool):
        page.write_boolean(row, column, value, plain)
    elif isinstance(value, int | float) and abs(value) < 1e15:
        page.write_number(row, column, value, plain)
    elif isinstance(value, datetime):
        page.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), as_time)
    else:
        page.write_string(row, column, str(value)[:CELL_CHARS], plain)
