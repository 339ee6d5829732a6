"""Sparse extents of ESXi snapshots (VMFSSPARSE, signature COWD): grains of one sector and up, tables of 4096 entries.

Source: VMware "Virtual Disk Format 5.0", ESX server sparse extents.
"""

from __future__ import annotations

import struct
from array import array

from estate.disks.errors import ImageMalformed
from estate.disks.images.layers import ABSENT, SECTOR_BYTES, GrainFormat, GrainLayer, checked_place, read_directory, read_exactly
from estate.disks.images.words import words32
from estate.disks.ports import RandomReader

MAGIC = b"COWD"
_HEADER = struct.Struct("<4s7I")
_ENTRIES = 4096
_ENTRY_BYTES = 4
_MOST_GRAIN_SECTORS = 4096


def open_cowd(reader: RandomReader) -> GrainLayer:
    """The grains of a COWD file. Raises ImageMalformed, at the place that makes no sense."""
    magic, version, _flags, capacity, grain, directory_at, tables, _free = _HEADER.unpack_from(
        read_exactly(reader, 0, SECTOR_BYTES, "the header")
    )
    if magic != MAGIC or version != 1:
        raise ImageMalformed(reader.name, 0, "it is no COWD file of a known version")
    if not capacity:
        raise ImageMalformed(reader.name, 12, "it claims no capacity")
    if grain & (grain - 1) or not 1 <= grain <= _MOST_GRAIN_SECTORS:
        raise ImageMalformed(reader.name, 16, f"its grain size is {grain} sectors")
    needed = -(-capacity // (grain * _ENTRIES))
    if tables < needed:
        raise ImageMalformed(reader.name, 24, f"its directory has {tables} entries, the disk needs {needed}")
    cowd = _Cowd(reader, capacity * SECTOR_BYTES, grain * SECTOR_BYTES)
    return GrainLayer(reader, cowd.form(directory_at * SECTOR_BYTES, needed))


class _Cowd:
    def __init__(self, reader: RandomReader, capacity_bytes: int, grain_bytes: int) -> None:
        self._reader = reader
        self._capacity_bytes = capacity_bytes
        self._grain_bytes = grain_bytes
        self._directory: array[int] = array("q")

    def form(self, at: int, tables: int) -> GrainFormat:
        words = words32(read_directory(self._reader, at, tables, _ENTRY_BYTES))
        self._directory = array("q", (word * SECTOR_BYTES if word else ABSENT for word in words))
        return GrainFormat(self._capacity_bytes, self._grain_bytes, _ENTRIES, self._directory, self._load)

    def _load(self, number: int) -> array[int]:
        at = self._directory[number]
        words = words32(read_exactly(self._reader, at, _ENTRIES * _ENTRY_BYTES, f"grain table {number}"))
        first = number * _ENTRIES
        return array("q", (self._place(word, first + index, at + index * _ENTRY_BYTES) for index, word in enumerate(words)))

    def _place(self, word: int, grain: int, entry_at: int) -> int:
        length = min(self._grain_bytes, self._capacity_bytes - grain * self._grain_bytes)
        if word == 0 or length <= 0:
            return ABSENT
        return checked_place(self._reader, word * SECTOR_BYTES, length, entry_at)
