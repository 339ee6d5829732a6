"""Cuts one copy into segments, each a sink of its own, so that what is finished is durable and need not be sent again.

On a real host each segment attaches and detaches the VDI, which takes seconds: segments are large by default.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.ports import VdiSink

SEGMENT_BYTES = 8 << 30
SEGMENT_S = 600.0


@dataclass(frozen=True, slots=True)
class SegmentMark:
    """What a checkpoint needs: all bytes in front of `offset_bytes` are durable and have this digest.

    `sent_bytes` went into the segment that ends here; none when only zeros stood in front of the end.
    """

    offset_bytes: int
    prefix_digest: str
    sent_bytes: int = 0


class SegmentedSink:
    """A sink over many: after about `segment_bytes` sent bytes or `segment_s` seconds the current sink is finished and the
    next one opened.

    `open_segment()` gives a fresh sink for the same VDI and is called when the first byte of a segment is there; a disk
    of zeros opens none. `on_segment` is called after a segment became durable, and once more at the end of the disk.
    Raises: whatever the sinks raise.
    """

    def __init__(
        self,
        open_segment: Callable[[], VdiSink],
        *,
        block_hashes: BlockHashes,
        on_segment: Callable[[SegmentMark], None],
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
        zero_fill: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_segment = open_segment
        self._hashes = block_hashes
        self._on_segment = on_segment
        self._segment_bytes = segment_bytes
        self._segment_s = segment_s
        self._monotonic = monotonic
        self._opened_s = 0.0
        self._zero_fill = zero_fill
        self._sink: VdiSink | None = None
        self._sent_bytes = 0
        self._block = 0

    @property
    def zero_fill(self) -> bool:
        """As given: whether unwritten ranges of this VDI may hold old bytes."""
        return self._zero_fill

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Write into the current segment; a segment ends only at the edge of a block."""
        block = offset_bytes // BLOCK_BYTES
        if self._sink and block != self._block and (self._sent_bytes >= self._segment_bytes or self._is_late()):
            self._end_segment(block * BLOCK_BYTES)
        self._block = block
        if self._sink is None:
            self._sink, self._sent_bytes, self._opened_s = self._open_segment(), 0, self._monotonic()
        self._sink.write(offset_bytes, data)
        self._sent_bytes += len(data)

    def tick(self) -> None:
        """To be called while nothing is written, by the thread that writes: a segment whose time is over ends all the same.

        What lies in front of the block that was written last is all written and hashed; of that block more may be to come.
        """
        if self._sink and self._is_late():
            self._end_segment(self._block * BLOCK_BYTES)

    def finish(self) -> None:
        """Finish the last segment."""
        self._end_segment(self._hashes.capacity_bytes)

    def abort(self) -> None:
        """Abort the current segment; finished ones stay."""
        sink, self._sink = self._sink, None
        if sink:
            sink.abort()

    def _is_late(self) -> bool:
        return self._monotonic() - self._opened_s >= self._segment_s

    def _end_segment(self, durable_bytes: int) -> None:
        if self._sink:
            self._sink.finish()
            self._sink = None
        sent_bytes, self._sent_bytes = self._sent_bytes, 0
        self._on_segment(SegmentMark(durable_bytes, self._hashes.digest(durable_bytes), sent_bytes))
