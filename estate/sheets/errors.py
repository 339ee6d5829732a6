"""What can be wrong with a spreadsheet. Each names the file, or the sheet, row and column; none passes by repeating."""

from __future__ import annotations

from estate.errors import AskPerson


def column_letters(index: int) -> str:
    """`A` for 0, `AB` for 27."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def place_of(sheet: str, row: int | None = None, column: int | None = None, header: str = "") -> str:
    """`vDisk, row 12, column F (Capacity MiB)`."""
    parts = [sheet]
    if row is not None:
        parts.append(f"row {row}")
    if column is not None:
        parts.append(f"column {column_letters(column)}" + (f" ({header})" if header else ""))
    return ", ".join(parts)


class WorkbookError(AskPerson):
    """Root of what this room raises."""

    code = "workbook_not_readable"


class WorkbookNotReadable(WorkbookError):
    """The file is missing, damaged, encrypted, or no spreadsheet of a kind that is read."""

    code = "workbook_not_readable"

    def __init__(self, message: str, *, where: str, next_step: str = "") -> None:
        step = next_step or "Open the file in a spreadsheet program, save it as a plain .xlsx workbook, and give that one."
        super().__init__(message, next_step=step, where=where)


class WorkbookTooLarge(WorkbookError):
    """The file, or what is packed in it, is larger than this reader takes."""

    code = "workbook_too_large"

    def __init__(self, message: str, *, where: str) -> None:
        step = "Check who made the file. If it is genuine, split the estate into several exports, e.g. one per cluster."
        super().__init__(message, next_step=step, where=where)


class WorkbookUnsafe(WorkbookError):
    """The file has something that no genuine workbook needs: a document type, entities, paths that leave it."""

    code = "workbook_unsafe"

    def __init__(self, message: str, *, where: str) -> None:
        step = "Do not use this file before you know who made it; export it again from its source."
        super().__init__(message, next_step=step, where=where)


class FormulaRefused(WorkbookError):
    """A cell holds a formula. Its shown value may be old or made by another file, so it is not taken."""

    code = "workbook_formula"

    def __init__(self, sheet: str, cell: str) -> None:
        at = f"{sheet}, cell {cell}" if cell else sheet
        step = "Select the sheet, copy it, paste it as values over itself, save and give the file again."
        super().__init__(f"{at} holds a formula", next_step=step, where=at)


class SheetMissing(WorkbookError):
    """Sheets that are needed are not in the workbook."""

    code = "workbook_sheet_missing"


class ColumnMissing(WorkbookError):
    """Columns that are needed are not in a sheet."""

    code = "workbook_column_missing"

    def __init__(self, sheet: str, missing: tuple[str, ...]) -> None:
        step = "Export the sheet again with all its columns, without renaming any."
        super().__init__(f"Sheet {sheet} has no column {', '.join(missing)}", next_step=step, where=f"{sheet}, row 1")


class CellInvalid(WorkbookError):
    """A cell that matters cannot be understood."""

    code = "workbook_cell_invalid"

    def __init__(self, message: str, *, sheet: str, row: int, column: int, header: str) -> None:
        at = place_of(sheet, row, column, header)
        super().__init__(f"{at}: {message}", next_step="Correct this cell and give the file again.", where=at)
