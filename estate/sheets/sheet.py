"""What a spreadsheet is to its readers: sheets by name, each a header and rows in batches; and the bounds of reading."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Protocol

Cell = str | int | float | bool | datetime | date | time | timedelta
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one reading. `inflated_bytes` is all parts together; `ratio` is inflated to packed size of one part.

    `memory_bytes` and `cpu_s` bound the process that parses; whatever the file does, it ends there.
    """

    file_bytes: int = 512 << 20
    inflated_bytes: int = 2 << 30
    shared_strings_bytes: int = 160 << 20
    ratio: int = 400
    parts: int = 4000
    columns: int = 2000
    rows: int = 1_048_576
    memory_bytes: int = 460 << 20
    cpu_s: int = 300


LIMITS = Limits()
SMALL = Limits(file_bytes=32 << 20, inflated_bytes=256 << 20, shared_strings_bytes=64 << 20, memory_bytes=320 << 20, cpu_s=30)
"""For a sheet that people fill in and send back."""


NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `header` is its first row, trimmed; `columns` are the indices of its columns in the file (0 is A).

    `batches` yields the number of a batch's first row and the rows; it can be walked once, before the next sheet is asked for.
    """

    name: str
    header: tuple[str, ...]
    header_row: int
    columns: Sequence[int]
    batches: Iterator[tuple[int, Sequence[Row]]]

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Each row below the header with its number; rows without any value are left out."""
        for first, batch in self.batches:
            for number, row in enumerate(batch, first):
                if row.count("") != len(row):
                    yield number, row


class Workbook(Protocol):
    """An open spreadsheet of any form."""

    @property
    def names(self) -> tuple[str, ...]:
        """The sheets it has, in its order."""

    def sheets(self, *wanted: str, unread: Mapping[str, Collection[str]] = NOTHING) -> Iterator[Sheet]:
        """The wanted sheets in the wanted order (names compared without case and outer spaces), those that are there.

        Without names, all of them in their own order. A sheet without any cell comes with an empty header. `unread` are, by
        wanted sheet, headers in lower case that nobody will read: a workbook may leave these columns out where that saves time.
        """


def folded(name: str) -> str:
    """How names of sheets and columns are compared."""
    return name.strip().lower()


def header_of(row: Row) -> tuple[str, ...]:
    return tuple(str(cell).strip() for cell in row)
