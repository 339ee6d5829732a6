"""An `.xlsx` workbook: checked at the gate, then parsed in a process of its own that the system bounds."""

from __future__ import annotations

import contextlib
import datetime
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from lxml import etree

from estate.sheets import archive
from estate.sheets.errors import FormulaRefused, WorkbookNotReadable, WorkbookTooLarge
from estate.sheets.sheet import Limits, Row, Sheet, folded, header_of

_PROCESS = Path(__file__).with_name("parsing_process.py")
_INDEX = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_INDEX_BYTES = 4 << 20
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@contextlib.contextmanager
def open_xlsx(path: Path, limits: Limits) -> Iterator[XlsxWorkbook]:
    """Check and start to parse; the parser ends with the block.

    Raises: WorkbookError.
    """
    with archive.open_archive(path, limits) as packed:
        _check_kind(packed, path.name)
        found = archive.formulas(packed, path.name, limits)
        by_sheet = {name: found[part] for name, part in _sheet_parts(packed, path.name, limits).items() if part in found}
    with _Parser(path, limits) as parser:
        yield XlsxWorkbook(parser, limits, by_sheet)


def _check_kind(packed: zipfile.ZipFile, name: str) -> None:
    parts = set(packed.namelist())
    if "xl/workbook.bin" in parts:
        raise WorkbookNotReadable(f"{name} is a binary workbook (.xlsb), which is not read", where=name)
    if _INDEX not in parts:
        raise WorkbookNotReadable(f"{name} is a zip without a workbook in it", where=name)


def _sheet_parts(packed: zipfile.ZipFile, name: str, limits: Limits) -> dict[str, str]:
    """The archive's part by the sheet's name, folded."""
    relations = _parsed(packed, _RELATIONS, name, limits)
    targets = {each.get("Id"): _part(each.get("Target") or "") for each in relations}
    sheets = (each for each in _parsed(packed, _INDEX, name, limits).iter("{*}sheet"))
    return {folded(each.get("name") or ""): targets.get(each.get(_OFFICE), "") for each in sheets}


def _part(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)


def _parsed(packed: zipfile.ZipFile, part: str, name: str, limits: Limits) -> etree._Element:
    try:
        content = b"".join(archive.chunks(packed, packed.getinfo(part), name, limits))
        if len(content) > _INDEX_BYTES:
            raise WorkbookTooLarge(f"{name}: {part} is larger than any list of sheets", where=name)
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (KeyError, etree.XMLSyntaxError) as error:
        raise WorkbookNotReadable(f"{name}: {part} is damaged: {error}", where=name) from error


class XlsxWorkbook:
    """See `estate.sheets.sheet.Workbook`."""

    def __init__(self, parser: _Parser, limits: Limits, formulas: dict[str, str]) -> None:
        self._parser = parser
        self._limits = limits
        self._formulas = formulas
        self.names: tuple[str, ...] = tuple(parser.answer("names")[0])

    def sheets(self, *wanted: str) -> Iterator[Sheet]:
        """The wanted sheets, or all.

        Raises: WorkbookError; FormulaRefused for a wanted sheet with a formula in it.
        """
        by_name = {folded(name): name for name in self.names}
        for name in [folded(each) for each in wanted] or list(by_name):
            if name in by_name:
                yield from self._sheet(by_name[name])

    def _sheet(self, name: str) -> Iterator[Sheet]:
        cell = self._formulas.get(folded(name))
        if cell is not None:
            raise FormulaRefused(name, cell)
        first_row, first_column, last_row, last_column = self._parser.ask(name)
        if last_row >= self._limits.rows or last_column >= self._limits.columns:
            raise WorkbookTooLarge(f"Sheet {name} has cells beyond row {last_row} or column {last_column + 1}", where=name)
        batches = self._parser.batches(first_row + 1)
        number, rows = next(batches, (1, ()))
        header = header_of(rows[0]) if rows else ()
        yield Sheet(name, header, number, first_column, _below_header(number, rows, batches))
        for _ in batches:
            """Rows that nobody wanted are walked past, so that the next answer is the next sheet's."""


def _below_header(
    number: int, rows: Sequence[Row], rest: Iterator[tuple[int, Sequence[Row]]]
) -> Iterator[tuple[int, Sequence[Row]]]:
    if len(rows) > 1:
        yield number + 1, rows[1:]
    yield from rest


class _Plain(pickle.Unpickler):
    """Takes values and dates, nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "datetime" and name in ("date", "datetime", "time", "timedelta"):
            return getattr(datetime, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


class _Parser:
    """The process and its answers."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._name = path.name
        numbers = (limits.memory_bytes, limits.cpu_s, limits.rows, limits.columns)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file; the path is an argument of its own
            [sys.executable, "-I", str(_PROCESS), str(path), *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asks, self._answers = self._process.stdin, self._process.stdout

    def __enter__(self) -> _Parser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with contextlib.suppress(OSError):
            self._asks.close()

    def ask(self, sheet: str) -> tuple[int, int, int, int]:
        """First row, first column, last row, last column that are filled, from 0."""
        with contextlib.suppress(OSError):  # a process that ended says so in its answer
            self._asks.write(json.dumps(sheet).encode() + b"\n")
            self._asks.flush()
        first_row, first_column, last_row, last_column = self.answer("sheet")
        return first_row, first_column, last_row, last_column

    def batches(self, first: int) -> Iterator[tuple[int, Sequence[Row]]]:
        """Rows as they come, each batch with the number of its first row."""
        while (message := self._next())[0] == "rows":
            yield first, message[1]
            first += len(message[1])

    def answer(self, kind: str) -> tuple[Any, ...]:
        """The next message, which must be of this kind."""
        message = self._next()
        if message[0] != kind:
            raise WorkbookNotReadable(f"{self._name} cannot be read", where=self._name)
        return message[1:]

    def _next(self) -> tuple[Any, ...]:
        try:
            message: tuple[Any, ...] = _Plain(self._answers).load()
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._too_large() from error
        if message[0] == "too_large":
            raise self._too_large()
        if message[0] == "broken":
            raise WorkbookNotReadable(f"{self._name} is damaged: {message[1]}", where=self._name)
        return message

    def _too_large(self) -> WorkbookTooLarge:
        return WorkbookTooLarge(f"{self._name} needs more memory or time to read than it may take", where=self._name)
