"""Ports of the disk path: what a source of extents and a sink of a virtual disk must do. No implementation in here.

Offsets and sizes are bytes of the virtual disk. Blocks are the 2 MiB units that hashes and verification speak of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes

__all__ = ["BLOCK_BYTES", "BlockReader", "ByteStream", "Extent", "ExtentSource", "ImageFolder", "RandomReader", "VdiSink"]


@dataclass(frozen=True, slots=True)
class Extent:
    """Known bytes at an offset. `data` is valid until the next extent is asked for. Never-mentioned ranges read as zeros.

    An extent without bytes is a tick: nothing new arrived for a while, and the caller may look at its watch.
    """

    offset_bytes: int
    data: memoryview | bytes


class ByteStream(Protocol):
    """Bytes of a container format, front to back: an HTTP answer, a file.

    `close()` may be called while another thread waits in `readinto()`, and should end that wait.
    """

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def close(self) -> None: ...


class RandomReader(Protocol):
    """One file that can be read at any offset, from several threads at once.

    Raises: `estate.errors` when the medium or the line fails, or the file is shorter than it was.
    """

    @property
    def name(self) -> str:
        """For messages: which file of which place."""
        ...

    @property
    def size_bytes(self) -> int: ...

    def read_into(self, offset_bytes: int, room: memoryview, /) -> None:
        """Fill the whole room."""
        ...

    def data_ranges(self, start: int, end: int, /) -> Iterator[tuple[int, int]]:
        """Where between these offsets bytes other than zero may be; everything, where the place knows no holes."""
        ...

    def close(self) -> None: ...


class ImageFolder(Protocol):
    """A place in which the files of a disk lie. Names are those that descriptors use, relative to this place.

    Raises: `estate.errors` when there is no such file, or none that may be read from here.
    """

    def open(self, name: str, /) -> RandomReader: ...


class ExtentSource(Protocol):
    """One virtual disk that can be read once, front to back, as ascending extents.

    `extents()` ends only when the source proved that it was complete (end-of-stream seen, length reached).
    Raises: `estate.errors` for a broken or hostile stream, with the byte offset.
    """

    @property
    def capacity_bytes(self) -> int: ...

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        """Ask the source to hash its blocks on its own threads; False means that the pump has to do it."""
        ...

    def extents(self) -> Iterator[Extent]: ...

    def close(self) -> None: ...


class VdiSink(Protocol):
    """A virtual disk being written, at ascending offsets. Bytes are durable only after `finish()` returned.

    Raises: `estate.errors`; after any error `abort()` is called and the written ranges are undefined.
    """

    @property
    def zero_fill(self) -> bool:
        """True where unwritten ranges may hold old bytes, so that zeros have to be sent like data."""
        ...

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...


class BlockReader(Protocol):
    """Reads a written disk back, front to back, for verification. `read_into` fills what it can; 0 is the end."""

    def skip_zeros(self, length: int, /) -> bool:
        """Pass over the next `length` bytes, all within one block, if they are known to be zeros without being read."""
        ...

    def read_into(self, buffer: memoryview) -> int: ...

    def close(self) -> None: ...
