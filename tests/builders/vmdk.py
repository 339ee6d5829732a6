"""Small streamOptimized VMDK streams made by hand, sound by default and breakable in every field."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

SECTOR_BYTES = 512
AT_END = 0xFFFF_FFFF_FFFF_FFFF
FLAGS = 1 | 1 << 16 | 1 << 17


def header(
    *,
    capacity: int,
    grain: int = 128,
    magic: bytes = b"KDMV",
    version: int = 3,
    flags: int = FLAGS,
    gd: int = AT_END,
    overhead: int = 2,
    entries: int = 512,
    newlines: bytes = b"\n \r\n",
    compression: int = 1,
) -> bytes:
    packed = struct.pack(
        "<4sIIQQQQIQQQB4sH", magic, version, flags, capacity, grain, 1, 1, entries, 0, gd, overhead, 0, newlines, compression
    )
    return packed.ljust(SECTOR_BYTES, b"\0")


def grain(lba: int, data: bytes, *, level: int = 6) -> bytes:
    return packed_grain(lba, zlib.compress(data, level))


def packed_grain(lba: int, packed: bytes, *, size: int | None = None) -> bytes:
    return _padded(struct.pack("<QI", lba, len(packed) if size is None else size) + packed)


def marker(kind: int, sectors: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack("<QII", sectors, 0, kind).ljust(SECTOR_BYTES, b"\0") + payload


def table(sectors: int = 4) -> bytes:
    return marker(1, sectors, bytes(sectors * SECTOR_BYTES))


def end() -> bytes:
    return marker(0)


@dataclass
class AStream:
    """A stream of `capacity` sectors: header, descriptor sector, records, directory, footer, end."""

    capacity: int
    records: list[bytes] = field(default_factory=list)
    header: bytes = b""
    tail: bytes | None = None

    def bytes(self) -> bytes:
        head = self.header or header(capacity=self.capacity)
        tail = self.tail if self.tail is not None else marker(2, 1, bytes(512)) + marker(3, 1, head) + end()
        return head + b"# descriptor".ljust(SECTOR_BYTES, b"\0") + b"".join(self.records) + tail

    def open(self) -> DribblingStream:
        return DribblingStream(self.bytes())


class DribblingStream:
    """A stream that gives at most `step` bytes at a time and remembers that it was closed."""

    def __init__(self, content: bytes, step: int = 70_001) -> None:
        self._stream = io.BytesIO(content)
        self._step = step
        self.was_closed = False

    def readinto(self, buffer: memoryview) -> int:
        return self._stream.readinto(buffer[: self._step])

    def close(self) -> None:
        self.was_closed = True


def vmware_stream(disk: bytes, *, grain_sectors: int = 128, level: int = 6, tables_every: int = 40) -> bytes:
    """`disk` as VMware writes it: grains of zeros left out, tables between the grains."""
    size = grain_sectors * SECTOR_BYTES
    records: list[bytes] = []
    for offset in range(0, len(disk), size):
        data = disk[offset : offset + size].ljust(size, b"\0")
        if data.strip(b"\0"):
            records.append(grain(offset // SECTOR_BYTES, data, level=level))
            if len(records) % tables_every == 0:
                records.append(table())
    capacity = len(disk) // SECTOR_BYTES
    return AStream(capacity, records, header=header(capacity=capacity, grain=grain_sectors)).bytes()


def replay(capacity_bytes: int, extents: Iterable[object]) -> bytes:
    """The disk that extents describe."""
    disk = bytearray(capacity_bytes)
    for extent in extents:
        data = bytes(extent.data)  # type: ignore[attr-defined]
        disk[extent.offset_bytes : extent.offset_bytes + len(data)] = data  # type: ignore[attr-defined]
    return bytes(disk)


def _padded(record: bytes) -> bytes:
    return record + bytes(-len(record) % SECTOR_BYTES)
