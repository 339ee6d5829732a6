"""Spreadsheets in and out: hostile-safe reading of `.xlsx` and of CSV folders or zips, and writing of `.xlsx`.

What the columns mean belongs to whoever reads. Values are as the file types them: text, numbers, booleans, dates; an empty
cell is an empty text. Rows count from 1 and columns are letters, as the spreadsheet shows them.
"""

from __future__ import annotations

from estate.sheets.errors import (
    CellInvalid,
    ColumnMissing,
    FormulaRefused,
    SheetMissing,
    WorkbookError,
    WorkbookNotReadable,
    WorkbookTooLarge,
    WorkbookUnsafe,
)
from estate.sheets.filled import CellFault, Faults, FilledRow, filled_rows
from estate.sheets.opening import open_workbook
from estate.sheets.sheet import SMALL, Cell, Limits, Sheet, Workbook
from estate.sheets.writing import Column, SheetToWrite, write_workbook

__all__ = [
    "SMALL",
    "Cell",
    "CellFault",
    "CellInvalid",
    "Column",
    "ColumnMissing",
    "Faults",
    "FilledRow",
    "FormulaRefused",
    "Limits",
    "Sheet",
    "SheetMissing",
    "SheetToWrite",
    "Workbook",
    "WorkbookError",
    "WorkbookNotReadable",
    "WorkbookTooLarge",
    "WorkbookUnsafe",
    "filled_rows",
    "open_workbook",
    "write_workbook",
]
