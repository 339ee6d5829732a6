"""XML-RPC over pinned TLS for the XenAPI package, and what can go wrong on that line. Speaks no XAPI method."""

from __future__ import annotations

import http.client
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.parsers.expat import ExpatError

from estate.errors import AskPerson, Retry
from estate.tls import HTTPS_PORT, READ_TIMEOUT_S, PinnedHTTPSConnection, line_error

_IDLE_LIMIT_S = 5.0
"""A connection unused for longer may be half closed by the pool, and a call lost on it may or may not have run."""


class PinnedTransport(xmlrpc.client.Transport):
    """Sends XML-RPC requests to hosts whose leaf is pinned. Never repeats a request by itself: most are not repeatable."""

    user_agent = "xenbound"
    accept_gzip_encoding = False

    def __init__(
        self,
        pins: frozenset[str],
        *,
        where: str,
        timeout_s: float = READ_TIMEOUT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._pins = pins
        self._where = where
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._used_at_s = 0.0

    def make_connection(self, host: Any) -> http.client.HTTPSConnection:
        """The open connection to `host:port`, or a fresh one when it idled."""
        idle_s = self._monotonic() - self._used_at_s
        self._used_at_s = self._monotonic()
        kept = self._connection[1]
        if kept is not None and self._connection[0] == host and idle_s < _IDLE_LIMIT_S:
            assert isinstance(kept, http.client.HTTPSConnection)
            return kept
        self.close()
        name, port = split_address(host, HTTPS_PORT)
        fresh = PinnedHTTPSConnection(name, port, pins=self._pins, timeout_s=self._timeout_s, where=self._where)
        self._connection = host, fresh
        return fresh

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """One request, sent once."""
        try:
            return self.single_request(host, handler, request_body, verbose)
        finally:
            self._used_at_s = self._monotonic()


@contextmanager
def line_errors(where: str) -> Iterator[None]:
    """Turn what the line or the XML layer raise into edge errors."""
    try:
        yield
    except xmlrpc.client.ProtocolError as error:
        raise Retry(
            f"{where}: the pool answered HTTP {error.errcode} {error.errmsg}",
            code="bad_answer",
            next_step="Check that the URL leads to a pool and that its toolstack runs.",
            where=where,
        ) from error
    except (xmlrpc.client.Error, ExpatError) as error:
        raise AskPerson(
            f"{where}: the answer is not XAPI's XML-RPC ({type(error).__name__})",
            code="bad_answer",
            next_step="Check that the endpoint's URL leads to a XenServer or XCP-ng pool.",
            where=where,
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise line_error(error, where=where) from error


def split_address(address: str, default_port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") else default_port
    if address.count(":") == 1:
        host, _, port = address.partition(":")
        return host, int(port)
    return address, default_port


def join_address(host: str, port: int) -> str:
    """`host:port` as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
