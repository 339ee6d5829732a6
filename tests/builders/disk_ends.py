"""Ends of a copy that live in memory: sinks that remember, stall or fail, and a source of given extents."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from estate.disks.blockmap import BlockHashes
from estate.disks.ports import Extent


class MemorySink:
    """A virtual disk in memory. `old` is what unwritten ranges hold."""

    def __init__(
        self,
        capacity_bytes: int,
        *,
        zero_fill: bool = False,
        old: int = 0,
        disk: bytearray | None = None,
        on_write: Callable[[int], None] | None = None,
    ) -> None:
        self.disk = disk if disk is not None else bytearray([old]) * capacity_bytes
        self.zero_fill = zero_fill
        self.writes: list[tuple[int, int]] = []
        self.finished = False
        self.aborted = False
        self._on_write = on_write

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        if self._on_write:
            self._on_write(offset_bytes)
        self.writes.append((offset_bytes, len(data)))
        self.disk[offset_bytes : offset_bytes + len(data)] = data

    def finish(self) -> None:
        self.finished = True

    def abort(self) -> None:
        self.aborted = True


class ListSource:
    """A source of given extents that leaves hashing to the pump."""

    def __init__(self, capacity_bytes: int, extents: list[tuple[int, bytes]]) -> None:
        self.capacity_bytes = capacity_bytes
        self._extents = extents
        self.was_closed = False

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        return False

    def extents(self) -> Iterator[Extent]:
        for offset, data in self._extents:
            yield Extent(offset, data)

    def close(self) -> None:
        self.was_closed = True


class MemoryReader:
    """Reads a disk in memory back, a few bytes at a time."""

    def __init__(self, disk: bytes, step: int = 1_000_001) -> None:
        self._disk = memoryview(disk)
        self._step = step
        self.was_closed = False

    def skip_zeros(self, _length: int, /) -> bool:
        return False

    def read_into(self, buffer: memoryview) -> int:
        piece = self._disk[: min(self._step, len(buffer))]
        buffer[: len(piece)] = piece
        self._disk = self._disk[len(piece) :]
        return len(piece)

    def close(self) -> None:
        self.was_closed = True
