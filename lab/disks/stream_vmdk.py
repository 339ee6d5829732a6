"""Writer of streamOptimized VMDK as vSphere's exports send it.

Grain tables stand between the grains they describe, the directory and a footer come at the end, LBAs ascend, and
grains of zeros are left out; output is written forward only. Readers live in the product, never here.

Source: VMware "Virtual Disk Format 5.0", section on stream-optimized compressed sparse extents.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import deflate

SECTOR_BYTES = 512
GRAIN_SECTORS = 128
GRAIN_BYTES = GRAIN_SECTORS * SECTOR_BYTES
ENTRIES_PER_TABLE = 512
OVERHEAD_SECTORS = 128
DESCRIPTOR_SECTORS = 20
DIRECTORY_AT_END = 0xFFFF_FFFF_FFFF_FFFF
FLAGS = 1 | 1 << 16 | 1 << 17
MARK_END, MARK_TABLE, MARK_DIRECTORY, MARK_FOOTER = 0, 1, 2, 3
ZERO_GRAIN = bytes(GRAIN_BYTES)
HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
GRAIN_MARK = struct.Struct("<QI")
MARK = struct.Struct("<QII")


def write_stream_vmdk(raw_path: Path, out: BinaryIO, level: int = 6, *, name: str = "disk.vmdk", cid: int = 0x1A2B3C4D) -> int:
    """Write the raw disk at `raw_path` to `out` as one stream and return the bytes written.

    `level` is the deflate level 1 to 12; `name` and `cid` appear in the descriptor only. `out` is never read or
    seeked. A size that is no multiple of 512 bytes is refused with ValueError.
    """
    capacity_bytes = raw_path.stat().st_size
    if capacity_bytes % SECTOR_BYTES:
        raise ValueError(f"{raw_path} has {capacity_bytes} bytes, which is not a whole number of sectors")
    writer = _StreamWriter(out, capacity_bytes // SECTOR_BYTES)
    writer.start(_descriptor(capacity_bytes // SECTOR_BYTES, name, cid))
    with raw_path.open("rb", buffering=0) as raw:
        for number, grain in allocated_grains(raw, capacity_bytes):
            writer.grain(number, deflate.zlib_compress(grain, level))
    writer.finish()
    return writer.position_bytes


def allocated_grains(raw: BinaryIO, capacity_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield (grain number, 64 KiB) for every grain that is not all zeros; holes of the file are not even read."""
    position = 0
    while position < capacity_bytes:
        start, end = _next_extent(raw, position, capacity_bytes)
        for offset in range(start // GRAIN_BYTES * GRAIN_BYTES, end, GRAIN_BYTES):
            raw.seek(offset)
            grain = raw.read(GRAIN_BYTES).ljust(GRAIN_BYTES, b"\0")
            if grain != ZERO_GRAIN:
                yield offset // GRAIN_BYTES, grain
        position = -(-end // GRAIN_BYTES) * GRAIN_BYTES


def _next_extent(raw: BinaryIO, position: int, capacity_bytes: int) -> tuple[int, int]:
    try:
        start = os.lseek(raw.fileno(), position, os.SEEK_DATA)
        return max(position, start), os.lseek(raw.fileno(), start, os.SEEK_HOLE)
    except OSError:  # ENXIO: nothing but a hole up to the end
        return capacity_bytes, capacity_bytes


class _StreamWriter:
    def __init__(self, out: BinaryIO, capacity_sectors: int) -> None:
        self._out = out
        self._capacity = capacity_sectors
        grains = -(-capacity_sectors // GRAIN_SECTORS)
        self._directory = [0] * -(-grains // ENTRIES_PER_TABLE)
        self._table = [0] * ENTRIES_PER_TABLE
        self._table_number = 0
        self.position_bytes = 0

    def start(self, descriptor: bytes) -> None:
        header = self._header(DIRECTORY_AT_END)
        self._write(header + descriptor.ljust(DESCRIPTOR_SECTORS * SECTOR_BYTES, b"\0"))
        self._write(bytes(OVERHEAD_SECTORS * SECTOR_BYTES - self.position_bytes))

    def grain(self, number: int, packed: bytes) -> None:
        table_number, entry = divmod(number, ENTRIES_PER_TABLE)
        if table_number != self._table_number:
            self._flush_table()
            self._table_number = table_number
        self._table[entry] = self._sector
        self._write(_padded(GRAIN_MARK.pack(number * GRAIN_SECTORS, len(packed)) + packed))

    def finish(self) -> None:
        self._flush_table()
        directory = _padded(struct.pack(f"<{len(self._directory)}I", *self._directory))
        self._mark(MARK_DIRECTORY, len(directory) // SECTOR_BYTES)
        directory_sector = self._sector
        self._write(directory)
        self._mark(MARK_FOOTER, 1)
        self._write(self._header(directory_sector))
        self._mark(MARK_END, 0)

    def _flush_table(self) -> None:
        if not any(self._table):
            return
        self._mark(MARK_TABLE, ENTRIES_PER_TABLE * 4 // SECTOR_BYTES)
        self._directory[self._table_number] = self._sector
        self._write(struct.pack(f"<{ENTRIES_PER_TABLE}I", *self._table))
        self._table = [0] * ENTRIES_PER_TABLE

    @property
    def _sector(self) -> int:
        return self.position_bytes // SECTOR_BYTES

    def _mark(self, kind: int, sectors: int) -> None:
        self._write(_padded(MARK.pack(sectors, 0, kind)))

    def _header(self, directory_sector: int) -> bytes:
        return _padded(
            HEADER.pack(
                b"KDMV",
                3,
                FLAGS,
                self._capacity,
                GRAIN_SECTORS,
                1,
                DESCRIPTOR_SECTORS,
                ENTRIES_PER_TABLE,
                0,
                directory_sector,
                OVERHEAD_SECTORS,
                0,
                b"\n \r\n",
                1,
            )
        )

    def _write(self, content: bytes) -> None:
        self._out.write(content)
        self.position_bytes += len(content)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % SECTOR_BYTES)


def _descriptor(capacity_sectors: int, name: str, cid: int) -> bytes:
    cylinders = min(capacity_sectors // (255 * 63), 65535)
    lines = (
        "# Disk DescriptorFile",
        "version=1",
        f"CID={cid:08x}",
        "parentCID=ffffffff",
        'createType="streamOptimized"',
        "",
        "# Extent description",
        f'RDONLY {capacity_sectors} SPARSE "{name}"',
        "",
        "# The Disk Data Base",
        "#DDB",
        'ddb.adapterType = "lsilogic"',
        f'ddb.geometry.cylinders = "{cylinders}"',
        'ddb.geometry.heads = "255"',
        'ddb.geometry.sectors = "63"',
        'ddb.virtualHWVersion = "19"',
        "",
    )
    return "\n".join(lines).encode()
