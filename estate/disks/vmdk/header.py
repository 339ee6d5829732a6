"""The header of a streamOptimized VMDK and the limits that follow from it. Pure: bytes in, numbers out.

Source: VMware "Virtual Disk Format 5.0" for the layout; qemu's writer for the dialect with its tables in front.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from estate.disks.blockmap import BLOCK_BYTES
from estate.disks.errors import StreamMalformed

SECTOR_BYTES = 512
MAX_CAPACITY_BYTES = 64 << 40
"""vSphere's own limit is 62 TiB; a larger number is damage or an attack."""

_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_TABLES_AT_END = 0xFFFF_FFFF_FFFF_FFFF
_FLAG_NEWLINE_TEST = 1 << 0
_FLAG_REDUNDANT_TABLES = 1 << 1
_FLAG_COMPRESSED = 1 << 16
_FLAG_MARKERS = 1 << 17
_DEFLATE = 1
_MIN_GRAIN_SECTORS = 8
_MAX_GRAIN_SECTORS = BLOCK_BYTES // SECTOR_BYTES


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """What a reader needs of sector 0; sizes and offsets in bytes."""

    capacity_bytes: int
    grain_bytes: int
    data_offset_bytes: int
    tables_in_front: bool
    """qemu's dialect: grain tables precede the data, and the stream has no footer and no end marker."""
    footer_required: bool
    table_copies: int
    descriptor_end_bytes: int
    entries_per_table: int

    @property
    def max_grain_record_bytes(self) -> int:
        """Most compressed bytes a grain may take: deflate never grows its input by more than a small part."""
        return self.grain_bytes + self.grain_bytes // 8 + 1024

    @property
    def max_table_sectors(self) -> int:
        """Most sectors that the payload of a table or directory marker may have."""
        grains = -(-self.capacity_bytes // self.grain_bytes)
        tables = -(-grains // self.entries_per_table)
        return -(-max(self.entries_per_table, tables) * 4 // SECTOR_BYTES) + 1


def parse_header(sector: bytes | memoryview) -> StreamHeader:
    """Read sector 0 (or the footer, which is a copy of it).

    Raises:
        StreamMalformed: not a streamOptimized VMDK, or one with numbers out of bounds.
    """
    (magic, version, flags, capacity, grain, desc_at, desc_size, entries, _rgd, gd, overhead, _dirty, newlines, compression) = (
        _HEADER.unpack_from(sector)
    )
    if magic != b"KDMV":
        raise _bad(0, "it does not start with the VMDK signature")
    if version not in (1, 2, 3):
        raise _bad(4, f"its version is {version}, known are 1 to 3")
    if flags & _FLAG_NEWLINE_TEST and newlines != b"\n \r\n":
        raise _bad(73, "its line ends were changed on the way, as a text-mode transfer does")
    _check_stream_kind(flags, compression)
    _check_sizes(capacity, grain, entries)
    header = StreamHeader(
        capacity_bytes=capacity * SECTOR_BYTES,
        grain_bytes=grain * SECTOR_BYTES,
        data_offset_bytes=max(overhead, 1) * SECTOR_BYTES,
        tables_in_front=0 < gd < overhead,
        footer_required=gd == _TABLES_AT_END,
        table_copies=2 if flags & _FLAG_REDUNDANT_TABLES else 1,
        descriptor_end_bytes=(desc_at + desc_size) * SECTOR_BYTES if desc_at else SECTOR_BYTES,
        entries_per_table=entries,
    )
    _check_overhead(header)
    return header


def is_stream(sector: bytes) -> bool:
    """Whether a file that begins so is of the streamOptimized kind, whatever else may be wrong with it."""
    if len(sector) < _HEADER.size:
        return False
    magic, _, flags, *_ = _HEADER.unpack_from(sector)
    return magic == b"KDMV" and bool(flags & _FLAG_COMPRESSED)


def _check_stream_kind(flags: int, compression: int) -> None:
    if not (flags & _FLAG_COMPRESSED and flags & _FLAG_MARKERS):
        raise _bad(8, "it is not of the streamOptimized kind (compressed grains with markers)")
    if compression != _DEFLATE:
        raise _bad(77, f"its compression is number {compression}, known is 1 (deflate)")


def _check_sizes(capacity: int, grain: int, entries: int) -> None:
    if not 0 < capacity <= MAX_CAPACITY_BYTES // SECTOR_BYTES:
        raise _bad(12, f"it claims a capacity of {capacity} sectors")
    if grain & (grain - 1) or not _MIN_GRAIN_SECTORS <= grain <= _MAX_GRAIN_SECTORS:
        raise _bad(20, f"its grain size is {grain} sectors; powers of two from 8 to 4096 can be read")
    if not 1 <= entries <= 1 << 16:
        raise _bad(44, f"it claims {entries} entries in a grain table")


def _check_overhead(header: StreamHeader) -> None:
    grains = -(-header.capacity_bytes // header.grain_bytes)
    limit = header.table_copies * (grains * 8 + header.max_table_sectors * SECTOR_BYTES * 2) + (64 << 20)
    if header.data_offset_bytes > limit:
        raise _bad(64, f"its data is said to start at byte {header.data_offset_bytes}, further than its tables can reach")


def _bad(offset_bytes: int, what: str) -> StreamMalformed:
    return StreamMalformed(offset_bytes, what, code="vmdk_header")
