"""A moving window over a stream that cannot seek. Knows nothing of the format; counts bytes for error messages."""

from __future__ import annotations

import http.client

from estate.disks.errors import StreamLost, StreamTruncated
from estate.disks.ports import ByteStream

WINDOW_BYTES = 1 << 20
FIRST_WINDOW_BYTES = 512
"""A header's worth, so that a slow stream tells its header at once."""


class StreamWindow:
    """`view[pos:end]` is what was read and not yet used.

    Each refill takes a new buffer, so slices of older windows stay valid for as long as somebody holds them.
    """

    __slots__ = ("_base_bytes", "_ended", "_stream", "_window_bytes", "end", "pos", "view")

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._base_bytes = 0
        self._ended = False
        self._window_bytes = FIRST_WINDOW_BYTES
        self.view = memoryview(b"")
        self.pos = 0
        self.end = 0

    @property
    def offset_bytes(self) -> int:
        """Position in the stream."""
        return self._base_bytes + self.pos

    def need(self, count_bytes: int, expected: str) -> None:
        """Have at least `count_bytes` from `pos` on.

        Raises:
            StreamTruncated: the stream ends earlier; `expected` names what is missing.
        """
        if self.end - self.pos < count_bytes and not self._refill(count_bytes):
            raise StreamTruncated(self._base_bytes + self.end, expected)

    def at_end(self) -> bool:
        """Whether every byte of the stream was used."""
        return self.pos == self.end and not self._refill(1)

    def skip(self, count_bytes: int, expected: str) -> None:
        """Drop bytes without keeping them."""
        while count_bytes:
            self.need(1, expected)
            step = min(count_bytes, self.end - self.pos)
            self.pos += step
            count_bytes -= step

    def _refill(self, count_bytes: int) -> bool:
        rest = self.view[self.pos : self.end]
        fresh = memoryview(bytearray(max(self._window_bytes, count_bytes)))
        self._window_bytes = WINDOW_BYTES
        fresh[: len(rest)] = rest
        self._base_bytes += self.pos
        self.view, self.pos, self.end = fresh, 0, len(rest)
        while not self._ended and self.end < len(fresh):
            got = self._read(fresh[self.end :])
            self._ended = got == 0
            self.end += got
        return self.end >= count_bytes

    def _read(self, room: memoryview) -> int:
        try:
            return self._stream.readinto(room) or 0
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: closed by another thread
            raise StreamLost(self._base_bytes + self.end, f"{type(error).__name__}: {error}") from error
