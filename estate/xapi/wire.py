"""HTTP by hand on pinned TLS sockets, for the two disk handlers of XAPI.

By hand, because XAPI refuses HTTP's own chunked encoding, answers before it reads the body, and redirects to hosts with
certificates of their own. A request's target carries the session and is never logged or shown.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from estate.disks.lines import STALL_TIMEOUT_S, Receiver
from estate.errors import AskPerson, EdgeError, Retry
from estate.tls import CONNECT_TIMEOUT_S, line_error, pinned_context
from estate.xapi.transport import join_address

_MOST_HEAD_BYTES = 64 << 10
_MOST_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of an answer, and the first bytes of its body that came along."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body_start: bytes


@dataclass(slots=True)
class Line:
    """A pinned connection on which a request was accepted. `incoming` reads what follows its head."""

    sock: ssl.SSLSocket
    incoming: Receiver
    head: Head
    where: str

    def close(self) -> None:
        """Cut the line at once, also under a thread that waits on it."""
        with contextlib.suppress(OSError):  # the other side was faster
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        self.sock.close()


def open_line(
    method: str,
    target: str,
    *,
    host: str,
    port: int,
    pins: frozenset[str],
    where: str,
    alive: Callable[[], None],
    timeout_s: float = STALL_TIMEOUT_S,
) -> Line:
    """Send a request without body and return the line once it was answered with 200, following redirects.

    Redirects are followed to https hosts with a pinned certificate only; the request is repeated there in full. `alive()` is
    called while the answer, and later what follows it, is waited for, and ends that by raising.

    Raises:
        CertificateChanged: a host on the way shows a certificate that nobody confirmed.
        Retry, AskPerson: nobody answers, or the answer is no 200.
    """
    for _ in range(_MOST_REDIRECTS):
        here = f"{where} ({host})"
        line = _ask(method, target, host=host, port=port, pins=pins, where=here, alive=alive, timeout_s=timeout_s)
        if line.head.status == http.client.OK:
            return line
        line.close()
        if line.head.status not in (http.client.FOUND, http.client.MOVED_PERMANENTLY, http.client.TEMPORARY_REDIRECT):
            raise _refused(line.head, here)
        host, port, target = _redirected(line.head.headers.get("Location", ""), port, here)
    raise AskPerson(
        f"{where}: the pool's hosts redirect in a circle",
        code="redirect_loop",
        next_step="Check the SR's connections to its hosts.",
    )


def _ask(
    method: str,
    target: str,
    *,
    host: str,
    port: int,
    pins: frozenset[str],
    where: str,
    alive: Callable[[], None],
    timeout_s: float,
) -> Line:
    try:
        plain = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
        try:
            sock = pinned_context(pins, where=where).wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        try:
            sock.settimeout(timeout_s)
            request = f"{method} {target} HTTP/1.1\r\nHost: {join_address(host, port)}\r\nUser-Agent: xenbound\r\n\r\n"
            sock.sendall(request.encode("ascii"))
            incoming = Receiver(sock, alive, stall_timeout_s=timeout_s)
            return Line(sock, incoming, _read_head(incoming), where)
        except BaseException:
            sock.close()
            raise
    except (OSError, http.client.HTTPException) as error:
        raise line_error(error, where=where) from error


def _read_head(incoming: Receiver) -> Head:
    received, piece = bytearray(), bytearray(4096)
    while b"\r\n\r\n" not in received:
        count = incoming.receive_into(piece)
        if not count:
            raise http.client.RemoteDisconnected("the connection was closed before an answer came")
        received += piece[:count]
        if len(received) > _MOST_HEAD_BYTES:
            raise http.client.LineTooLong("answer")
    head, _, body_start = bytes(received).partition(b"\r\n\r\n")
    first, _, fields = head.partition(b"\r\n")
    version, _, rest = first.decode("latin-1").partition(" ")
    code, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or not (code.isdigit() and len(code) == 3):
        raise http.client.BadStatusLine(first[:80].decode("latin-1"))
    return Head(int(code), reason.strip(), http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n")), body_start)


def _redirected(location: str, port: int, where: str) -> tuple[str, int, str]:
    """Host, port and target of a redirect. A location without port means the port that this pool is reached by."""
    parts = urlsplit(location)
    try:
        host, own_port = parts.hostname, parts.port
    except ValueError:
        host, own_port = None, None
    if parts.scheme != "https" or not host:
        raise AskPerson(
            f"{where}: the pool redirects to an address that is not https",
            code="redirect_refused",
            next_step="Allow only https on the pool's hosts, then start again.",
            where=where,
        )
    return host, own_port or port, f"{parts.path}?{parts.query}" if parts.query else parts.path


def _refused(head: Head, where: str) -> EdgeError:
    if head.status == http.client.UNAUTHORIZED:
        return Retry(f"{where}: the host does not accept the session", code="session_expired", where=where)
    if head.status == http.client.FORBIDDEN:
        return AskPerson(
            f"{where}: the pool account may not transfer disks",
            code="permission_denied",
            next_step="Give the pool account the role vm-admin or higher.",
            where=where,
        )
    return Retry(
        f"{where}: the disk request was answered with HTTP {head.status} {head.reason}",
        code="bad_answer",
        next_step="It is tried again by itself. If it stays so, read the toolstack's log on that host.",
        where=where,
    )
