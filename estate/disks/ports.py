"""Ports of the disk path: what a source of extents and a sink of a virtual disk must do. No implementation in here.

Offsets and sizes are bytes of the virtual disk. Blocks are the 2 MiB units that hashes and verification speak of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

BLOCK_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Extent:
    """Known bytes at an offset. `data` is valid until the next extent is asked for. Never-mentioned ranges read as zeros."""

    offset_bytes: int
    data: memoryview | bytes


class ExtentSource(Protocol):
    """One virtual disk that can be read once, front to back, as ascending extents.

    `extents()` ends only when the source proved that it was complete (end-of-stream seen, length reached).
    Raises: `estate.errors` for a broken or hostile stream, with the byte offset.
    """

    capacity_bytes: int

    def extents(self) -> Iterator[Extent]: ...

    def close(self) -> None: ...


class VdiSink(Protocol):
    """A virtual disk being written. Bytes are durable only after `finish()` returned.

    Raises: `estate.errors`; after any error `abort()` is called and the written ranges are undefined.
    """

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...


class BlockReader(Protocol):
    """Reads a written disk back, front to back, for verification."""

    def read_into(self, buffer: memoryview) -> int: ...

    def close(self) -> None: ...
