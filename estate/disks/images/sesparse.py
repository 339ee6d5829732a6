"""Space-efficient sparse extents of ESXi snapshots (SESPARSE): grains of 4 KiB, entries of 64 bits. Read only.

VMware publishes no description. Source: the reader of qemu (block/vmdk.c), which knows version 2.1 and its fixed sizes; a file
whose journal has to be replayed is refused, as there.
"""

from __future__ import annotations

import struct
from array import array

from estate.disks.errors import ImageMalformed
from estate.disks.images.layers import (
    ABSENT,
    MAX_CAPACITY_BYTES,
    SECTOR_BYTES,
    ZERO,
    GrainFormat,
    GrainLayer,
    checked_place,
    read_directory,
    read_exactly,
)
from estate.disks.images.words import words64
from estate.disks.ports import RandomReader

MAGIC = struct.pack("<Q", 0xCAFEBABE)
_HEADER = struct.Struct("<26Q")
_VOLATILE = struct.Struct("<4Q")
_VOLATILE_MAGIC = 0xCAFECAFE
_VERSION = 0x0000_0002_0000_0001
_GRAIN_SECTORS, _TABLE_SECTORS = 8, 64
_GRAIN_BYTES = _GRAIN_SECTORS * SECTOR_BYTES
_TABLE_BYTES = _TABLE_SECTORS * SECTOR_BYTES
_ENTRY_BYTES = 8
_ENTRIES = _TABLE_BYTES // _ENTRY_BYTES
_TABLE_USED = 0x1000_0000
_UNMAPPED, _ZEROED, _ALLOCATED = 1, 2, 3


def open_sesparse(reader: RandomReader) -> GrainLayer:
    """The grains of a SESPARSE file. Raises ImageMalformed, at the place that makes no sense."""
    (magic, version, capacity, grain, table, flags, *places) = _HEADER.unpack_from(
        read_exactly(reader, 0, SECTOR_BYTES, "the header")
    )
    if (magic, version) != (0xCAFEBABE, _VERSION):
        raise ImageMalformed(reader.name, 0, "it is no SESPARSE file of a known version")
    if not 0 < capacity <= MAX_CAPACITY_BYTES // SECTOR_BYTES:
        raise ImageMalformed(reader.name, 16, f"it claims a capacity of {capacity} sectors")
    if (grain, table) != (_GRAIN_SECTORS, _TABLE_SECTORS):
        raise ImageMalformed(reader.name, 24, f"its grains have {grain} sectors and its tables {table}")
    if flags:
        raise ImageMalformed(reader.name, 40, "it sets flags that are not known")
    volatile_at, directory_at, directory_size, tables_at, grains_at = (places[n] for n in (4, 10, 11, 12, 18))
    _check_journal(reader, volatile_at * SECTOR_BYTES)
    sesparse = _SeSparse(reader, capacity * SECTOR_BYTES, tables_at * SECTOR_BYTES, grains_at * SECTOR_BYTES)
    return GrainLayer(reader, sesparse.form(directory_at * SECTOR_BYTES, directory_size * SECTOR_BYTES))


def _check_journal(reader: RandomReader, at: int) -> None:
    magic, _, _, replay = _VOLATILE.unpack_from(read_exactly(reader, at, SECTOR_BYTES, "the second header"))
    if magic != _VOLATILE_MAGIC:
        raise ImageMalformed(reader.name, at, "its second header is missing")
    if replay:
        raise ImageMalformed(reader.name, at + 24, "its journal was not replayed: the host that wrote it crashed, or has it open")


class _SeSparse:
    def __init__(self, reader: RandomReader, capacity_bytes: int, tables_at: int, grains_at: int) -> None:
        self._reader = reader
        self._capacity_bytes = capacity_bytes
        self._tables_at = tables_at
        self._grains_at = grains_at
        self._directory: array[int] = array("q")

    def form(self, at: int, size_bytes: int) -> GrainFormat:
        tables = -(-self._capacity_bytes // (_GRAIN_BYTES * _ENTRIES))
        if size_bytes < tables * _ENTRY_BYTES:
            raise ImageMalformed(self._reader.name, 136, f"its directory has {size_bytes} bytes, too few for its capacity")
        words = words64(read_directory(self._reader, at, tables, _ENTRY_BYTES))
        self._directory = array("q", (self._table(word, at + n * _ENTRY_BYTES) for n, word in enumerate(words)))
        return GrainFormat(self._capacity_bytes, _GRAIN_BYTES, _ENTRIES, self._directory, self._load)

    def _table(self, word: int, entry_at: int) -> int:
        if word == 0:
            return ABSENT
        if word >> 32 != _TABLE_USED:
            raise ImageMalformed(self._reader.name, entry_at, f"its directory has the unknown entry {word:#x}")
        place = self._tables_at + (word & 0xFFFF_FFFF) * _TABLE_BYTES
        return checked_place(self._reader, place, _TABLE_BYTES, entry_at)

    def _load(self, number: int) -> array[int]:
        at = self._directory[number]
        words = words64(read_exactly(self._reader, at, _TABLE_BYTES, f"grain table {number}"))
        first = number * _ENTRIES
        return array("q", (self._place(word, first + index, at + index * _ENTRY_BYTES) for index, word in enumerate(words)))

    def _place(self, word: int, grain: int, entry_at: int) -> int:
        length = min(_GRAIN_BYTES, self._capacity_bytes - grain * _GRAIN_BYTES)
        if word == 0 or length <= 0:
            return ABSENT
        kind = word >> 60
        if kind in (_UNMAPPED, _ZEROED):
            return ZERO
        if kind != _ALLOCATED:
            raise ImageMalformed(self._reader.name, entry_at, f"a grain table has the unknown entry {word:#x}")
        # The number's lowest 12 bits stand above its other 48.
        index = (word >> 48 & 0xFFF) | (word & 0xFFFF_FFFF_FFFF) << 12
        return checked_place(self._reader, self._grains_at + index * _GRAIN_BYTES, length, entry_at)
