"""A folder or zip of CSV files as a workbook; each file is a sheet, `RVTools_tabvInfo.csv` is the sheet `vInfo`.

Separators are comma, semicolon or tab, as the header line uses them; texts UTF-8 (or UTF-16 with its mark), else Windows-1252.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from estate.sheets import archive
from estate.sheets.errors import WorkbookNotReadable, WorkbookTooLarge, WorkbookUnsafe
from estate.sheets.sheet import NOTHING, Limits, Row, Sheet, folded, header_of

_TAB = re.compile(r"^.*?_tab(?=\w)", re.IGNORECASE)
_BATCH_ROWS = 500
_CELL_CHARS = 1 << 20
_SEPARATORS = ",;\t"

Opener = Callable[[], contextlib.AbstractContextManager[Iterable[bytes]]]


@contextlib.contextmanager
def open_csv_folder(path: Path, limits: Limits) -> Iterator[CsvWorkbook]:
    """The CSV files directly in a folder; links are left alone.

    Raises: WorkbookError.
    """
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".csv" and file.is_file() and not file.is_symlink())
    if not files:
        raise WorkbookNotReadable(f"{path.name} has no CSV files in it", where=path.name)
    if sum(file.stat().st_size for file in files) > limits.inflated_bytes:
        raise WorkbookTooLarge(f"{path.name} is larger than {limits.inflated_bytes >> 20} MiB", where=path.name)
    yield CsvWorkbook({_sheet_name(file.name): _file_opener(file) for file in files}, path.name, limits)


@contextlib.contextmanager
def open_csv_zip(path: Path, limits: Limits) -> Iterator[CsvWorkbook]:
    """The CSV files anywhere in a zip.

    Raises: WorkbookError.
    """
    with archive.open_archive(path, limits) as packed:

        def opener(member: str) -> Opener:
            return lambda: contextlib.nullcontext(archive.chunks(packed, packed.getinfo(member), path.name, limits))

        members = [name for name in packed.namelist() if name.lower().endswith(".csv")]
        yield CsvWorkbook({_sheet_name(PurePosixPath(name).name): opener(name) for name in members}, path.name, limits)


def _file_opener(file: Path) -> Opener:
    @contextlib.contextmanager
    def opened() -> Iterator[Iterable[bytes]]:
        try:
            with file.open("rb") as stream:
                yield iter(lambda: stream.read(archive.CHUNK_BYTES), b"")
        except OSError as error:
            raise WorkbookNotReadable(f"{file.name} cannot be read: {error.strerror}", where=file.name) from error

    return opened


def _sheet_name(file_name: str) -> str:
    """`vInfo` of `RVTools_tabvInfo.csv`, `disposition` of `disposition.csv`."""
    return _TAB.sub("", file_name.rsplit(".", 1)[0])


class CsvWorkbook:
    """See `estate.sheets.sheet.Workbook`."""

    def __init__(self, openers: dict[str, Opener], name: str, limits: Limits) -> None:
        self._openers = openers
        self._name = name
        self._limits = limits
        self.names: tuple[str, ...] = tuple(openers)

    def sheets(self, *wanted: str, unread: Mapping[str, Collection[str]] = NOTHING) -> Iterator[Sheet]:
        """The wanted sheets, or all; with all their columns, which cost nothing here.

        Raises: WorkbookError.
        """
        by_name = {folded(name): name for name in self.names}
        for key in [folded(each) for each in wanted] or list(by_name):
            if key in by_name:
                name = by_name[key]
                yield self._sheet(name, self._openers[name])

    def _sheet(self, name: str, opener: Opener) -> Sheet:
        rows = _rows(name, opener, self._limits)
        header = next(rows, [])
        return Sheet(name, header_of(header), 1, range(len(header)), _batches(rows))


def _batches(rows: Iterator[Row]) -> Iterator[tuple[int, Sequence[Row]]]:
    first, batch = 2, []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH_ROWS:
            yield first, batch
            first, batch = first + len(batch), []
    if batch:
        yield first, batch


def _rows(name: str, opener: Opener, limits: Limits) -> Iterator[Row]:
    encoding = _encoding(opener)
    csv.field_size_limit(_CELL_CHARS)
    with opener() as pieces:
        text = io.TextIOWrapper(cast(BinaryIO, _Stream(pieces)), encoding=encoding, errors="replace", newline="")
        first_line = text.readline(_CELL_CHARS)
        separator = max(_SEPARATORS, key=first_line.count)
        lines = _lines(name, first_line, text)
        number = 0
        try:
            for number, row in enumerate(csv.reader(lines, delimiter=separator), 1):
                if number > limits.rows or len(row) > limits.columns:
                    raise WorkbookTooLarge(f"Sheet {name} is too large at row {number}", where=f"{name}, row {number}")
                yield row
        except csv.Error as error:
            raise WorkbookNotReadable(f"{name}, row {number + 1}: {error}", where=f"{name}, row {number + 1}") from error


def _lines(name: str, first_line: str, rest: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(itertools.chain([first_line], rest), 1):
        if "\0" in line:
            raise WorkbookUnsafe(f"{name}, line {number} has a NUL character", where=f"{name}, line {number}")
        yield line


def _encoding(opener: Opener) -> str:
    """UTF-16 by its mark, UTF-8 when all of it is, else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opener() as pieces:
        for number, piece in enumerate(pieces):
            if number == 0 and piece[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                return "cp1252"
    return "utf-8-sig"


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's buffer type has no length
        if not self._left:
            self._left = next(self._pieces, b"")
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
