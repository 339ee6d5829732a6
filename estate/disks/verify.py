"""Reads a copied disk back and compares it with the hashes taken at the source. Repairs nothing; names what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes, hash_block
from estate.disks.errors import ReadBackShort
from estate.disks.ports import BlockReader


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """`mismatched_ranges` are (start, end) in bytes, merged and ascending; `pump.copy(only_ranges=...)` takes them."""

    bytes_read: int
    blocks_compared: int
    mismatched_ranges: tuple[tuple[int, int], ...]

    @property
    def matched(self) -> bool:
        """Whether every block is what the source had."""
        return not self.mismatched_ranges


def read_back(
    reader: BlockReader,
    expected: BlockHashes,
    capacity_bytes: int,
    *,
    alive: Callable[[], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> VerifyResult:
    """Compare `capacity_bytes` of a disk with its map, block by block, then close the reader.

    A VDI may be larger than the disk it holds (SRs round up); what lies behind the capacity is not compared.

    Raises:
        ReadBackShort: the reader ended early.
        ValueError: the map belongs to a disk of another size.
    """
    if expected.capacity_bytes != capacity_bytes:
        raise ValueError("the block map belongs to a disk of another size")
    ranges: list[tuple[int, int]] = []
    block = bytearray(BLOCK_BYTES)
    try:
        for index in range(expected.block_count):
            if alive:
                alive()
            start, length = index * BLOCK_BYTES, expected.length_of(index)
            _fill(reader, memoryview(block)[:length], start, capacity_bytes)
            if hash_block(block if length == BLOCK_BYTES else block[:length]) != expected.get(index):
                _add(ranges, start, start + length)
            if on_progress:
                on_progress(start + length, capacity_bytes)
    finally:
        reader.close()
    return VerifyResult(capacity_bytes, expected.block_count, tuple(ranges))


def _fill(reader: BlockReader, room: memoryview, offset_bytes: int, capacity_bytes: int) -> None:
    filled = 0
    while filled < len(room):
        got = reader.read_into(room[filled:])
        if not got:
            raise ReadBackShort(offset_bytes + filled, capacity_bytes)
        filled += got


def _add(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    if ranges and ranges[-1][1] == start:
        start = ranges.pop()[0]
    ranges.append((start, end))
