"""Reads a copied disk back and compares it with the hashes taken at the source. Repairs nothing; names what differs."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes, hash_block
from estate.disks.errors import ReadBackShort
from estate.disks.ports import BlockReader
from estate.disks.pump import ByteRange


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a disk is compared: `percent` of its blocks; 100 is all of them, 0 none."""

    percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"{self.percent} % is no part of a disk")

    def blocks(self, block_count: int, seed: int) -> Iterator[int]:
        """Ascending indexes of the blocks to compare: one by lot out of each group of equal size, so that no part is left out.

        The first and the last block, where partition tables lie, are always among them. `seed` should not be foreseeable.
        """
        if self.percent in (0, 100):
            yield from range(block_count if self.percent else 0)
            return
        chance = random.Random(seed)  # noqa: S311 - a sample, no secret
        last = block_count - 1
        for group in range(-(-block_count * self.percent // 100)):
            start, end = group * 100 // self.percent, min(last, (group + 1) * 100 // self.percent - 1)
            index = chance.randint(min(start, end), end)
            if group == 0 and index:
                yield 0
            if index != last:
                yield index
        if block_count:
            yield last


FULL = Share(100)


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """`mismatched_ranges` are (start, end) in bytes, merged and ascending; `pump.copy(only_ranges=...)` takes them.

    `bytes_passed` counts what lies in front of the reader's last place, known zeros included.
    """

    bytes_passed: int
    blocks_compared: int
    mismatched_ranges: tuple[ByteRange, ...]
    blocks_total: int = 0

    @property
    def matched(self) -> bool:
        """Whether something was compared and all of it is what the source had."""
        return self.blocks_compared > 0 and not self.mismatched_ranges


def read_back(
    reader: BlockReader,
    expected: BlockHashes,
    capacity_bytes: int,
    *,
    share: Share = FULL,
    seed: int = 0,
    alive: Callable[[], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> VerifyResult:
    """Compare a disk of `capacity_bytes` with its map, block by block, as far as `share` goes; then close the reader.

    A VDI may be larger than the disk it holds (SRs round up); what lies behind the capacity is not compared. A reader goes
    front to back, so that blocks outside the share are read too, but not hashed; blocks that it knows to be zeros are compared
    without a byte. A share of nothing reads nothing, and proves nothing.

    Raises:
        ReadBackShort: the reader ended early.
        ValueError: the map belongs to a disk of another size.
    """
    if expected.capacity_bytes != capacity_bytes:
        reader.close()
        raise ValueError("the block map belongs to a disk of another size")
    chosen = share.blocks(expected.block_count, seed)
    comparing = _Comparing(expected)
    position, holds_data = 0, True
    try:
        for index in chosen:
            while position <= index:
                if alive:
                    alive()
                start, length = position * BLOCK_BYTES, expected.length_of(position)
                holds_data = not reader.skip_zeros(length)
                if holds_data:
                    _fill(reader, memoryview(comparing.buffer())[:length], start, capacity_bytes)
                position += 1
                if on_progress:
                    on_progress(start + length, capacity_bytes)
            comparing.compare(index, holds_data=holds_data)
        ranges = comparing.ranges()
    finally:
        comparing.close()
        reader.close()
    return VerifyResult(min(position * BLOCK_BYTES, capacity_bytes), comparing.compared, ranges, expected.block_count)


class _Comparing:
    """Hashes and compares blocks on a thread of its own, so that the next one is read meanwhile."""

    def __init__(self, expected: BlockHashes) -> None:
        self._expected = expected
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="verify")
        self._buffers = [bytearray(BLOCK_BYTES) for _ in range(3)]
        self._asked: deque[tuple[int, Future[bool]]] = deque()
        self._ranges: list[ByteRange] = []
        self.compared = 0

    def buffer(self) -> bytearray:
        """Room for the next block: none that is still being compared, and the same again until `compare`."""
        while len(self._asked) > 1:
            self._take()
        return self._buffers[self.compared % len(self._buffers)]

    def compare(self, index: int, *, holds_data: bool) -> None:
        """Have the buffer's content, or zeros, compared with the hash of this block."""
        block = self.buffer()
        same = self._thread.submit(self._is_same, index, block) if holds_data else _answered(self._expected.get(index) is None)
        self._asked.append((index, same))
        self.compared += 1

    def ranges(self) -> tuple[ByteRange, ...]:
        """What differed, once everything is compared."""
        while self._asked:
            self._take()
        return tuple(self._ranges)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _is_same(self, index: int, block: bytearray) -> bool:
        length = self._expected.length_of(index)
        return hash_block(block if length == BLOCK_BYTES else block[:length]) == self._expected.get(index)

    def _take(self) -> None:
        index, same = self._asked.popleft()
        if same.result():
            return
        start = index * BLOCK_BYTES
        end = start + self._expected.length_of(index)
        if self._ranges and self._ranges[-1][1] == start:
            start = self._ranges.pop()[0]
        self._ranges.append((start, end))


def _answered(answer: bool) -> Future[bool]:
    future: Future[bool] = Future()
    future.set_result(answer)
    return future


def _fill(reader: BlockReader, room: memoryview, offset_bytes: int, capacity_bytes: int) -> None:
    filled = 0
    while filled < len(room):
        got = reader.read_into(room[filled:])
        if not got:
            raise ReadBackShort(offset_bytes + filled, capacity_bytes)
        filled += got
