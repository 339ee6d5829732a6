"""A streamOptimized VMDK as a source of extents: one thread reads, two inflate and hash, the caller takes them in order.

Memory is bounded by a fixed set of 2 MiB buffers, taken in stream order by the reader: a slow taker stops the reader,
and through it the other side. The format itself is known to records.py and header.py.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.errors import StreamLost
from estate.disks.ports import ByteStream, Extent
from estate.disks.vmdk.inflate import best_inflate
from estate.disks.vmdk.records import RecordWalker, read_header
from estate.disks.vmdk.unpack import BlockUnpacker, PlainBlock
from estate.disks.vmdk.window import StreamWindow
from estate.errors import EdgeError

INFLATE_THREADS = 2
BUFFERS = 6
TICK_S = 1.0
_JOIN_S = 5.0


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
        self._stop = threading.Event()
        self._free: queue.SimpleQueue[bytearray | None] = queue.SimpleQueue()
        self._blocks: queue.SimpleQueue[Future[PlainBlock] | None] = queue.SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None
        self._reading: Future[None] | None = None

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
        reading = self._start()
        position = 0
        while True:
            try:
                unpacking = self._blocks.get(timeout=TICK_S)
            except queue.Empty:
                self._check_open()
                yield Extent(position, b"")
                continue
            if unpacking is None:
                break
            plain = unpacking.result()
            for start, end in plain.runs:
                position = plain.index * BLOCK_BYTES + end
                yield Extent(plain.index * BLOCK_BYTES + start, memoryview(plain.buffer)[start:end])
            self._free.put(plain.buffer)
        reading.result()
        self._check_open()

    def _check_open(self) -> None:
        if self._stop.is_set():
            raise StreamLost(self._window.offset_bytes, "it was closed on this side")

    def close(self) -> None:
        """Stop reading, close the stream and end all threads; safe to call twice and in the middle of a read."""
        self._stop.set()
        self._free.put(None)
        self._stream.close()
        if self._reading and self._threads:
            ended, _ = wait([self._reading], timeout=_JOIN_S)
            self._threads.shutdown(wait=bool(ended), cancel_futures=True)
        # Errors keep their frames, and frames this object: without this, 12 MiB would wait for the collector of cycles.
        for held in (self._free, self._blocks):
            _drain(held)
        self._reading = self._threads = None

    def _start(self) -> Future[None]:
        if self._reading or self._stop.is_set():
            raise RuntimeError("a stream can be read only once")
        for _ in range(BUFFERS):
            self._free.put(bytearray(BLOCK_BYTES))
        self._threads = ThreadPoolExecutor(1 + self._inflate_threads, thread_name_prefix="vmdk")
        self._reading = self._threads.submit(self._read, self._threads)
        self._reading.add_done_callback(lambda _: self._blocks.put(None))
        return self._reading

    def _read(self, threads: ThreadPoolExecutor) -> None:
        unpacker = BlockUnpacker(best_inflate(), self._header.grain_bytes, self._hashes)
        for block in RecordWalker(self._window, self._header).blocks():
            buffer = self._free.get()
            if buffer is None or self._stop.is_set():
                return
            self._blocks.put(threads.submit(unpacker.unpack, block, buffer))


def _drain(held: queue.SimpleQueue[Any]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            held.get_nowait()
