"""Blocks on their way from threads that fill them to a caller who takes them in order. Knows no format.

One thread lists the work, some do it, each piece in one of a fixed set of 2 MiB buffers that are given out in order: a slow
taker stops the workers, and through them the other side.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.heap import keep_freed_memory
from estate.disks.ports import Extent

TICK_S = 1.0
_JOIN_S = 5.0


@dataclass(slots=True)
class PlainBlock:
    """One block of the disk: its buffer, and the byte ranges of it that are worth telling."""

    index: int
    buffer: bytearray
    runs: list[tuple[int, int]]


Work = Callable[[bytearray], PlainBlock]
"""Fills the given 2 MiB buffer."""


class BlockPipeline:
    """Runs `works` on `workers` threads, at most `buffers` blocks ahead of who takes their extents.

    `works` is iterated on a thread of its own and may block; `closed` makes the error of a pipeline that was closed under
    its taker. What works raise, `extents()` raises.
    """

    def __init__(self, works: Iterable[Work], *, workers: int, buffers: int, name: str, closed: Callable[[], Exception]) -> None:
        keep_freed_memory()
        self._works = works
        self._closed = closed
        self._stop = threading.Event()
        self._free: queue.SimpleQueue[bytearray | None] = queue.SimpleQueue()
        self._blocks: queue.SimpleQueue[Future[PlainBlock] | None] = queue.SimpleQueue()
        for _ in range(buffers):
            self._free.put(bytearray(BLOCK_BYTES))
        self._threads = ThreadPoolExecutor(1 + workers, thread_name_prefix=name)
        self._listing = self._threads.submit(self._list)
        self._listing.add_done_callback(lambda _: self._blocks.put(None))

    def extents(self) -> Iterator[Extent]:
        """The blocks' runs in the order of the works; ticks while waiting."""
        position = 0
        while True:
            try:
                filling = self._blocks.get(timeout=TICK_S)
            except queue.Empty:
                self._check_open()
                yield Extent(position, b"")
                continue
            if filling is None:
                break
            plain = yield from self._filled(filling, position)
            for start, end in plain.runs:
                position = plain.index * BLOCK_BYTES + end
                yield Extent(plain.index * BLOCK_BYTES + start, memoryview(plain.buffer)[start:end])
            self._free.put(plain.buffer)
        self._listing.result()
        self._check_open()

    def _filled(self, filling: Future[PlainBlock], position: int) -> Generator[Extent, None, PlainBlock]:
        """The block once its work is done; ticks meanwhile, because a work may wait for a server that says nothing."""
        while not wait((filling,), timeout=TICK_S).done:
            self._check_open()
            yield Extent(position, b"")
        return filling.result()

    def stop(self) -> None:
        """Let the threads end as soon as they notice; does not wait."""
        self._stop.set()
        self._free.put(None)

    def join(self) -> None:
        """Wait for the threads, a few seconds at most, and let go of every buffer."""
        ended, _ = wait([self._listing], timeout=_JOIN_S)
        self._threads.shutdown(wait=bool(ended), cancel_futures=True)
        # Errors keep their frames, and frames this object: without this, 12 MiB would wait for the collector of cycles.
        for held in (self._free, self._blocks):
            _drain(held)

    def _check_open(self) -> None:
        if self._stop.is_set():
            raise self._closed()

    def _list(self) -> None:
        for work in self._works:
            buffer = self._free.get()
            if buffer is None or self._stop.is_set():
                return
            self._blocks.put(self._threads.submit(work, buffer))


class PipelinedSource(ABC):
    """One disk read once by a pipeline: what every `estate.disks.ports.ExtentSource` over one has in common.

    A kind of source says what the works are, how its medium is let go of, and which error tells that it was closed.
    """

    def __init__(self, capacity_bytes: int, *, workers: int, buffers: int, name: str) -> None:
        self._capacity_bytes = capacity_bytes
        self._workers, self._buffers, self._name = workers, buffers, name
        self._hashes: BlockHashes | None = None
        self._started = False
        self._pipeline: BlockPipeline | None = None

    @property
    def capacity_bytes(self) -> int:
        """Size of the virtual disk."""
        return self._capacity_bytes

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        """Fill this map on the working threads. To be called before `extents()`."""
        if block_hashes.capacity_bytes != self.capacity_bytes:
            raise ValueError("the block map belongs to a disk of another size")
        self._hashes = block_hashes
        return True

    def extents(self) -> Iterator[Extent]:
        """The disk's bytes that are not known to be zero, ascending, each inside one 2 MiB block; ticks while waiting."""
        if self._started:
            raise RuntimeError("a source can be read only once")
        self._started = True
        self._pipeline = BlockPipeline(
            self._works(), workers=self._workers, buffers=self._buffers, name=self._name, closed=self._closed_here
        )
        yield from self._pipeline.extents()

    def close(self) -> None:
        """End all threads and let go of the medium; safe to call twice and in the middle of a read."""
        self._started = True
        pipeline, self._pipeline = self._pipeline, None
        if pipeline:
            pipeline.stop()
        self._let_go()
        if pipeline:
            pipeline.join()

    @abstractmethod
    def _works(self) -> Iterator[Work]: ...

    @abstractmethod
    def _let_go(self) -> None: ...

    @abstractmethod
    def _closed_here(self) -> Exception: ...


def _drain(held: queue.SimpleQueue[Any]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            held.get_nowait()
