"""Reads a copied disk back and compares it with the hashes taken at the source. Repairs nothing; names what differs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes, hash_block
from estate.disks.errors import ReadBackShort
from estate.disks.ports import BlockReader

_SAMPLED = re.compile(r"sampled (\d{1,2}) %")


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """How much of a disk is compared: `percent` of its blocks; 100 is all of them, 0 none."""

    percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"{self.percent} % is no part of a disk")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`full`, `off` or `sampled N %` with N from 1 to 99. Raises ValueError for anything else."""
        if text in ("full", "off"):
            return cls(100 if text == "full" else 0)
        found = _SAMPLED.fullmatch(text)
        if not found or not int(found[1]):
            raise ValueError(f"{text!r} is no policy: full, off, or sampled N % with N from 1 to 99")
        return cls(int(found[1]))

    def __str__(self) -> str:
        return {100: "full", 0: "off"}.get(self.percent, f"sampled {self.percent} %")

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


FULL = VerifyPolicy(100)
OFF = VerifyPolicy(0)


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """`mismatched_ranges` are (start, end) in bytes, merged and ascending; `pump.copy(only_ranges=...)` takes them."""

    bytes_read: int
    blocks_compared: int
    mismatched_ranges: tuple[tuple[int, int], ...]
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
    policy: VerifyPolicy = FULL,
    seed: int = 0,
    alive: Callable[[], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> VerifyResult:
    """Compare a disk of `capacity_bytes` with its map, block by block, as far as the policy asks for; then close the reader.

    A VDI may be larger than the disk it holds (SRs round up); what lies behind the capacity is not compared. A reader goes
    front to back, so that skipped blocks are read too, but not hashed. The policy `off` reads nothing, and proves nothing.

    Raises:
        ReadBackShort: the reader ended early.
        ValueError: the map belongs to a disk of another size.
    """
    if expected.capacity_bytes != capacity_bytes:
        reader.close()
        raise ValueError("the block map belongs to a disk of another size")
    ranges: list[tuple[int, int]] = []
    block = bytearray(BLOCK_BYTES)
    compared = position = 0
    try:
        for index in policy.blocks(expected.block_count, seed):
            while position <= index:
                if alive:
                    alive()
                start, length = position * BLOCK_BYTES, expected.length_of(position)
                _fill(reader, memoryview(block)[:length], start, capacity_bytes)
                position += 1
                if on_progress:
                    on_progress(start + length, capacity_bytes)
            compared += 1
            if hash_block(block if length == BLOCK_BYTES else block[:length]) != expected.get(index):
                _add(ranges, start, start + length)
    finally:
        reader.close()
    return VerifyResult(min(position * BLOCK_BYTES, capacity_bytes), compared, tuple(ranges), expected.block_count)


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
