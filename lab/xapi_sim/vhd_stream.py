"""A VDI as the dynamic VHD that a host streams: footer, header, an empty sector, the table, blocks in order, footer.

Source: Microsoft "Virtual Hard Disk Image Format Specification" 1.0; the order of parts as xapi's vhd_format has them.
"""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path

BLOCK_BYTES = 2 << 20
SECTOR_BYTES = 512
MAX_BYTES = 2040 << 30
TABLE_AT = 4 * SECTOR_BYTES
BITMAP = b"\xff" * SECTOR_BYTES
ABSENT = 0xFFFF_FFFF


def written_blocks(path: Path, size_bytes: int) -> list[int]:
    """Numbers of the blocks in which the file behind a VDI has bytes: those that a VHD would hold."""
    found: list[int] = []
    with path.open("rb") as file:
        at = 0
        while at < size_bytes:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                break
            end = min(os.lseek(file.fileno(), at, os.SEEK_HOLE), size_bytes)
            first = max(at // BLOCK_BYTES, found[-1] + 1 if found else 0)
            found += range(first, -(-end // BLOCK_BYTES))
            at = end
    return found


def front(size_bytes: int, blocks: list[int]) -> bytes:
    """Everything in front of the first block."""
    count = -(-size_bytes // BLOCK_BYTES)
    table_bytes = -(-count * 4 // SECTOR_BYTES) * SECTOR_BYTES
    table = [ABSENT] * (table_bytes // 4)
    sector = (TABLE_AT + table_bytes) // SECTOR_BYTES
    for block in blocks:
        table[block] = sector
        sector += (BLOCK_BYTES + SECTOR_BYTES) // SECTOR_BYTES
    packed = struct.pack(f">{len(table)}I", *table)
    return footer(size_bytes) + _header(count) + bytes(SECTOR_BYTES) + packed


def ranges(size_bytes: int, blocks: list[int]) -> Iterator[tuple[int, int]]:
    """Offset and length in the disk of each block; the last one of an uneven disk is shorter and to be filled up with zeros."""
    for block in blocks:
        yield block * BLOCK_BYTES, min(BLOCK_BYTES, size_bytes - block * BLOCK_BYTES)


def footer(size_bytes: int) -> bytes:
    """The sector at both ends."""
    identity = uuid.uuid5(uuid.NAMESPACE_OID, str(size_bytes)).bytes
    fields = (b"conectix", 2, 0x10000, SECTOR_BYTES, 0, b"tap\0", 0x10003, 0, size_bytes, size_bytes, 65535, 16, 255, 3)
    return _summed(struct.pack(">8sIIQI4sIIQQHBBI4x16s428x", *fields, identity), 64)


def _header(count: int) -> bytes:
    fields = (b"cxsparse", 0xFFFF_FFFF_FFFF_FFFF, TABLE_AT, 0x10000, count, BLOCK_BYTES)
    return _summed(struct.pack(">8sQQIII988x", *fields), 36)


def _summed(part: bytes, checksum_at: int) -> bytes:
    return part[:checksum_at] + struct.pack(">I", ~sum(part) & 0xFFFF_FFFF) + part[checksum_at + 4 :]
