"""An `.xlsx` workbook: checked at the gate, then parsed in a process of its own that the system bounds."""

from __future__ import annotations

import contextlib
import itertools
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from lxml import etree

from estate.sheets import archive
from estate.sheets.errors import FormulaRefused, WorkbookNotReadable, WorkbookTooLarge
from estate.sheets.parsing import Parser
from estate.sheets.sheet import NOTHING, Limits, Row, Sheet, folded, header_of

_INDEX = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_INDEX_BYTES = 4 << 20
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@contextlib.contextmanager
def open_xlsx(path: Path, limits: Limits) -> Iterator[XlsxWorkbook]:
    """Start to parse; the parser ends with the block.

    Raises: WorkbookError.
    """
    with archive.open_archive(path, limits) as packed:
        _check_kind(packed, path.name)
        parts = _sheet_parts(packed, path.name, limits)
        with Parser(path, limits) as parser:
            yield XlsxWorkbook(parser, limits, parts, lambda: archive.formulas(packed, path.name, limits))


def _check_kind(packed: zipfile.ZipFile, name: str) -> None:
    parts = set(packed.namelist())
    if "xl/workbook.bin" in parts:
        raise WorkbookNotReadable(f"{name} is a binary workbook (.xlsb), which is not read", where=name)
    if _INDEX not in parts:
        raise WorkbookNotReadable(f"{name} is a zip without a workbook in it", where=name)


def _sheet_parts(packed: zipfile.ZipFile, name: str, limits: Limits) -> dict[str, str]:
    """The archive's part by the sheet's name."""
    relations = _parsed(packed, _RELATIONS, name, limits)
    targets = {each.get("Id"): _part(each.get("Target") or "") for each in relations}
    sheets = (each for each in _parsed(packed, _INDEX, name, limits).iter("{*}sheet"))
    return {each.get("name") or "": targets.get(each.get(_OFFICE), "") for each in sheets}


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
    """See `estate.sheets.sheet.Workbook`. `parts` are the archive's by sheet, `formulas` looks through the archive."""

    def __init__(self, parser: Parser, limits: Limits, parts: dict[str, str], formulas: Callable[[], dict[str, str]]) -> None:
        self._parser = parser
        self._limits = limits
        self._parts = parts
        self._look_through = formulas
        self._formulas: dict[str, str] | None = None
        self.names = tuple(parts)

    def sheets(self, *wanted: str, unread: Mapping[str, Collection[str]] = NOTHING) -> Iterator[Sheet]:
        """The wanted sheets, or all.

        Raises: WorkbookError; FormulaRefused for a wanted sheet with a formula in it.
        """
        by_name = {folded(name): name for name in self.names}
        names = [by_name[key] for key in ([folded(each) for each in wanted] or by_name) if key in by_name]
        left_out = {folded(name): headers for name, headers in unread.items()}
        for name, ahead in itertools.zip_longest(names, names[1:]):
            self._parser.ask(name, left_out.get(folded(name), ()))
            if ahead is not None:
                self._parser.ask(ahead, left_out.get(folded(ahead), ()))
            self._check(name)
            yield from self._sheet(name)

    def _check(self, name: str) -> None:
        """Before the first row is taken the whole archive has been looked through: the parser works meanwhile."""
        if self._formulas is None:
            self._formulas = self._look_through()
            self._parser.answer("ready")
        cell = self._formulas.get(self._parts[name])
        if cell is not None:
            raise FormulaRefused(name, cell)

    def _sheet(self, name: str) -> Iterator[Sheet]:
        first_row, last_row, last_column, columns = self._parser.begin(name)
        if last_row >= self._limits.rows or last_column >= self._limits.columns:
            raise WorkbookTooLarge(f"Sheet {name} has cells beyond row {last_row} or column {last_column + 1}", where=name)
        batches = self._parser.batches(first_row + 1)
        number, rows = next(batches, (1, ()))
        header = header_of(rows[0]) if rows else ()
        yield Sheet(name, header, number, columns, _below_header(number, rows, batches))
        for _ in batches:
            """Rows that nobody wanted are walked past, so that the next answer is the next sheet's."""


def _below_header(
    number: int, rows: Sequence[Row], rest: Iterator[tuple[int, Sequence[Row]]]
) -> Iterator[tuple[int, Sequence[Row]]]:
    if len(rows) > 1:
        yield number + 1, rows[1:]
    yield from rest
