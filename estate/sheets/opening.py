"""Which kind of spreadsheet a path or stream is, and the reader for it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from estate.sheets import archive
from estate.sheets.csvs import open_csv_folder, open_csv_zip
from estate.sheets.errors import WorkbookNotReadable
from estate.sheets.sheet import LIMITS, Limits, Workbook
from estate.sheets.xlsx import open_xlsx


@contextlib.contextmanager
def open_workbook(source: Path | BinaryIO, *, limits: Limits = LIMITS) -> Iterator[Workbook]:
    """Open a workbook: an `.xlsx` by its content whatever its name, a folder of CSV files, or a zip of these.

    A stream is written to a temporary file first, at most `limits.file_bytes` and one byte of it.

    Raises: WorkbookError, here or while its sheets are walked.
    """
    if not isinstance(source, Path):
        with tempfile.NamedTemporaryFile(prefix="workbook-") as kept:
            _copy(source, kept.file, limits.file_bytes + 1)
            with open_workbook(Path(kept.name), limits=limits) as workbook:
                yield workbook
        return
    with _opened(source, limits) as workbook:
        yield workbook


def _copy(source: BinaryIO, target: IO[bytes], most_bytes: int) -> None:
    while most_bytes > 0 and (chunk := source.read(min(archive.CHUNK_BYTES, most_bytes))):
        target.write(chunk)
        most_bytes -= len(chunk)
    target.flush()


def _opened(path: Path, limits: Limits) -> contextlib.AbstractContextManager[Workbook]:
    if path.is_dir():
        return open_csv_folder(path, limits)
    with archive.open_archive(path, limits) as packed:
        names = [name.lower() for name in packed.namelist()]
    if "[content_types].xml" in names:
        return open_xlsx(path, limits)
    if any(name.endswith(".csv") for name in names):
        return open_csv_zip(path, limits)
    raise WorkbookNotReadable(f"{path.name} is a zip without a workbook or CSV files in it", where=path.name)
