"""Sparse extents of hosted products (monolithicSparse, twoGbMaxExtentSparse): grains of a file found through two tables.

Source: VMware "Virtual Disk Format 5.0", hosted sparse extents.
"""

from __future__ import annotations

import struct
from array import array

from estate.disks.errors import ImageKindRefused, ImageMalformed
from estate.disks.images.descriptor import MOST_BYTES
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
from estate.disks.images.words import words32
from estate.disks.ports import RandomReader

MAGIC = b"KDMV"
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_FLAG_ZEROED_GRAINS, _FLAG_COMPRESSED = 1 << 2, 1 << 16
_ENTRIES = 512
_ENTRY_BYTES = 4


def open_hosted(reader: RandomReader) -> tuple[GrainLayer, bytes]:
    """The grains of a sparse file, and the descriptor inside it (empty if it has none).

    Raises:
        ImageMalformed: header, directory or a table make no sense; at its place.
        ImageKindRefused: its grains are compressed; such files are read as streams.
    """
    sector = read_exactly(reader, 0, SECTOR_BYTES, "the header")
    (magic, version, flags, capacity, grain, text_at, text_size, entries, _, directory_at, _, _, _, _) = _HEADER.unpack_from(
        sector
    )
    if magic != MAGIC or version not in (1, 2, 3):
        raise ImageMalformed(reader.name, 0, "it is no sparse VMDK of a known version")
    if flags & _FLAG_COMPRESSED:
        raise ImageKindRefused(reader.name, "its grains are compressed: it is a stream, to be read from its start")
    if not 0 < capacity <= MAX_CAPACITY_BYTES // SECTOR_BYTES:
        raise ImageMalformed(reader.name, 12, f"it claims a capacity of {capacity} sectors")
    if grain & (grain - 1) or not 8 <= grain <= 4096:
        raise ImageMalformed(reader.name, 20, f"its grain size is {grain} sectors")
    if entries != _ENTRIES:
        raise ImageMalformed(reader.name, 44, f"its grain tables have {entries} entries")
    form = _Hosted(reader, capacity * SECTOR_BYTES, grain * SECTOR_BYTES, bool(flags & _FLAG_ZEROED_GRAINS)).form(directory_at)
    return GrainLayer(reader, form), _descriptor(reader, text_at, text_size)


def _descriptor(reader: RandomReader, at: int, sectors: int) -> bytes:
    if not at or not sectors:
        return b""
    if sectors * SECTOR_BYTES > MOST_BYTES or at > reader.size_bytes:
        raise ImageMalformed(reader.name, 28, f"its descriptor is said to have {sectors} sectors from sector {at} on")
    return bytes(read_exactly(reader, at * SECTOR_BYTES, sectors * SECTOR_BYTES, "the descriptor"))


class _Hosted:
    def __init__(self, reader: RandomReader, capacity_bytes: int, grain_bytes: int, zeroed: bool) -> None:
        self._reader = reader
        self._capacity_bytes = capacity_bytes
        self._grain_bytes = grain_bytes
        self._zeroed = zeroed
        self._directory: array[int] = array("q")

    def form(self, directory_sector: int) -> GrainFormat:
        tables = -(-self._capacity_bytes // (self._grain_bytes * _ENTRIES))
        at = directory_sector * SECTOR_BYTES
        words = words32(read_directory(self._reader, at, tables, _ENTRY_BYTES))
        self._directory = array("q", (word * SECTOR_BYTES if word else ABSENT for word in words))
        return GrainFormat(self._capacity_bytes, self._grain_bytes, _ENTRIES, self._directory, self._load)

    def _load(self, number: int) -> array[int]:
        at = self._directory[number]
        words = words32(read_exactly(self._reader, at, _ENTRIES * _ENTRY_BYTES, f"grain table {number}"))
        first = number * _ENTRIES
        return array("q", (self._place(word, first + index, at + index * _ENTRY_BYTES) for index, word in enumerate(words)))

    def _place(self, word: int, grain: int, entry_at: int) -> int:
        if word == 0:
            return ABSENT
        if word == 1 and self._zeroed:
            return ZERO
        length = min(self._grain_bytes, self._capacity_bytes - grain * self._grain_bytes)
        if length <= 0:
            return ABSENT  # behind the disk's end
        return checked_place(self._reader, word * SECTOR_BYTES, length, entry_at)
