"""The pump: moves one disk from a source of extents into a sink, hashes it by block, and reports how far it is.

Knows neither VMDK nor XAPI. Frames are joined here up to 2 MiB, because each costs the receiver a write of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from estate.disks.blockmap import BLOCK_BYTES, ZERO_BLOCK, BlockHasher, BlockHashes
from estate.disks.errors import SourceChanged, SourceOutOfOrder
from estate.disks.ports import Extent, ExtentSource, VdiSink

ByteRange = tuple[int, int]
"""Start and end in bytes of the virtual disk; the end is not part of it."""

_COPY_BELOW_BYTES = 256 << 10
"""Shorter pieces are joined by copying; longer ones are worth a frame of their own."""


@dataclass(frozen=True, slots=True)
class CopyStats:
    """What one pass did. `bytes_data` + `bytes_zero` = `bytes_total`; `bytes_sent` counts what went into the sink."""

    bytes_total: int
    bytes_data: int
    bytes_zero: int
    bytes_sent: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on behind what is already durable: `offset_bytes` is the edge of a block, as `on_segment` gave it.

    The source is read from its start all the same; its hash in front of the offset must equal `prefix_digest`.
    """

    offset_bytes: int
    prefix_digest: str


def copy(
    source: ExtentSource,
    sink: VdiSink,
    *,
    block_hashes: BlockHashes,
    on_progress: Callable[[int, int], None] | None = None,
    alive: Callable[[], None] | None = None,
    resume: Resume | None = None,
    only_ranges: Sequence[ByteRange] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> CopyStats:
    """Copy the whole source into the sink, then finish the sink. Both ends are closed whatever happens.

    `on_progress(done_bytes, total_bytes)` speaks of the position on the virtual disk. `alive()` is called at least once
    a second while the source is waited for, and ends the copy by raising. `only_ranges` writes nothing outside these
    ranges and sends their zeros explicitly: for repairing what a read-back found.

    Raises:
        SourceChanged: a resumed copy meets another beginning.
        SourceOutOfOrder: the source breaks its port's promise.
        EdgeError: whatever source or sink raise; the sink is then aborted.
    """
    began_s = monotonic()
    try:
        run = _Run(source, sink, block_hashes, resume, only_ranges)
        for position in run.steps():
            if alive:
                alive()
            if on_progress:
                on_progress(position, source.capacity_bytes)
        sink.finish()
    except BaseException:
        sink.abort()
        raise
    finally:
        source.close()
    return CopyStats(
        bytes_total=source.capacity_bytes,
        bytes_data=run.bytes_data,
        bytes_zero=source.capacity_bytes - run.bytes_data,
        bytes_sent=run.writer.bytes_sent,
        elapsed_s=monotonic() - began_s,
    )


def blank(sink: VdiSink, span: ByteRange, *, alive: Callable[[], None]) -> None:
    """Write zeros over this range of the target, then finish the sink. `alive()` ends it by raising, between blocks.

    Raises: whatever the sink raises; it is then aborted.
    """
    try:
        writer = _RangeWriter(sink, [span], zeros=True)
        for _ in writer.end(span[1]):
            alive()
        sink.finish()
    except BaseException:
        sink.abort()
        raise


class _Run:
    """One pass over the source."""

    def __init__(
        self,
        source: ExtentSource,
        sink: VdiSink,
        block_hashes: BlockHashes,
        resume: Resume | None,
        only_ranges: Sequence[ByteRange] | None,
    ) -> None:
        self._source = source
        self._hashes = block_hashes
        self._hasher = None if source.hash_into(block_hashes) else BlockHasher(block_hashes)
        self._resume = resume
        start = resume.offset_bytes if resume else 0
        ranges = [(start, source.capacity_bytes)] if only_ranges is None else sorted(only_ranges)
        self.writer = _RangeWriter(sink, ranges, zeros=sink.zero_fill or only_ranges is not None)
        self.bytes_data = 0

    def steps(self) -> Iterator[int]:
        """Do the work piece by piece; yields the position reached on the disk."""
        position = 0
        capacity_bytes = self._source.capacity_bytes
        for extent in self._source.extents():
            if len(extent.data):
                for _ in self._take(extent, position):
                    yield extent.offset_bytes
                position = extent.offset_bytes + len(extent.data)
            yield position
        if self._hasher:
            self._hasher.flush()
        self._check_beginning()
        for _ in self.writer.end(capacity_bytes):
            yield position
        yield capacity_bytes

    def _take(self, extent: Extent, position: int) -> Iterator[None]:
        end = extent.offset_bytes + len(extent.data)
        if extent.offset_bytes < position:
            raise SourceOutOfOrder(extent.offset_bytes, f"although it had already reached {position}")
        if end > self._source.capacity_bytes:
            raise SourceOutOfOrder(extent.offset_bytes, f"reaching past the disk's end at {self._source.capacity_bytes}")
        if self._hasher:
            self._hasher.feed(extent.offset_bytes, extent.data)
        if self._resume and end > self._resume.offset_bytes:
            self._check_beginning()
        self.bytes_data += len(extent.data)
        return self.writer.write(extent.offset_bytes, extent.data)

    def _check_beginning(self) -> None:
        """Before the first byte behind the durable part is written, prove that the part in front of it is the same."""
        resume, self._resume = self._resume, None
        if resume and self._hashes.digest(resume.offset_bytes) != resume.prefix_digest:
            raise SourceChanged(resume.offset_bytes)


class _RangeWriter:
    """Writes extents clipped to ranges, and zeros between them where the target needs those."""

    def __init__(self, sink: VdiSink, ranges: Sequence[ByteRange], *, zeros: bool) -> None:
        self._frames = _FrameJoiner(sink)
        self._ranges = ranges
        self._first = 0
        self._zeros = zeros
        self._position = 0

    @property
    def bytes_sent(self) -> int:
        return self._frames.bytes_sent

    def write(self, offset_bytes: int, data: memoryview | bytes) -> Iterator[None]:
        """Write an extent and the zeros in front of it; yields between frames of zeros, which may be many."""
        yield from self._gap(offset_bytes)
        view = memoryview(data)
        for start, end in self._clip(offset_bytes, offset_bytes + len(view)):
            self._frames.add(start, view[start - offset_bytes : end - offset_bytes])
        self._position = offset_bytes + len(view)

    def end(self, capacity_bytes: int) -> Iterator[None]:
        """Write what is missing up to the end, likewise."""
        yield from self._gap(capacity_bytes)
        self._frames.flush()

    def _gap(self, until: int) -> Iterator[None]:
        if not self._zeros:
            return
        for start, end in self._clip(self._position, until):
            while start < end:
                step = min(end, (start // BLOCK_BYTES + 1) * BLOCK_BYTES) - start
                self._frames.add(start, memoryview(ZERO_BLOCK)[:step])
                start += step
                yield

    def _clip(self, start: int, end: int) -> Iterator[ByteRange]:
        """The parts of a stretch that lie in ranges. Stretches ascend, so ranges in front of one are passed for good."""
        while self._first < len(self._ranges) and self._ranges[self._first][1] <= start:
            self._first += 1
        for number in range(self._first, len(self._ranges)):
            low, high = self._ranges[number]
            if low >= end:
                return
            yield max(low, start), min(high, end)


class _FrameJoiner:
    """Joins neighbouring pieces into frames that stay inside one 2 MiB block."""

    def __init__(self, sink: VdiSink) -> None:
        self._sink = sink
        self._buffer = bytearray(BLOCK_BYTES)
        self._start = 0
        self._length = 0
        self.bytes_sent = 0

    def add(self, offset_bytes: int, data: memoryview) -> None:
        while len(data):
            piece = data[: BLOCK_BYTES - offset_bytes % BLOCK_BYTES]
            self._add_piece(offset_bytes, piece)
            offset_bytes += len(piece)
            data = data[len(piece) :]

    def flush(self) -> None:
        if self._length:
            self._write(self._start, memoryview(self._buffer)[: self._length])
            self._length = 0

    def _add_piece(self, offset_bytes: int, piece: memoryview) -> None:
        end = self._start + self._length
        if self._length and (offset_bytes != end or end % BLOCK_BYTES == 0):
            self.flush()
        if not self._length and len(piece) >= _COPY_BELOW_BYTES:
            self._write(offset_bytes, piece)
            return
        if not self._length:
            self._start = offset_bytes
        self._buffer[self._length : self._length + len(piece)] = piece
        self._length += len(piece)

    def _write(self, offset_bytes: int, data: memoryview) -> None:
        self._sink.write(offset_bytes, data)
        self.bytes_sent += len(data)
