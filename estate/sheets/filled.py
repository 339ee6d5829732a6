"""Reading what people filled in: every wrong cell is told with its place, and none keeps the others from being read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from estate.sheets.errors import FormulaRefused, column_letters
from estate.sheets.sheet import Cell, Row, Sheet, Workbook, folded

MOST_FAULTS = 500
_CELL = re.compile(r"([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong with one cell. `row` is 0 where a whole sheet is meant, `column` its letters or empty."""

    sheet: str
    row: int
    column: str
    header: str
    code: str
    detail: str

    @property
    def place(self) -> str:
        """`Machines!F12`, as spreadsheets spell it."""
        return f"{self.sheet}!{self.column}{self.row or ''}" if self.column or self.row else self.sheet


@dataclass(slots=True)
class Faults:
    """All that is wrong with a workbook: the first `MOST_FAULTS` are kept, all are counted."""

    kept: list[CellFault] = field(default_factory=list)
    count: int = 0

    def add(self, fault: CellFault) -> None:
        self.count += 1
        if len(self.kept) < MOST_FAULTS:
            self.kept.append(fault)


class FilledRow:
    """One row of a sheet that was filled in. Its cells are asked for by header; what is wrong goes to the faults."""

    def __init__(self, sheet: Sheet, columns: Mapping[str, int], number: int, cells: Row, faults: Faults) -> None:
        self._sheet, self._columns, self._cells, self._faults = sheet, columns, cells, faults
        self.number = number

    def cell(self, header: str) -> Cell:
        """As the file types it; empty text where there is none."""
        index = self._columns[header]
        return self._cells[index] if index < len(self._cells) else ""

    def text(self, header: str) -> str:
        """A text, trimmed. A number is taken for the text it shows; a date or a truth value is a fault and reads as empty."""
        value = self.cell(header)
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value) if isinstance(value, int) else f"{value:.15g}"
        self.fault(header, code="cell_wrong_type", detail=f"{header} must be a text, not {value}.")
        return ""

    def fault(self, header: str, *, code: str, detail: str) -> None:
        """Something is wrong with this cell."""
        letters = column_letters(self._sheet.columns[self._columns[header]])
        self._faults.add(CellFault(self._sheet.name, self.number, letters, header, code, detail))


def filled_rows(workbook: Workbook, name: str, needed: Sequence[str], faults: Faults) -> Iterator[FilledRow]:
    """The rows of a sheet by the headers needed; none where the sheet, a column, or all trust in it is missing.

    Raises: WorkbookError for a file that cannot be read at all.
    """
    try:
        sheet = next(workbook.sheets(name), None)
    except FormulaRefused as refused:
        faults.add(_formula(name, refused))
        return
    if sheet is None:
        faults.add(CellFault(name, 0, "", "", code="sheet_missing", detail=f"The workbook has no sheet {name}."))
        return
    places = {folded(header): index for index, header in reversed(list(enumerate(sheet.header)))}
    missing = [header for header in needed if folded(header) not in places]
    for header in missing:
        detail = f"The sheet {name} has no column {header}."
        faults.add(CellFault(name, sheet.header_row, "", header, code="column_missing", detail=detail))
    if missing:
        return
    columns = {header: places[folded(header)] for header in needed}
    for number, cells in sheet.rows():
        yield FilledRow(sheet, columns, number, cells, faults)


def _formula(sheet: str, refused: FormulaRefused) -> CellFault:
    at = _CELL.search(refused.where.rpartition(" ")[2])
    column, row = (at[1], int(at[2])) if at else ("", 0)
    detail = f"{refused}; a formula's shown value may be old. {refused.next_step}"
    return CellFault(sheet, row, column, "", code="cell_formula", detail=detail)
