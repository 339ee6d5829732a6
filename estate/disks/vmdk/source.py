"""A streamOptimized VMDK as a source of extents: one thread reads, two inflate and hash, the caller takes them in order.

The format itself is known to records.py and header.py; the threads and their bounds are those of estate.disks.pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from estate.disks.blockmap import BlockHashes
from estate.disks.errors import StreamLost
from estate.disks.pipeline import BlockPipeline, Work
from estate.disks.ports import ByteStream, Extent
from estate.disks.vmdk.inflate import best_inflate
from estate.disks.vmdk.records import RecordWalker, read_header
from estate.disks.vmdk.unpack import BlockUnpacker
from estate.disks.vmdk.window import StreamWindow
from estate.errors import EdgeError

INFLATE_THREADS = 2
BUFFERS = 6


class StreamVmdkSource:
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
        self._inflate_threads = inflate_threads
        self._hashes: BlockHashes | None = None
        self._started = False
        self._pipeline: BlockPipeline | None = None

    @property
    def capacity_bytes(self) -> int:
        """Size of the virtual disk."""
        return self._header.capacity_bytes

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        """Fill this map on the inflating threads. To be called before `extents()`."""
        if block_hashes.capacity_bytes != self.capacity_bytes:
            raise ValueError("the block map belongs to a disk of another size")
        self._hashes = block_hashes
        return True

    def extents(self) -> Iterator[Extent]:
        """The disk's bytes that are not known to be zero, ascending, each inside one 2 MiB block; ticks while waiting."""
        if self._started:
            raise RuntimeError("a stream can be read only once")
        self._started = True
        self._pipeline = BlockPipeline(
            self._works(), workers=self._inflate_threads, buffers=BUFFERS, name="vmdk", closed=self._closed_here
        )
        yield from self._pipeline.extents()

    def close(self) -> None:
        """Stop reading, close the stream and end all threads; safe to call twice and in the middle of a read."""
        self._started = True
        pipeline, self._pipeline = self._pipeline, None
        if pipeline:
            pipeline.stop()
        self._stream.close()
        if pipeline:
            pipeline.join()

    def _works(self) -> Iterator[Work]:
        unpacker = BlockUnpacker(best_inflate(), self._header.grain_bytes, self._hashes)
        for block in RecordWalker(self._window, self._header).blocks():
            yield partial(unpacker.unpack, block)

    def _closed_here(self) -> StreamLost:
        return StreamLost(self._window.offset_bytes, "it was closed on this side")
