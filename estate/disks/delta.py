"""Changed extents of a disk written into a target that holds the disk as it was: in one go, zeros among them sent as zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from estate.disks import pump
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes, hash_block
from estate.disks.images.chain import DiskImage
from estate.disks.images.source import ImageSource, blank, blocks_of, fill
from estate.disks.ports import VdiSink
from estate.disks.pump import ByteRange, CopyStats

GAP_BYTES = 64 << 10
"""Ranges nearer to each other than this become one: a round trip costs more than the bytes between them."""
_ALIGN_BYTES = 4096
"""The receiver writes past its cache, in whole pages."""


def merged(ranges: Iterable[ByteRange], capacity_bytes: int, *, gap_bytes: int = GAP_BYTES) -> list[ByteRange]:
    """Ranges in any order, even over each other, as ascending ones with whole pages and gaps larger than `gap_bytes`.

    Raises:
        ValueError: a range is empty, reversed or outside the disk.
    """
    joined: list[ByteRange] = []
    for start, end in sorted(ranges):
        if not 0 <= start < end <= capacity_bytes:
            raise ValueError(f"the range {start}-{end} lies outside a disk of {capacity_bytes} bytes")
        low = start // _ALIGN_BYTES * _ALIGN_BYTES
        high = min(capacity_bytes, -(-end // _ALIGN_BYTES) * _ALIGN_BYTES)
        if joined and low - joined[-1][1] <= gap_bytes:
            low = joined[-1][0]
            high = max(high, joined.pop()[1])
        joined.append((low, high))
    return joined


def write(
    image: DiskImage,
    changed: Iterable[ByteRange],
    sink: VdiSink,
    *,
    block_hashes: BlockHashes,
    alive: Callable[[], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> CopyStats:
    """Write these ranges of the image, and nothing else, into the sink; then finish the sink. Closes both.

    `block_hashes` is the map of the disk as it was. Blocks that the ranges cover wholly are noted in it; for the others,
    `stale_blocks` says which they are and `rehash` reads them.

    Raises: ValueError for a range outside the disk; else what `pump.copy` raises.
    """
    ranges = merged(changed, image.capacity_bytes)
    fresh = BlockHashes(image.capacity_bytes)
    stats = pump.copy(
        ImageSource(image, ranges=ranges),
        sink,
        block_hashes=fresh,
        alive=alive,
        on_progress=on_progress,
        only_ranges=ranges,
    )
    for index in _covered_blocks(ranges, image.capacity_bytes):
        block_hashes.put(index, fresh.get(index))
    return stats


def touched_blocks(ranges: Sequence[ByteRange]) -> list[int]:
    """Indexes of all blocks in which ascending ranges lie."""
    touched: list[int] = []
    for start, end in ranges:
        first = max(start // BLOCK_BYTES, touched[-1] + 1 if touched else 0)
        touched += range(first, -(-end // BLOCK_BYTES))
    return touched


def stale_blocks(changed: Iterable[ByteRange], block_hashes: BlockHashes) -> list[int]:
    """Blocks that `write` changed and could not hash, because it read only a part of them."""
    ranges = merged(changed, block_hashes.capacity_bytes)
    covered = set(_covered_blocks(ranges, block_hashes.capacity_bytes))
    return [index for index in touched_blocks(ranges) if index not in covered]


def rehash(image: DiskImage, indexes: Iterable[int], block_hashes: BlockHashes) -> None:
    """Read whole blocks of the image and note their hashes. Leaves the image open. Raises: what its readers raise."""
    buffer = bytearray(BLOCK_BYTES)
    for index in indexes:
        start, length = index * BLOCK_BYTES, block_hashes.length_of(index)
        runs = next((runs for _, runs in blocks_of(image.layer.runs(start, start + length))), [])
        told = fill(index, runs, buffer)
        blank(runs, index, buffer)
        block_hashes.put(index, hash_block(buffer if length == BLOCK_BYTES else buffer[:length]) if told else None)


def _covered_blocks(ranges: Sequence[ByteRange], capacity_bytes: int) -> Iterator[int]:
    """Blocks that lie wholly in one of the ranges; the disk's last block may be short."""
    for start, end in ranges:
        last = -(-end // BLOCK_BYTES) if end == capacity_bytes else end // BLOCK_BYTES
        yield from range(-(-start // BLOCK_BYTES), last)
