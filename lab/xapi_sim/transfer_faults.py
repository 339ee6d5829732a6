"""Armed faults at work inside one disk transfer: failing, breaking, corrupting and slowing it."""

from __future__ import annotations

import select
import socket
import time

from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.transfer_attach import IO_ERROR, ConnectionBroken


class Meddler:
    """Takes what is armed when a transfer starts and applies it while bytes pass."""

    def __init__(self, pool: Pool, host: str, sr: str, task: str) -> None:
        self._pool, self._host, self._sr, self._task = pool, host, sr, task
        names = (pool.store.get("SR", sr, "name_label"), pool.uuid_of("SR", sr))
        self._failure = pool.faults.take("task_failure")
        self._full = pool.faults.take("sr_full", lambda fault: fault["sr"] in names and bool(fault.get("after_bytes")))
        self._drop = pool.faults.take("drop_connection")
        self._corrupt = pool.faults.take("corrupt")
        self._stall = pool.faults.take("stall")
        self._expiry = pool.faults.take("task_expiry")
        self._slow = Throttle(pool)
        self._passed = 0

    def before_write(self, piece: memoryview, offset: int) -> memoryview:
        """Look at a piece that is about to be written; returns what shall be written.

        Raises:
            XapiFailure: the armed or cancelled task's error; ConnectionBroken: the line is to be cut, or the host died.
        """
        self._passed += len(piece)
        if not self._pool.fabric.is_up(self._host):
            raise ConnectionBroken
        self._pool.tasks.check(self._task)
        if self._failure and self._passed > self._failure.get("after_bytes", 0):
            raise XapiFailure(*self._failure["error"])
        if self._full and self._passed > self._full["after_bytes"]:
            self._pool.storage.report_full(self._sr)
            raise XapiFailure(*self._full.get("error", IO_ERROR))
        if self._expiry and self._passed > self._expiry.get("after_bytes", 0):
            self._pool.tasks.expire(self._task)
            raise ConnectionBroken
        if self._stall and self._passed > self._stall.get("after_bytes", 0):
            stall, self._stall = self._stall, None
            _stand_still(stall["seconds"])
        if self._drop and self._passed > self._drop["after_bytes"]:
            raise ConnectionBroken
        self._slow.after(len(piece))
        return self._corrupted(piece, offset)

    def _corrupted(self, piece: memoryview, offset: int) -> memoryview:
        """Flip every bit of the armed range, in the bytes that are written only."""
        if self._corrupt is None:
            return piece
        first = max(self._corrupt["offset"], offset) - offset
        last = min(self._corrupt["offset"] + self._corrupt["length"], offset + len(piece)) - offset
        if first >= last:
            return piece
        wrong = bytearray(piece)
        wrong[first:last] = bytes(byte ^ 0xFF for byte in wrong[first:last])
        return memoryview(wrong)


def _stand_still(seconds: float) -> None:
    """Take no byte for so long; the socket stays open, as with a path that fails over."""
    time.sleep(seconds)


class Sending:
    """The armed `slow` and `stall` at work on what a transfer sends; while it waits it notices a reader that went away."""

    def __init__(self, pool: Pool, sock: socket.socket) -> None:
        self._sock = sock
        self._stall = pool.faults.take("stall")
        self._slow = Throttle(pool)
        self._passed = 0

    def send(self, piece: memoryview | bytes) -> None:
        """Send all of it. Raises: ConnectionBroken, OSError when the reader went away."""
        rest = memoryview(piece)
        while len(rest):
            part = rest[: self._slow.at_most(len(rest))]
            self._sock.sendall(part)
            rest = rest[len(part) :]
            self._passed += len(part)
            self._pause(self._slow.due_s(len(part)))
            if self._stall and self._passed > self._stall.get("after_bytes", 0):
                stall, self._stall = self._stall, None
                self._pause(stall["seconds"])

    def _pause(self, seconds: float) -> None:
        """A reader says nothing after its request: what can be read is its end."""
        if seconds > 0 and select.select([self._sock], [], [], seconds)[0]:
            raise ConnectionBroken


class Throttle:
    """Keeps a transfer at the armed rate; does nothing when none is armed."""

    def __init__(self, pool: Pool) -> None:
        fault = pool.faults.take("slow")
        self._bytes_per_s = fault["bytes_per_s"] if fault else 0
        self._began = time.monotonic()
        self._passed = 0

    def at_most(self, length: int) -> int:
        """How much of so many bytes passes at a time: a slow line carries little pieces, not a large one now and then."""
        return min(length, max(1, self._bytes_per_s // 8)) if self._bytes_per_s else length

    def due_s(self, length: int) -> float:
        """Seconds until `length` more bytes may have passed; may be negative."""
        if not self._bytes_per_s:
            return 0.0
        self._passed += length
        return self._passed / self._bytes_per_s - (time.monotonic() - self._began)

    def after(self, length: int) -> None:
        """Wait until `length` more bytes may have passed."""
        ahead_s = self.due_s(length)
        if ahead_s > 0:
            time.sleep(ahead_s)
