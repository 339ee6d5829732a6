"""Frames of a virtual disk on a socket, as XAPI's raw import reads them: offset, length, bytes; twelve zero bytes end them.

Opening the line and asking what became of it is done in estate.xapi. Source: xapi's `chunked` import, which is not HTTP's.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from estate.disks.lines import Sender

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
