"""A disk image as a source of extents: the whole, or only given ranges of it. Several reads are in flight, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from estate.disks.blockmap import BLOCK_BYTES, ZERO_BLOCK, hash_block
from estate.disks.errors import StreamLost
from estate.disks.images.chain import DiskImage
from estate.disks.images.layers import Run
from estate.disks.pipeline import PipelinedSource, PlainBlock, Work

READERS = 4
BUFFERS = 8
_PIECE_BYTES = 64 << 10
"""Zeros are looked for in pieces of this size: that is how often a hole is worth a frame of its own."""
_ZERO_PIECE = bytes(_PIECE_BYTES)


class ImageSource(PipelinedSource):
    """Reads a disk image front to back. Implements `estate.disks.ports.ExtentSource`; closes the image.

    With `ranges` (ascending, apart) only these are told; then only blocks that they cover wholly are hashed.
    """

    def __init__(self, image: DiskImage, *, ranges: Sequence[tuple[int, int]] | None = None, readers: int = READERS) -> None:
        super().__init__(image.capacity_bytes, workers=readers, buffers=BUFFERS, name="image")
        self._image = image
        self._ranges = [(0, image.capacity_bytes)] if ranges is None else ranges

    def _works(self) -> Iterator[Work]:
        for index, runs in blocks_of(self._runs()):
            yield partial(self._fill, index, runs)

    def _runs(self) -> Iterator[Run]:
        for start, end in self._ranges:
            yield from self._image.layer.runs(start, end)

    def _fill(self, index: int, runs: list[Run], buffer: bytearray) -> PlainBlock:
        length = min(BLOCK_BYTES, self.capacity_bytes - index * BLOCK_BYTES)
        told = fill(index, runs, buffer)
        if self._hashes is not None and sum(run.end - run.start for run in runs) == length:
            blank(runs, index, buffer)
            digest = hash_block(buffer if length == BLOCK_BYTES else buffer[:length]) if told else None
            self._hashes.put(index, digest)
        return PlainBlock(index, buffer, told)

    def _let_go(self) -> None:
        self._image.close()

    def _closed_here(self) -> StreamLost:
        return StreamLost(0, "it was closed on this side")


def blocks_of(runs: Iterable[Run]) -> Iterator[tuple[int, list[Run]]]:
    """Ascending runs cut at the edges of blocks and gathered by block; blocks without a byte to read are left out."""
    index, gathered = -1, list[Run]()
    for run in runs:
        start = run.start
        while start < run.end:
            if run.reader is None and start % BLOCK_BYTES == 0 and run.end - start >= BLOCK_BYTES:
                start = run.end // BLOCK_BYTES * BLOCK_BYTES  # whole blocks of zeros, maybe a tebibyte of them
                continue
            end = min(run.end, (start // BLOCK_BYTES + 1) * BLOCK_BYTES)
            if start // BLOCK_BYTES != index:
                if any(one.reader for one in gathered):
                    yield index, gathered
                index, gathered = start // BLOCK_BYTES, []
            gathered.append(Run(start, end, run.reader, run.at + start - run.start))
            start = end
    if any(one.reader for one in gathered):
        yield index, gathered


def fill(index: int, runs: list[Run], buffer: bytearray) -> list[tuple[int, int]]:
    """Read the runs of one block into its buffer; gives the parts that are not zero. The rest of the buffer keeps what it had."""
    view, base = memoryview(buffer), index * BLOCK_BYTES
    told: list[tuple[int, int]] = []
    for run in runs:
        if run.reader is not None:
            start, end = run.start - base, run.end - base
            run.reader.read_into(run.at, view[start:end])
            _tell(told, buffer, start, end)
    return told


def blank(runs: list[Run], index: int, buffer: bytearray) -> None:
    """Put zeros wherever `fill` read nothing."""
    filled, base = 0, index * BLOCK_BYTES
    for run in runs:
        if run.reader is not None:
            start, end = run.start - base, run.end - base
            buffer[filled:start] = ZERO_BLOCK[filled:start]
            filled = end
    buffer[filled:] = ZERO_BLOCK[filled:]


def _tell(told: list[tuple[int, int]], buffer: bytearray, start: int, end: int) -> None:
    while start < end:
        stop = min(end, (start // _PIECE_BYTES + 1) * _PIECE_BYTES)
        # startswith compares in place, without a copy of either side.
        if not buffer.startswith(_ZERO_PIECE if stop - start == _PIECE_BYTES else ZERO_BLOCK[: stop - start], start):
            if told and told[-1][1] == start:
                told[-1] = (told[-1][0], stop)
            else:
                told.append((start, stop))
        start = stop
