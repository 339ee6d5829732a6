"""Frames of a virtual disk on a socket, as XAPI's raw import reads them: offset, length, bytes; twelve zero bytes end them.

Opening the line and asking what became of it is done in estate.xapi. Source: xapi's `chunked` import, which is not HTTP's.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
from collections.abc import Callable

STALL_TIMEOUT_S = 300.0
"""Longest time in which the other side may take or give no byte at all."""
_TICK_S = 0.5
_FRAME = struct.Struct("<QI")
_END_FRAME = bytes(_FRAME.size)


class FrameWriter:
    """Writes frames on a connected socket, TLS or not. `alive` is called while the other side takes no bytes.

    Raises: `OSError` when the line breaks or stalls; what it means, the caller knows.
    """

    def __init__(self, sock: socket.socket, alive: Callable[[], None]) -> None:
        self._sender = Sender(sock, alive)

    def frame(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """One frame. An empty one is not sent: at offset 0 it would be the end."""
        if len(data):
            self._sender.send(_FRAME.pack(offset_bytes, len(data)))
            self._sender.send(data)

    def end(self) -> None:
        """Say that all frames were sent."""
        self._sender.send(_END_FRAME)


class Sender:
    """Sends on a line without ever blocking longer than a tick, so that a stalled target can be given up.

    Raises: `OSError` when the line breaks or stalls.
    """

    def __init__(self, sock: socket.socket, alive: Callable[[], None], *, stall_timeout_s: float = STALL_TIMEOUT_S) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._alive = alive
        self._ticks = int(stall_timeout_s / _TICK_S)

    def send(self, data: bytes | memoryview) -> None:
        """Send all bytes."""
        rest = memoryview(data)
        while len(rest):
            try:
                rest = rest[self._sock.send(rest) :]
            except (ssl.SSLWantWriteError, BlockingIOError):
                self._await(selectors.EVENT_WRITE)
            except ssl.SSLWantReadError:
                self._await(selectors.EVENT_READ)

    def _await(self, event: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, event)
            for _ in range(self._ticks):
                self._alive()
                if selector.select(_TICK_S):
                    return
        raise TimeoutError("the target takes no more bytes")
