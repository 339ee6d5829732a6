"""A qcow2 of version 3: 64 KiB clusters, nothing compressed, all tables in front of the data.

Room for every table is kept free in front, as a hole; those that are needed are written when they are known. The file is
larger to look at than on the medium by 8 MiB per 64 GiB of disk at most. Source: qemu's docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct
from array import array
from pathlib import Path

from estate.disks.files.target import TargetFile

SECTOR_BYTES = 512
CLUSTER_BYTES = 64 << 10

_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_CLUSTER_BITS = 16
_ENTRIES = CLUSTER_BYTES // 8
"""Entries of a level-2 table, and of a cluster of the tables above it."""
_TABLE_SPAN_BYTES = _ENTRIES * CLUSTER_BYTES
_COUNTS = CLUSTER_BYTES // 2
"""Reference counts (16 bits) in one block."""
_COPIED = 1 << 63
_NOT_LITTLE = struct.pack("=H", 1) == struct.pack(">H", 1)


class Qcow2Sink:
    """Writes a disk of `capacity_bytes` (whole sectors) to a new qcow2. Implements `estate.disks.ports.VdiSink`.

    Offsets may come in any order; ascending ones need no reading back. The header is written by `finish()`, so that what
    was cut off is no qcow2. Memory: one table for 512 MiB of disk, and 8 bytes for each such table.

    Raises:
        TargetExists, TargetFull, TargetFailed: see `TargetFile`.
    """

    zero_fill = False

    def __init__(self, path: Path, capacity_bytes: int, *, sync: bool = True) -> None:
        if capacity_bytes % SECTOR_BYTES:
            raise ValueError(f"a disk of {capacity_bytes} bytes does not end with a sector")
        self._layout = Qcow2Layout(capacity_bytes)
        self._next_cluster = self._layout.first_data_cluster
        self._written_tables = bytearray(self._layout.tables)
        self._number = -1
        self._table = array("Q")
        self._file = TargetFile(path, sync=sync)

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Write at this offset of the disk; neighbouring clusters that lie side by side in the file go out at once."""
        view = memoryview(data)
        while len(view):
            at, length = self._place(offset_bytes, len(view))
            self._file.write_at(at, view[:length])
            offset_bytes += length
            view = view[length:]

    def finish(self) -> None:
        """Write the tables and the header, then give the file its name."""
        self._store_table()
        layout, file = self._layout, self._file
        file.set_length(self._next_cluster * CLUSTER_BYTES)
        level1 = [_COPIED | layout.table_at(number) if written else 0 for number, written in enumerate(self._written_tables)]
        file.write_at(layout.level1_at, _packed(array("Q", level1)))
        self._store_counts()
        file.write_at(0, layout.header())
        file.keep()

    def abort(self) -> None:
        """Remove what was written."""
        self._file.drop()

    def _place(self, offset_bytes: int, length: int) -> tuple[int, int]:
        """Where in the file the next bytes go, and how many of them lie there in a row."""
        number, within = divmod(offset_bytes, _TABLE_SPAN_BYTES)
        if number != self._number:
            self._load_table(number)
        entry, start = divmod(within, CLUSTER_BYTES)
        at = self._cluster_at(entry) + start
        room = CLUSTER_BYTES - start
        while room < length and entry + 1 < _ENTRIES:
            entry += 1
            if self._cluster_at(entry) != at + room:
                break
            room += CLUSTER_BYTES
        return at, min(room, length)

    def _cluster_at(self, entry: int) -> int:
        """Where the cluster of this entry lies in the file; one that is new goes behind all others."""
        if not self._table[entry]:
            self._table[entry] = _COPIED | self._next_cluster * CLUSTER_BYTES
            self._next_cluster += 1
        return self._table[entry] & ~_COPIED

    def _load_table(self, number: int) -> None:
        self._store_table()
        self._number = number
        if self._written_tables[number]:
            self._table = _unpacked(self._file.read_at(self._layout.table_at(number), CLUSTER_BYTES))
        else:
            self._table = array("Q", bytes(CLUSTER_BYTES))

    def _store_table(self) -> None:
        if self._number >= 0:
            self._file.write_at(self._layout.table_at(self._number), _packed(self._table))
            self._written_tables[self._number] = 1

    def _store_counts(self) -> None:
        """One for every cluster in use, none for the room of tables that were not needed."""
        layout = self._layout
        blocks = -(-self._next_cluster // _COUNTS)
        pointers = array("Q", [layout.counts_at(block) for block in range(blocks)])
        self._file.write_at(layout.count_pointers_at, _packed(pointers))
        front = self._front_in_use(blocks)
        for first in range(0, self._next_cluster, _COUNTS):
            used = front[first : first + _COUNTS]
            used += b"\x01" * (min(self._next_cluster - first, _COUNTS) - len(used))
            counts = bytearray(CLUSTER_BYTES)
            counts[1 : 2 * len(used) : 2] = used
            self._file.write_at(layout.counts_at(first // _COUNTS), counts)

    def _front_in_use(self, blocks: int) -> bytearray:
        """One byte per cluster in front of the data: 1 if it is in use."""
        layout = self._layout
        counts, level1, tables = (at // CLUSTER_BYTES for at in (layout.counts_at(0), layout.level1_at, layout.table_at(0)))
        front = bytearray(b"\x01") * (counts + blocks)
        front += bytes(level1 - len(front))
        return front + b"\x01" * (tables - level1) + self._written_tables


class Qcow2Layout:
    """Where the tables of a disk lie: header, pointers to counts, counts, level 1, room for every level 2, data."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.tables = -(-capacity_bytes // _TABLE_SPAN_BYTES)
        data_clusters = -(-capacity_bytes // CLUSTER_BYTES)
        self._level1_clusters = max(1, -(-self.tables * 8 // CLUSTER_BYTES))
        count_blocks = pointer_clusters = 1
        while True:
            clusters = 1 + pointer_clusters + count_blocks + self._level1_clusters + self.tables + data_clusters
            blocks = -(-clusters // _COUNTS)
            pointers = -(-blocks * 8 // CLUSTER_BYTES)
            if (blocks, pointers) == (count_blocks, pointer_clusters):
                break
            count_blocks, pointer_clusters = max(blocks, count_blocks), max(pointers, pointer_clusters)
        self._pointer_clusters = pointer_clusters
        self.count_pointers_at = CLUSTER_BYTES
        self._counts_at = self.count_pointers_at + pointer_clusters * CLUSTER_BYTES
        self.level1_at = self._counts_at + count_blocks * CLUSTER_BYTES
        self._tables_at = self.level1_at + self._level1_clusters * CLUSTER_BYTES
        self.first_data_cluster = self._tables_at // CLUSTER_BYTES + self.tables

    def counts_at(self, block: int) -> int:
        """Place of a block of reference counts."""
        return self._counts_at + block * CLUSTER_BYTES

    def table_at(self, number: int) -> int:
        """Place of a level-2 table."""
        return self._tables_at + number * CLUSTER_BYTES

    def header(self) -> bytes:
        """The file's first bytes."""
        return _HEADER.pack(
            *(b"QFI\xfb", 3, 0, 0, _CLUSTER_BITS, self.capacity_bytes, 0, self.tables, self.level1_at),
            *(self.count_pointers_at, self._pointer_clusters, 0, 0, 0, 0, 0, 4, _HEADER.size),
        ) + bytes(8)


def _packed(entries: array[int]) -> bytes:
    swapped = array("Q", entries)
    if not _NOT_LITTLE:
        swapped.byteswap()
    return swapped.tobytes()


def _unpacked(packed: bytes) -> array[int]:
    entries = array("Q", packed)
    if not _NOT_LITTLE:
        entries.byteswap()
    return entries
