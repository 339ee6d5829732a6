"""A streamOptimized VMDK as a source of extents: one thread reads, two inflate and hash, the caller takes them in order.

The format itself is known to records.py and header.py; the threads and their bounds are those of estate.disks.pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from estate.disks.errors import StreamLost
from estate.disks.pipeline import PipelinedSource, Work
from estate.disks.ports import ByteStream
from estate.disks.vmdk.inflate import best_inflate
from estate.disks.vmdk.records import RecordWalker, read_header
from estate.disks.vmdk.unpack import BlockUnpacker
from estate.disks.vmdk.window import StreamWindow
from estate.errors import EdgeError

INFLATE_THREADS = 2
BUFFERS = 6


class StreamVmdkSource(PipelinedSource):
    """Reads one disk from a streamOptimized VMDK (VMware's or qemu's dialect) that cannot seek.

    The constructor reads the header. Raises: `StreamTruncated`, `StreamLost` (both `Retry`) and `StreamMalformed`, from
    here and from `extents()`; each names the byte offset in the stream.
    """

    def __init__(self, stream: ByteStream, *, inflate_threads: int = INFLATE_THREADS) -> None:
        self._stream = stream
        self._window = StreamWindow(stream)
        try:
            self._header = read_header(self._window)
        except EdgeError:
            stream.close()
            raise
        super().__init__(self._header.capacity_bytes, workers=inflate_threads, buffers=BUFFERS, name="vmdk")

    def _works(self) -> Iterator[Work]:
        unpacker = BlockUnpacker(best_inflate(), self._header.grain_bytes, self._hashes)
        for block in RecordWalker(self._window, self._header).blocks():
            yield partial(unpacker.unpack, block)

    def _let_go(self) -> None:
        self._stream.close()

    def _closed_here(self) -> StreamLost:
        return StreamLost(self._window.offset_bytes, "it was closed on this side")
