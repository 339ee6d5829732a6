"""A VHD that comes front to back, read as the disk it holds: blocks it does not hold are zeros that nobody has to send.

Pools send a VDI so. Trusts nothing: sums, sizes and places are checked before anything is kept, and blocks have to come in order.
Source: Microsoft "Virtual Hard Disk Image Format Specification" 1.0; the order of parts as xapi's vhd_format streams them.
"""

from __future__ import annotations

import struct
from array import array

from estate.disks.blockmap import BLOCK_BYTES
from estate.disks.errors import ReadBackMalformed, ReadBackShort
from estate.disks.ports import BlockReader

SECTOR_BYTES = 512
_FOOTER = struct.Struct(">8s4x4xQ24xQ4x4sI")
"""Cookie, where the header is, size of the disk in bytes, kind, sum."""
_HEADER = struct.Struct(">8s8xQ4xIII")
"""Cookie, where the table is, number of blocks, bytes of a block, sum."""
_HEADER_BYTES = 1024
_DYNAMIC = (3).to_bytes(4)
_ABSENT = 0xFFFF_FFFF
_MOST_BLOCKS = (2040 << 30) // BLOCK_BYTES
_MOST_GAP_BYTES = 1 << 20
"""Between header, table and blocks there is at most a map of the table; what is larger is no gap."""
_WHOLE = b"\xff" * SECTOR_BYTES
_PIECE_BYTES = 64 << 10


class VhdReadback:
    """Reads the disk in a VHD stream from its front. Implements `estate.disks.ports.BlockReader`; closes `stream` with itself.

    Each request lies within one block of 2 MiB. Memory: 4 bytes per block of the disk.

    Raises:
        ReadBackMalformed: the stream is no dynamic VHD with its blocks in ascending order.
        ReadBackShort: the stream ends inside the tables or a block.
    """

    def __init__(self, stream: BlockReader) -> None:
        self._stream = stream
        self._at = 0
        self._position = 0
        self._block = -1
        self._bitmap = _WHOLE
        self._table: array[int] | None = None
        self._size_bytes = 0

    def skip_zeros(self, length: int, /) -> bool:
        """Pass over the next bytes when their block is not in the VHD."""
        table = self._known_table()
        if self._position >= self._size_bytes or table[self._position // BLOCK_BYTES] != _ABSENT:
            return False
        self._position += length
        return True

    def read_into(self, buffer: memoryview) -> int:
        """Fill the whole buffer, or as much as the disk still has; 0 is its end."""
        table = self._known_table()
        index, start = divmod(self._position, BLOCK_BYTES)
        room = buffer[: min(len(buffer), BLOCK_BYTES - start, self._size_bytes - self._position)]
        if not room:
            return 0
        if table[index] == _ABSENT:
            room[:] = bytes(len(room))
        else:
            self._from_block(index, table[index] * SECTOR_BYTES, start, room)
        self._position += len(room)
        return len(room)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _from_block(self, index: int, place: int, start: int, room: memoryview) -> None:
        """Bytes of one block: those that its bitmap does not claim are zeros, whatever lies there."""
        if index != self._block:
            self._go_to(place, BLOCK_BYTES + SECTOR_BYTES if self._block >= 0 else _MOST_GAP_BYTES)
            self._bitmap, self._block = self._exactly(SECTOR_BYTES), index
        self._go_to(place + SECTOR_BYTES + start, BLOCK_BYTES)
        self._fill(room)
        if self._bitmap != _WHOLE:
            self._blank(start, room)

    def _blank(self, start: int, room: memoryview) -> None:
        for sector in range(start // SECTOR_BYTES, -(-(start + len(room)) // SECTOR_BYTES)):
            if not self._bitmap[sector // 8] & 0x80 >> sector % 8:
                first, last = max(0, sector * SECTOR_BYTES - start), min(len(room), (sector + 1) * SECTOR_BYTES - start)
                room[first:last] = bytes(last - first)

    def _known_table(self) -> array[int]:
        if self._table is None:
            self._table = self._read_tables()
        return self._table

    def _read_tables(self) -> array[int]:
        footer = self._exactly(SECTOR_BYTES)
        cookie, header_at, size_bytes, kind, _ = _FOOTER.unpack_from(footer)
        if cookie != b"conectix" or not _sums_up(footer, 64):
            raise ReadBackMalformed(0, "it does not begin with a VHD's footer")
        if kind != _DYNAMIC:
            raise ReadBackMalformed(60, f"it is a VHD of kind {int.from_bytes(kind)}, not a dynamic one")
        self._go_to(header_at, _MOST_GAP_BYTES)
        header = self._exactly(_HEADER_BYTES)
        cookie, table_at, blocks, block_bytes, _ = _HEADER.unpack_from(header)
        if cookie != b"cxsparse" or not _sums_up(header, 36):
            raise ReadBackMalformed(header_at, "there is no VHD header")
        if block_bytes != BLOCK_BYTES or not size_bytes <= blocks * BLOCK_BYTES <= _MOST_BLOCKS * BLOCK_BYTES:
            raise ReadBackMalformed(header_at, f"{blocks} blocks of {block_bytes} bytes cannot hold {size_bytes} bytes")
        self._go_to(table_at, _MOST_GAP_BYTES)
        table = array("I", self._exactly(blocks * 4))
        if struct.pack("=H", 1) == struct.pack("<H", 1):
            table.byteswap()
        self._size_bytes = size_bytes
        return table

    def _go_to(self, offset_bytes: int, most_bytes: int) -> None:
        """Read and forget up to this place of the stream."""
        if not 0 <= offset_bytes - self._at <= most_bytes:
            raise ReadBackMalformed(self._at, f"its next part should lie at byte {offset_bytes}")
        while self._at < offset_bytes:
            self._exactly(min(_PIECE_BYTES, offset_bytes - self._at))

    def _exactly(self, length: int) -> bytes:
        piece = bytearray(length)
        self._fill(memoryview(piece))
        return bytes(piece)

    def _fill(self, room: memoryview) -> None:
        filled = 0
        while filled < len(room):
            got = self._stream.read_into(room[filled:])
            if not got:
                raise ReadBackShort(self._position + filled if self._table else 0, self._size_bytes)
            filled += got
        self._at += filled


def _sums_up(part: bytes, checksum_at: int) -> bool:
    """Whether the checksum is the complement of the sum of all other bytes."""
    told = int.from_bytes(part[checksum_at : checksum_at + 4])
    return told == ~(sum(part) - sum(part[checksum_at : checksum_at + 4])) & 0xFFFF_FFFF
