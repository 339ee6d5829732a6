"""Unpacks the grains of one block into a 2 MiB buffer and hashes it. Runs on worker threads; shares nothing between blocks."""

from __future__ import annotations

from estate.disks.blockmap import BLOCK_BYTES, ZERO_BLOCK, BlockHashes, hash_block
from estate.disks.pipeline import PlainBlock
from estate.disks.vmdk.inflate import Inflate, InflateFailed, grain_error
from estate.disks.vmdk.records import PackedBlock, PackedGrain

_ZERO_GRAIN_MOST_BYTES = 128
"""A 64 KiB grain of zeros deflates to about 84 bytes, so only shorter ones are compared with zeros here."""


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
        for start, length, packed, at_bytes in sorted(block.grains, key=_start):
            plain = self._inflated(packed, at_bytes)
            if len(packed) < _ZERO_GRAIN_MOST_BYTES and plain == ZERO_BLOCK[: len(plain)]:
                continue
            if filled < start:
                buffer[filled:start] = ZERO_BLOCK[filled:start]
            begin, filled = start, start + min(len(plain), length)
            buffer[begin:filled] = plain if len(plain) <= length else plain[:length]
            if runs and runs[-1][1] == begin:
                begin = runs.pop()[0]
            runs.append((begin, filled))
        if filled < BLOCK_BYTES:
            buffer[filled:] = ZERO_BLOCK[filled:]
        return PlainBlock(block.index, buffer, runs if self._note(block.index, buffer, runs) else [])

    def _inflated(self, packed: memoryview, stream_offset_bytes: int) -> bytes | bytearray:
        try:
            return self._inflate(packed, self._grain_bytes)
        except InflateFailed as error:
            raise grain_error(packed, self._grain_bytes, stream_offset_bytes) from error

    def _note(self, index: int, buffer: bytearray, runs: list[tuple[int, int]]) -> bool:
        """Note the block's hash; False when it holds nothing but zeros."""
        if self._hashes is None:
            return bool(runs)
        length = self._hashes.length_of(index)
        digest = hash_block(buffer if length == BLOCK_BYTES else buffer[:length]) if runs else None
        self._hashes.put(index, digest)
        return digest is not None


def _start(grain: PackedGrain) -> int:
    return grain[0]
