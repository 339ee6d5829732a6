"""The two ends of a line that carries a disk, TLS or not: neither waits longer than a tick without asking whether to go on.

Knows no frames and no XAPI. What a broken line means, the caller knows.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Callable

STALL_TIMEOUT_S = 300.0
"""Longest time in which the other side may take or give no byte at all."""
TICK_S = 0.25


class Sender:
    """Sends on a line without ever blocking longer than a tick, so that a stalled target can be given up.

    `alive` is called while the other side takes no bytes. Raises: `OSError` when the line breaks or stalls.
    """

    def __init__(self, sock: socket.socket, alive: Callable[[], None], *, stall_timeout_s: float = STALL_TIMEOUT_S) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._alive = alive
        self._ticks = int(stall_timeout_s / TICK_S)

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
                if selector.select(TICK_S):
                    return
        raise TimeoutError("the target takes no more bytes")


class Receiver:
    """Receives on a line, and calls `alive` once a tick, whether bytes trickle in or none come at all.

    A read that timed out in the middle of a TLS record loses nothing: what came of it waits for the next read.
    Raises: `OSError` when the line breaks or stalls.
    """

    def __init__(self, sock: socket.socket, alive: Callable[[], None], *, stall_timeout_s: float = STALL_TIMEOUT_S) -> None:
        sock.settimeout(TICK_S)
        self._sock = sock
        self._alive = alive
        self._timeout_s = stall_timeout_s
        self._asked_s = float("-inf")

    def receive_into(self, buffer: memoryview | bytearray) -> int:
        """Fill at most `buffer` with what is there; 0 is the end."""
        end_s = time.monotonic() + self._timeout_s
        while True:
            self._ask()
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                if time.monotonic() >= end_s:
                    raise

    def _ask(self) -> None:
        at_s = time.monotonic()
        if at_s - self._asked_s >= TICK_S:
            self._asked_s = at_s
            self._alive()
