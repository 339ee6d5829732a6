"""Unpacks the grains of one block into a 2 MiB buffer and hashes it. Runs on worker threads; shares nothing between blocks."""

from __future__ import annotations

from dataclasses import dataclass

from estate.disks.blockmap import BLOCK_BYTES, ZERO_BLOCK, BlockHashes, hash_block
from estate.disks.vmdk.inflate import Inflate, InflateFailed, grain_error
from estate.disks.vmdk.records import PackedBlock, PackedGrain

_ZERO_GRAIN_MOST_BYTES = 128
"""A 64 KiB grain of zeros deflates to about 84 bytes, so only shorter ones are compared with zeros here."""


@dataclass(slots=True)
class PlainBlock:
    """One block with data: its buffer, and the byte ranges of it that are not known to be zero."""

    index: int
    buffer: bytearray
    runs: list[tuple[int, int]]


class BlockUnpacker:
    """Inflates whole blocks. One unpacker serves all worker threads of a source."""

    def __init__(self, inflate: Inflate, grain_bytes: int, hashes: BlockHashes | None) -> None:
        self._inflate = inflate
        self._grain_bytes = grain_bytes
        self._hashes = hashes

    def unpack(self, block: PackedBlock, buffer: bytearray) -> PlainBlock:
        """Fill `buffer` (2 MiB) with the block's bytes and note its hash.

        Raises:
            StreamMalformed: a grain is damaged or inflates to more than its size.
        """
        runs: list[tuple[int, int]] = []
        filled = 0
        for grain in sorted(block.grains, key=_start):
            plain = self._inflated(grain)
            length = min(len(plain), grain.length_bytes)
            if len(grain.packed) < _ZERO_GRAIN_MOST_BYTES and plain == ZERO_BLOCK[: len(plain)]:
                continue
            start = grain.start_bytes
            if filled < start:
                buffer[filled:start] = ZERO_BLOCK[filled:start]
            buffer[start : start + length] = plain if length == len(plain) else plain[:length]
            filled = start + length
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], filled)
            else:
                runs.append((start, filled))
        if filled < BLOCK_BYTES:
            buffer[filled:] = ZERO_BLOCK[filled:]
        return PlainBlock(block.index, buffer, runs if self._note(block.index, buffer, runs) else [])

    def _inflated(self, grain: PackedGrain) -> bytes | bytearray:
        try:
            return self._inflate(grain.packed, self._grain_bytes)
        except InflateFailed as error:
            raise grain_error(grain.packed, self._grain_bytes, grain.stream_offset_bytes) from error

    def _note(self, index: int, buffer: bytearray, runs: list[tuple[int, int]]) -> bool:
        """Note the block's hash; False when it holds nothing but zeros."""
        if self._hashes is None:
            return bool(runs)
        length = self._hashes.length_of(index)
        digest = hash_block(buffer if length == BLOCK_BYTES else buffer[:length]) if runs else None
        self._hashes.put(index, digest)
        return digest is not None


def _start(grain: PackedGrain) -> int:
    return grain.start_bytes
