"""A dynamic VHD: blocks of 2 MiB in the order of their coming, found by a table in front of them.

Source: Microsoft "Virtual Hard Disk Image Format Specification" 1.0; qemu and blktap for how its size is understood.
"""

from __future__ import annotations

import struct
import uuid
from array import array
from datetime import UTC, datetime
from pathlib import Path

from estate.disks.blockmap import BLOCK_BYTES
from estate.disks.errors import TargetTooLarge
from estate.disks.files.target import TargetFile

SECTOR_BYTES = 512
MAX_CAPACITY_BYTES = 2040 << 30
"""Sector numbers have 32 bits; what xapi and qemu accept ends here."""

_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
_HEADER = struct.Struct(">8sQQIIII16sII512s192s256x")
_FOOTER_CHECKSUM_AT, _HEADER_CHECKSUM_AT = 64, 36
_HEADER_AT, _TABLE_AT = SECTOR_BYTES, 3 * SECTOR_BYTES
_ABSENT = 0xFFFF_FFFF
_BITMAP = b"\xff" * SECTOR_BYTES
_ALIGN_BYTES = 4096
"""Each block's data begin at a multiple of this, as blktap has it: a disk in a file system is written in whole pages."""
_BLOCK_STRIDE_BYTES = BLOCK_BYTES + _ALIGN_BYTES
_CREATOR = b"win "
"""Readers that know this creator take the size field; for unknown ones qemu computes a smaller disk from the geometry."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class VhdSink:
    """Writes a disk of `capacity_bytes` (whole sectors) to a new dynamic VHD. Implements `estate.disks.ports.VdiSink`.

    Offsets may come in any order. `made_at` and `identity` stand in the footer. Header and table are written by `finish()`,
    so that what was cut off is no VHD. Memory: 4 bytes per 2 MiB of disk.

    Raises:
        TargetTooLarge: the disk is larger than 2040 GiB.
        TargetExists, TargetFull, TargetFailed: see `TargetFile`.
    """

    zero_fill = False

    def __init__(
        self,
        path: Path,
        capacity_bytes: int,
        *,
        sync: bool = True,
        made_at: datetime | None = None,
        identity: uuid.UUID | None = None,
    ) -> None:
        if capacity_bytes % SECTOR_BYTES:
            raise ValueError(f"a disk of {capacity_bytes} bytes does not end with a sector")
        if capacity_bytes > MAX_CAPACITY_BYTES:
            raise TargetTooLarge(str(path), "VHD", MAX_CAPACITY_BYTES)
        self._table = array("I", [_ABSENT]) * -(-capacity_bytes // BLOCK_BYTES)
        table_end_bytes = _TABLE_AT + -(-len(self._table) * 4 // SECTOR_BYTES) * SECTOR_BYTES
        self._end_bytes = -(-table_end_bytes // _ALIGN_BYTES) * _ALIGN_BYTES
        seconds = int(((made_at or datetime.now(UTC)) - _EPOCH).total_seconds())
        self._footer = footer(capacity_bytes, seconds, (identity or uuid.uuid4()).bytes)
        self._file = TargetFile(path, sync=sync)

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Write at this offset of the disk."""
        view = memoryview(data)
        while len(view):
            index, start = divmod(offset_bytes, BLOCK_BYTES)
            piece = view[: BLOCK_BYTES - start]
            self._file.write_at(self._data_at(index) + start, piece)
            offset_bytes += len(piece)
            view = view[len(piece) :]

    def finish(self) -> None:
        """Write tables and footers, then give the file its name."""
        table = array("I", self._table)
        if struct.pack("=H", 1) == struct.pack("<H", 1):
            table.byteswap()
        packed = table.tobytes()
        self._file.write_at(_TABLE_AT, packed + b"\xff" * (-len(packed) % SECTOR_BYTES))
        self._file.write_at(_HEADER_AT, header(len(self._table)))
        self._file.write_at(self._end_bytes, self._footer)
        self._file.write_at(0, self._footer)
        self._file.keep()

    def abort(self) -> None:
        """Remove what was written."""
        self._file.drop()

    def _data_at(self, index: int) -> int:
        """Where the block's data lie in the file; a block that is new gets its place and its bitmap."""
        sector = self._table[index]
        if sector == _ABSENT:
            bitmap_at = self._end_bytes + _ALIGN_BYTES - SECTOR_BYTES
            sector = self._table[index] = bitmap_at // SECTOR_BYTES
            self._end_bytes += _BLOCK_STRIDE_BYTES
            self._file.write_at(bitmap_at, _BITMAP)
        return (sector + 1) * SECTOR_BYTES


def footer(capacity_bytes: int, seconds: int, identity: bytes) -> bytes:
    """The sector at both ends of the file. `seconds` are counted from the year 2000."""
    cylinders, heads, sectors = geometry(capacity_bytes // SECTOR_BYTES)
    fields = (
        *(b"conectix", 2, 0x0001_0000, _HEADER_AT, seconds, _CREATOR, 0x000A_0000, b"Wi2k"),
        *(capacity_bytes, capacity_bytes, cylinders, heads, sectors, 3),
    )
    return _checked(_FOOTER, _FOOTER_CHECKSUM_AT, *fields, 0, identity, 0)


def header(blocks: int) -> bytes:
    """The two sectors behind the first footer."""
    fields = (b"cxsparse", 0xFFFF_FFFF_FFFF_FFFF, _TABLE_AT, 0x0001_0000, blocks, BLOCK_BYTES)
    return _checked(_HEADER, _HEADER_CHECKSUM_AT, *fields, 0, bytes(16), 0, 0, bytes(512), bytes(192))


def _checked(layout: struct.Struct, checksum_at: int, *fields: int | bytes) -> bytes:
    """Packed fields with the checksum (given as 0) filled in: the complement of the sum of all bytes."""
    packed = bytearray(layout.pack(*fields))
    struct.pack_into(">I", packed, checksum_at, ~sum(packed) & 0xFFFF_FFFF)
    return bytes(packed)


def geometry(total_sectors: int) -> tuple[int, int, int]:
    """Cylinders, heads and sectors a track, as the specification's appendix computes them."""
    total = min(total_sectors, 65535 * 16 * 255)
    if total >= 65535 * 16 * 63:
        return total // 255 // 16, 16, 255
    sectors = 17
    cylinder_heads = total // sectors
    heads = max(4, (cylinder_heads + 1023) // 1024)
    if cylinder_heads >= heads * 1024 or heads > 16:
        sectors, heads = 31, 16
        cylinder_heads = total // sectors
    if cylinder_heads >= heads * 1024:
        sectors, heads = 63, 16
        cylinder_heads = total // sectors
    return cylinder_heads // heads, heads, sectors
