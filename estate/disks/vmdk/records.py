"""Walks the records of a streamOptimized VMDK and groups its grains by 2 MiB block. Inflates nothing, keeps no table.

Grains may come in any order inside one block; blocks have to ascend, which every known writer does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from estate.disks.blockmap import BLOCK_BYTES
from estate.disks.errors import StreamMalformed, StreamTruncated
from estate.disks.vmdk.header import SECTOR_BYTES, StreamHeader, parse_header
from estate.disks.vmdk.window import StreamWindow

_MARKER = struct.Struct("<QI")
_MARKER_KIND = struct.Struct("<I")
_GRAIN_DATA_AT = 12
_END_OF_STREAM, _GRAIN_TABLE, _GRAIN_DIRECTORY, _FOOTER = 0, 1, 2, 3


PackedGrain = tuple[int, int, memoryview, int]
"""A grain as it came: its start in its block, how much of it the disk keeps, its compressed bytes, its place in the stream.

A bare tuple, because a disk has sixteen thousand of them per GiB and each costs time under the interpreter's lock.
"""


@dataclass(slots=True)
class PackedBlock:
    """The grains of one 2 MiB block of the disk."""

    index: int
    grains: list[PackedGrain] = field(default_factory=list)
    seen: int = 0
    """One bit per grain position."""


def read_header(window: StreamWindow) -> StreamHeader:
    """Read sector 0 and leave the window behind it."""
    window.need(SECTOR_BYTES, "the VMDK header")
    header = parse_header(window.view[window.pos : window.pos + SECTOR_BYTES])
    window.pos += SECTOR_BYTES
    return header


class RecordWalker:
    """One pass over the stream behind its header."""

    def __init__(self, window: StreamWindow, header: StreamHeader) -> None:
        self._window = window
        self._header = header
        self._grain_bytes = header.grain_bytes
        self._capacity_bytes = header.capacity_bytes
        self._max_packed_bytes = header.max_grain_record_bytes
        self._grains_seen = 0
        self._grains_promised = 0
        self._footer_seen = False

    def blocks(self) -> Iterator[PackedBlock]:
        """Blocks that hold grains, ascending. Ends only when the stream proved to be complete.

        Raises:
            StreamTruncated: the end marker (or, in qemu's dialect, a promised grain) is missing.
            StreamMalformed: a record breaks the format or lies outside the disk.
        """
        self._read_front()
        block = PackedBlock(index=-1)
        while not self._stream_ended():
            lba, size_bytes = _MARKER.unpack_from(self._window.view, self._window.pos)
            if not size_bytes:
                if self._take_marker(lba):
                    break
                continue
            index = lba * SECTOR_BYTES // BLOCK_BYTES
            if index != block.index:
                if block.grains:
                    yield block
                block = self._next_block(block.index, index)
            self._take_grain(block, lba * SECTOR_BYTES, size_bytes)
        if block.grains:
            yield block

    def _stream_ended(self) -> bool:
        """True at the end of a complete stream without end marker; False with a record's first sector at hand."""
        window = self._window
        if window.end - window.pos >= SECTOR_BYTES:
            return False
        if self._header.tables_in_front and window.at_end():
            self._check_promise(window.offset_bytes)
            return True
        window.need(SECTOR_BYTES, "its end-of-stream marker")
        return False

    def _take_grain(self, block: PackedBlock, offset_bytes: int, size_bytes: int) -> None:
        window = self._window
        at_bytes = window.offset_bytes
        if size_bytes > self._max_packed_bytes or offset_bytes >= self._capacity_bytes or offset_bytes % self._grain_bytes:
            raise self._misplaced(offset_bytes, size_bytes, at_bytes)
        record_bytes = (_GRAIN_DATA_AT + size_bytes + SECTOR_BYTES - 1) & -SECTOR_BYTES
        if window.end - window.pos < record_bytes:
            window.need(record_bytes, "the end of a grain")
        start_bytes = offset_bytes % BLOCK_BYTES
        bit = 1 << start_bytes // self._grain_bytes
        if block.seen & bit:
            raise StreamMalformed(at_bytes, f"the grain for disk offset {offset_bytes} comes twice", code="vmdk_overlap")
        block.seen |= bit
        data_at = window.pos + _GRAIN_DATA_AT
        length_bytes = min(self._grain_bytes, self._capacity_bytes - offset_bytes)
        block.grains.append((start_bytes, length_bytes, window.view[data_at : data_at + size_bytes], at_bytes))
        window.pos += record_bytes
        self._grains_seen += 1

    def _misplaced(self, offset_bytes: int, size_bytes: int, at_bytes: int) -> StreamMalformed:
        if size_bytes > self._max_packed_bytes:
            what = f"a grain of {self._grain_bytes} bytes claims {size_bytes} compressed bytes"
            return StreamMalformed(at_bytes, what, code="vmdk_grain_too_large")
        if offset_bytes >= self._capacity_bytes:
            return StreamMalformed(
                at_bytes,
                f"a grain belongs to disk offset {offset_bytes}, the disk ends at {self._capacity_bytes}",
                code="vmdk_beyond_capacity",
            )
        return StreamMalformed(at_bytes, f"disk offset {offset_bytes} is not the start of a grain", code="vmdk_overlap")

    def _next_block(self, last_index: int, index: int) -> PackedBlock:
        if index < last_index:
            raise StreamMalformed(
                self._window.offset_bytes,
                f"its grains go back from disk offset {last_index * BLOCK_BYTES} to {index * BLOCK_BYTES}",
                code="vmdk_out_of_order",
            )
        return PackedBlock(index)

    def _take_marker(self, sectors: int) -> bool:
        """Handle a record without data; True at the end of the stream."""
        window = self._window
        at_bytes = window.offset_bytes
        (kind,) = _MARKER_KIND.unpack_from(window.view, window.pos + _GRAIN_DATA_AT)
        window.pos += SECTOR_BYTES
        if kind == _END_OF_STREAM:
            self._check_end(at_bytes, sectors)
            return True
        if kind == _FOOTER:
            self._take_footer(at_bytes, sectors)
        elif kind in (_GRAIN_TABLE, _GRAIN_DIRECTORY):
            self._skip_table(at_bytes, sectors)
        else:
            raise StreamMalformed(at_bytes, f"a marker has the unknown kind {kind}", code="vmdk_marker")
        return False

    def _check_end(self, at_bytes: int, sectors: int) -> None:
        if sectors:
            raise StreamMalformed(at_bytes, f"the end marker claims {sectors} sectors", code="vmdk_marker")
        # A file cut short and filled up with zeros reads like an end marker: only footer or tables prove the end.
        if self._header.footer_required and not self._footer_seen:
            raise StreamTruncated(at_bytes, "its footer")
        if self._header.tables_in_front:
            self._check_promise(at_bytes)

    def _check_promise(self, at_bytes: int) -> None:
        if self._grains_seen != self._grains_promised:
            raise StreamTruncated(at_bytes, f"grain {self._grains_seen + 1} of {self._grains_promised}")

    def _take_footer(self, at_bytes: int, sectors: int) -> None:
        if sectors != 1:
            raise StreamMalformed(at_bytes, f"the footer claims {sectors} sectors", code="vmdk_marker")
        footer = read_header(self._window)
        mine = (self._header.capacity_bytes, self._header.grain_bytes)
        if (footer.capacity_bytes, footer.grain_bytes) != mine:
            raise StreamMalformed(at_bytes, "its footer speaks of another disk than its header", code="vmdk_marker")
        self._footer_seen = True

    def _skip_table(self, at_bytes: int, sectors: int) -> None:
        if sectors > self._header.max_table_sectors:
            raise StreamMalformed(at_bytes, f"a table claims {sectors} sectors", code="vmdk_marker")
        self._window.skip(sectors * SECTOR_BYTES, "the end of a table")

    def _read_front(self) -> None:
        """Pass descriptor and padding; in qemu's dialect count the grains that the tables promise."""
        header, window = self._header, self._window
        if not header.tables_in_front:
            window.skip(header.data_offset_bytes - SECTOR_BYTES, "the start of its data")
            return
        descriptor_end_bytes = min(header.descriptor_end_bytes, header.data_offset_bytes)
        window.skip(max(0, descriptor_end_bytes - SECTOR_BYTES), "the start of its tables")
        pointers = 0
        while window.offset_bytes < header.data_offset_bytes:
            window.need(SECTOR_BYTES, "the end of its tables")
            length_bytes = min(window.end - window.pos, header.data_offset_bytes - window.offset_bytes) & -SECTOR_BYTES
            tables = window.view[window.pos : window.pos + length_bytes]
            pointers += _count_pointers(tables, header.data_offset_bytes // SECTOR_BYTES)
            window.pos += length_bytes
        self._grains_promised = pointers // header.table_copies


def _count_pointers(tables: memoryview, first_data_sector: int) -> int:
    """How many table entries point behind the tables, which only entries of grain tables do."""
    return sum(sector >= first_data_sector for (sector,) in _MARKER_KIND.iter_unpack(tables))
