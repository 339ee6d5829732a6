"""Reads a disk that was just written to a file back from it, for proof: raw, VHD, qcow2 as the sinks of this room make them.

Tables are read from the file, so that a wrong one shows as a wrong disk; nothing is kept of the writing.
"""

from __future__ import annotations

import struct
from pathlib import Path

from estate.disks.errors import ReadBackMalformed
from estate.disks.files.qcow2 import CLUSTER_BYTES
from estate.disks.images.local import LocalFile
from estate.disks.ports import BlockReader
from estate.disks.vhd_stream import VhdReadback

_QCOW2 = struct.Struct(">4sI8x4xIQ4xIQ")
"""Magic, version, cluster bits, size of the disk, entries and place of the level-1 table."""
_PLACE = 0x00FF_FFFF_FFFF_FE00
_ENTRIES = CLUSTER_BYTES // 8


class RawReadback:
    """A raw file front to back; what the file system knows as a hole is zeros. Implements `estate.disks.ports.BlockReader`."""

    def __init__(self, path: Path) -> None:
        self._file = LocalFile(path)
        self._position = 0

    def skip_zeros(self, length: int, /) -> bool:
        """Pass over a hole."""
        end = min(self._position + length, self._file.size_bytes)
        if end < self._position + length or next(self._file.data_ranges(self._position, end), None) is not None:
            return False
        self._position = end
        return True

    def read_into(self, buffer: memoryview) -> int:
        """Fill the whole buffer, or as much as the file still has."""
        room = buffer[: max(0, min(len(buffer), self._file.size_bytes - self._position))]
        self._file.read_into(self._position, room)
        self._position += len(room)
        return len(room)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Qcow2Readback:
    """A qcow2 with clusters of 64 KiB, nothing compressed, no backing file, front to back.

    Raises: ReadBackMalformed when it is another one.
    """

    def __init__(self, path: Path) -> None:
        self._file = LocalFile(path)
        self._position = 0
        self._number, self._table = -1, (0,) * _ENTRIES
        head = self._part(0, _QCOW2.size)
        magic, version, bits, self._size_bytes, entries, at = _QCOW2.unpack(head)
        if (magic, version, 1 << bits) != (b"QFI\xfb", 3, CLUSTER_BYTES):
            raise ReadBackMalformed(0, "it is no qcow2 of version 3 with clusters of 64 KiB")
        if entries != -(-self._size_bytes // (_ENTRIES * CLUSTER_BYTES)):
            raise ReadBackMalformed(36, f"its first table has {entries} entries")
        self._level1 = struct.unpack(f">{entries}Q", self._part(at, entries * 8))

    def skip_zeros(self, length: int, /) -> bool:
        """Pass over clusters that the file does not hold."""
        end = self._position + length
        if end > self._size_bytes or any(self._cluster(at) for at in range(self._position, end, CLUSTER_BYTES)):
            return False
        self._position = end
        return True

    def read_into(self, buffer: memoryview) -> int:
        """Fill up to the end of a cluster; 0 is the end of the disk."""
        start = self._position % CLUSTER_BYTES
        room = buffer[: max(0, min(len(buffer), CLUSTER_BYTES - start, self._size_bytes - self._position))]
        if room:
            place = self._cluster(self._position)
            if place:
                self._file.read_into(place + start, room)
            else:
                room[:] = bytes(len(room))
            self._position += len(room)
        return len(room)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _cluster(self, offset_bytes: int) -> int:
        """Where in the file the cluster of this offset lies; 0 for none."""
        number, entry = divmod(offset_bytes // CLUSTER_BYTES, _ENTRIES)
        if number != self._number:
            place = self._level1[number] & _PLACE
            self._table = struct.unpack(f">{_ENTRIES}Q", self._part(place, CLUSTER_BYTES)) if place else (0,) * _ENTRIES
            self._number = number
        return self._table[entry] & _PLACE

    def _part(self, at: int, length: int) -> bytes:
        part = bytearray(length)
        self._file.read_into(at, memoryview(part))
        return bytes(part)


def open_vhd(path: Path) -> BlockReader:
    """A dynamic VHD whose blocks lie in their order, as a copy from front to back writes them."""
    return VhdReadback(RawReadback(path))
