"""One disk's bytes over NFC: a pinned https GET of a lease URL, read into the caller's buffer.

Chunked transfer coding is undone in here. Whether the VMDK inside is whole is for its reader to say; whether the lease
behind it still lives is for the lease to say.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from estate.errors import AskPerson, EdgeError, Retry
from estate.tls import PinnedHTTPSConnection, host_and_port, line_error

GONE_STATUS = frozenset({401, 403, 404, 410})
FROM_START = "Read the disk again from its start: an export stream cannot be resumed."


class LeaseDead(Retry):
    """The export lease has ended before all disks were read; every stream of it is worthless."""

    code = "lease_dead"


class StreamBroken(Retry):
    """The line broke in the middle of a disk."""

    code = "stream_broken"


class NfcStream:
    """A disk's streamOptimized VMDK, front to back. `bytes_read` counts what came so far.

    `check` (cheap) is called before each read, `ask` (one call to vCenter) when the stream ends or breaks; both raise
    `LeaseDead` once the lease is gone.
    """

    def __init__(
        self,
        url: str,
        *,
        pins: frozenset[str],
        sha1: str,
        cookie: str,
        where: str,
        check: Callable[[], None],
        ask: Callable[[], None],
        timeout_s: float,
    ) -> None:
        host, port = host_and_port(url)
        self._line = PinnedHTTPSConnection(
            host, port, pins=pins, timeout_s=timeout_s, where=f"{where} ({host})", required_sha1=sha1
        )
        self._where = where
        self._check = check
        self._ask = ask
        self.bytes_read = 0
        self._sock: socket.socket | None = None
        try:
            self._response = self._get(url, cookie)
        except BaseException:
            self._line.close()
            raise

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fill up to the whole buffer; 0 at the end of the stream.

        Raises:
            LeaseDead: the lease has ended; the stream has to be read again from its start, under a new one.
            StreamBroken: the line broke; likewise.
        """
        self._check()
        try:
            count = self._response.readinto(buffer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # A chunk header that is no number leaves http.client as a bare ValueError.
            raise self._broken(error) from error
        if count == 0:
            self._ask()
        self.bytes_read += count
        return count

    def read(self, size: int = 1 << 20) -> bytes:
        """Up to `size` bytes; empty at the end. Raises as `readinto`."""
        buffer = bytearray(size)
        return bytes(memoryview(buffer)[: self.readinto(buffer)])

    def close(self) -> None:
        """Drop the line; what was not read is lost. A read that waits in another thread ends at once."""
        if self._sock is not None:
            # Closing alone would wait for that read, which holds the response's buffer.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        self._response.close()
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _get(self, url: str, cookie: str) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            self._line.request("GET", target, headers={"Cookie": cookie} if cookie else {})
            self._sock = self._line.sock
            response = self._line.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._ask()
            raise line_error(error, where=self._where) from error
        if response.status != 200:
            raise self._refused(response.status, response.reason)
        return response

    def _refused(self, status: int, reason: str) -> EdgeError:
        if status in GONE_STATUS:
            return LeaseDead(
                f"{self._where}: the host no longer knows this export ({status} {reason})",
                next_step=FROM_START,
                where=self._where,
            )
        if status >= 500 or status == 429:
            return Retry(
                f"{self._where}: the host answered {status} {reason}", code="server_busy", next_step=FROM_START, after_s=15.0
            )
        return AskPerson(
            f"{self._where}: the host answered {status} {reason} instead of the disk",
            code="export_refused",
            next_step="Check for a proxy between this machine and the ESXi host.",
            where=self._where,
        )

    def _broken(self, error: Exception) -> EdgeError:
        try:
            self._ask()
        except LeaseDead as dead:
            return dead
        return StreamBroken(
            f"{self._where}: the stream broke after {self.bytes_read} bytes ({error or type(error).__name__})",
            next_step=FROM_START,
            where=self._where,
        )
