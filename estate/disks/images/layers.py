"""What a disk image knows of each part of a disk: its bytes, that they are zero, or that its parent has to be asked.

Layers read tables, never data. Formats are parsed in the modules beside this one.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from estate.disks.errors import ImageMalformed
from estate.disks.ports import RandomReader

ABSENT, ZERO = -1, -2
"""Entries of a grain table that name no place in the file: ask the parent; all zeros."""
SECTOR_BYTES = 512
MAX_CAPACITY_BYTES = 64 << 40
_KEPT_TABLES = 8
_MOST_TABLES = 4 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of the disk, `start` to `end` (not part of it). With `reader`, its bytes lie there from `at` on.

    Without a reader it is zero if `known`, else nothing is said of it here.
    """

    start: int
    end: int
    reader: RandomReader | None = None
    at: int = 0
    known: bool = True

    def moved(self, by: int) -> Run:
        """The same bytes elsewhere on the disk."""
        return Run(self.start + by, self.end + by, self.reader, self.at, self.known)


class Layer(Protocol):
    """A part of a disk, or all of it. Raises: `ImageMalformed`, and what the reader raises."""

    @property
    def length_bytes(self) -> int: ...

    def runs(self, start: int, end: int, /) -> Iterator[Run]:
        """What is known between these offsets, ascending and without gaps."""
        ...


@dataclass(frozen=True, slots=True)
class FlatLayer:
    """Bytes that lie in a file one after the other, from `at` on."""

    reader: RandomReader
    length_bytes: int
    at: int = 0

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """Data where the file may hold some; its holes are zeros."""
        for low, high in self.reader.data_ranges(self.at + start, self.at + end):
            if start < low - self.at:
                yield Run(start, low - self.at)
            yield Run(low - self.at, high - self.at, self.reader, low)
            start = high - self.at
        if start < end:
            yield Run(start, end)


@dataclass(frozen=True, slots=True)
class ZeroLayer:
    """A part that is zero."""

    length_bytes: int

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """Zeros."""
        if start < end:
            yield Run(start, end)


class JoinedLayer:
    """Parts of a disk one behind the other."""

    def __init__(self, parts: Sequence[Layer]) -> None:
        self._parts = parts
        self.length_bytes = sum(part.length_bytes for part in parts)

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """What each part knows, at its place."""
        base = 0
        for part in self._parts:
            low, high = max(start, base), min(end, base + part.length_bytes)
            if low < high:
                yield from (run.moved(base) for run in part.runs(low - base, high - base))
            base += part.length_bytes


@dataclass(frozen=True, slots=True)
class GrainFormat:
    """How a sparse file finds its grains. `directory` holds the byte offset of each table, or ABSENT.

    `load` gives a table as one entry per grain: its byte offset in the file, ABSENT or ZERO.
    """

    length_bytes: int
    grain_bytes: int
    entries: int
    directory: array[int]
    load: Callable[[int], array[int]]


class GrainLayer:
    """A sparse file: grains found through a directory of tables. The last few tables are kept."""

    def __init__(self, reader: RandomReader, form: GrainFormat) -> None:
        self._reader = reader
        self._form = form
        self._tables: dict[int, array[int]] = {}
        self._lock = threading.Lock()
        self.length_bytes = form.length_bytes

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """Grains that lie behind each other in the file come as one."""
        span = self._form.grain_bytes * self._form.entries
        while start < end:
            number = start // span
            table = self._table(number)
            if table is None:
                stop = min(end, max(number + 1, self._next_table(number)) * span)
                yield Run(start, stop, known=False)
                start = stop
                continue
            stop = min(end, (number + 1) * span)
            while start < stop:
                run = self._run(table, start, stop)
                yield run
                start = run.end

    def _next_table(self, number: int) -> int:
        """The first table behind this absent one; a disk of terabytes may have none."""
        directory = self._form.directory
        while number < len(directory) and directory[number] == ABSENT:
            number += 1
        return number

    def _run(self, table: array[int], start: int, stop: int) -> Run:
        size = self._form.grain_bytes
        first = index = start // size % self._form.entries
        place = table[first]
        step = size if place >= 0 else 0
        last = first + -(-(stop - start // size * size) // size) - 1
        expected = place
        while index < last and table[index + 1] == expected + step:
            index += 1
            expected += step
        end = min(stop, (start // size + index - first + 1) * size)
        if place >= 0:
            return Run(start, end, self._reader, place + start % size)
        return Run(start, end, known=place == ZERO)

    def _table(self, number: int) -> array[int] | None:
        if number >= len(self._form.directory) or self._form.directory[number] == ABSENT:
            return None
        with self._lock:
            table = self._tables.pop(number, None)
            if table is None:
                table = self._form.load(number)
            self._tables[number] = table
            while len(self._tables) > _KEPT_TABLES:
                del self._tables[next(iter(self._tables))]
        return table


class ChainLayer:
    """A disk over its parents, the youngest first. What no layer knows is zero."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self.length_bytes = layers[0].length_bytes

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """What the youngest layer that knows says."""
        return self._asked(0, start, end)

    def _asked(self, depth: int, start: int, end: int) -> Iterator[Run]:
        if depth == len(self._layers):
            yield Run(start, end)
            return
        layer = self._layers[depth]
        known_to = min(end, layer.length_bytes)
        for run in layer.runs(start, known_to):
            if run.known:
                yield run
            else:
                yield from self._asked(depth + 1, run.start, run.end)
        if max(start, known_to) < end:
            yield Run(max(start, known_to), end)


def read_exactly(reader: RandomReader, offset_bytes: int, length: int, what: str) -> bytearray:
    """Bytes of a header or table. Raises ImageMalformed when the file is too short for them; nothing is allocated then."""
    if offset_bytes + length > reader.size_bytes:
        raise ImageMalformed(reader.name, offset_bytes, f"{what} of {length} bytes lies beyond the file's end")
    room = bytearray(length)
    reader.read_into(offset_bytes, memoryview(room))
    return room


def read_directory(reader: RandomReader, offset_bytes: int, tables: int, entry_bytes: int) -> bytearray:
    """The directory of so many tables. Raises ImageMalformed; a disk of 64 TiB in the usual grains needs fewer than the limit."""
    if tables > _MOST_TABLES:
        raise ImageMalformed(reader.name, offset_bytes, f"it needs {tables} grain tables, more than can be read")
    return read_exactly(reader, offset_bytes, tables * entry_bytes, "the grain directory")


def checked_place(reader: RandomReader, place: int, length: int, entry_at: int) -> int:
    """The place of a grain or table if its bytes lie in the file. Raises ImageMalformed, naming the entry that said so."""
    if place + length > reader.size_bytes:
        raise ImageMalformed(reader.name, entry_at, f"what it points to, at {place}, lies beyond the file's end")
    return place
