"""Rows of a sheet as records: which column is which field, what an empty cell means, and what to do with one nobody can read.

Headers are compared without case and outer spaces; `MB` of old versions is read as `MiB`, which is what it always meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from estate.facts.unknown import Unknown
from estate.rvtools.values import BadCell, text
from estate.sheets import Cell, CellInvalid, Sheet
from estate.sheets.sheet import Row

EMPTY = Unknown("the workbook leaves this cell empty")
NOT_IN_WORKBOOKS = Unknown("RVTools does not export this", everywhere=True)

Record = dict[str, Any]
_OLD_UNIT = re.compile(r"\bmb\b")


@dataclass(frozen=True, slots=True)
class Column:
    """A field, the headers it may have (the first found counts), how its cells are read and what an empty one means.

    `vital`: a cell that cannot be read refuses the workbook; elsewhere it makes the field UNKNOWN. `key`: a text by which rows
    are put together or told; empty where there is no such column.
    """

    field: str
    headers: tuple[str, ...]
    read: Callable[[Cell], Any] = text
    empty: Any = EMPTY
    vital: bool = False
    key: bool = False


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """A sheet: its columns that are fields, and the other headers RVTools gives it, one a line or separated by `|`."""

    name: str
    columns: tuple[Column, ...]
    others: str = ""

    def unread(self) -> frozenset[str]:
        """Headers of columns that are no fields, as old and new versions of RVTools write them."""
        fields = {folded(header) for column in self.columns for header in column.headers}
        others = {folded(name) for name in re.split(r"[|\n]", self.others)} - fields
        return frozenset(others | {name.replace("mib", "mb") for name in others} - {""})

    def without_sheet(self) -> Record:
        """The fields of a record when the workbook has no such sheet."""
        return dict.fromkeys((c.field for c in self.columns), Unknown(f"the workbook has no sheet {self.name}", everywhere=True))

    def without_row(self) -> Record:
        """The fields of a machine the sheet has no row for."""
        return dict.fromkeys((c.field for c in self.columns), Unknown(f"sheet {self.name} has no row for this"))


def folded(header: str) -> str:
    """A header as it is compared."""
    return _OLD_UNIT.sub("mib", " ".join(header.lower().split()))


class Table:
    """One sheet read by its columns. `unknown` are (header, index) of columns RVTools itself does not have."""

    def __init__(self, sheet: Sheet, layout: SheetColumns) -> None:
        self._sheet = sheet
        self._layout = layout
        self.places = places = _places(sheet.header)
        self._present = [(c, i) for c in layout.columns if (i := _found(c, places)) is not None]
        there = {column.field for column, _ in self._present}
        self._base: Record = {c.field: self._without_column(c) for c in layout.columns if c.field not in there}
        self._texts = [(c.field, i, c.empty) for c, i in self._present if c.read is text]
        self._others = [(c.field, i, c.read, c.empty) for c, i in self._present if c.read is not text]
        known = {folded(name) for name in re.split(r"[|\n]", layout.others)}
        known |= {folded(header) for column in layout.columns for header in column.headers}
        self.unknown = [(sheet.header[index], index) for name, index in places.items() if name not in known]

    def lacks(self, *fields: str) -> tuple[str, ...]:
        """The usual headers of these fields, where the sheet has no column for them."""
        return tuple(c.headers[0] for c in self._layout.columns if c.field in fields and c.field in self._base)

    def records(self, alive: Callable[[], None]) -> Iterator[tuple[int, Record, Row]]:
        """Row number, fields and the row itself, of every row that is not empty. `alive` is called every now and then.

        Raises: CellInvalid for a vital cell that cannot be read.
        """
        for number, row in self._sheet.rows():
            if number % 500 == 0:
                alive()
            yield number, self._record(number, row), row

    def _record(self, number: int, row: Row) -> Record:
        """Nearly all the time of a large workbook is spent in these two loops."""
        record = self._base.copy()
        try:
            for field, index, empty in self._texts:
                cell = row[index]
                record[field] = empty if cell == "" else cell.strip() if cell.__class__ is str else text(cell)
            for field, index, read, empty in self._others:
                cell = row[index]
                record[field] = empty if cell == "" else read(cell)
        except (BadCell, IndexError):
            self._carefully(number, row, record)
        return record

    def _carefully(self, number: int, row: Row, record: Record) -> None:
        """A short row, or a cell that cannot be read."""
        for column, index in self._present:
            cell = row[index] if index < len(row) else ""
            try:
                record[column.field] = column.empty if cell == "" else column.read(cell)
            except BadCell as error:
                if column.vital:
                    raise self.invalid(column.field, number, str(error)) from error
                record[column.field] = Unknown(f"sheet {self._sheet.name}, row {number}: {error}")

    def invalid(self, field: str, number: int, message: str) -> CellInvalid:
        """The error for a cell of this field."""
        index = next((i for column, i in self._present if column.field == field), 0)
        header = self._sheet.header[index] if index < len(self._sheet.header) else ""
        column = self._sheet.columns[index]
        return CellInvalid(message, sheet=self._sheet.name, row=number, column=column, header=header)

    def _without_column(self, column: Column) -> Unknown | str:
        return "" if column.key else Unknown(f"sheet {self._sheet.name} has no column {column.headers[0]}", everywhere=True)


def _places(header: Iterable[str]) -> dict[str, int]:
    """Index by folded header; of two equal headers the first counts."""
    places: dict[str, int] = {}
    for index, name in enumerate(header):
        if name:
            places.setdefault(folded(name), index)
    return places


def _found(column: Column, places: dict[str, int]) -> int | None:
    return next((places[folded(name)] for name in column.headers if folded(name) in places), None)


def said(row: Row, index: int) -> str:
    """A cell as text; empty beyond the end of a short row."""
    return text(row[index]) if index < len(row) else ""
