"""A tiny TLS server on loopback that answers every connection with a script and remembers what it was sent."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.tls import CertFiles, make_certificate, server_context

Script = Callable[[ssl.SSLSocket], None]


class TlsPeer:
    """`url` and `files` of the server; `received` holds the application bytes of each connection."""

    def __init__(self, directory: Path, script: Script) -> None:
        self.files: CertFiles = make_certificate(directory, "peer", ["127.0.0.1"])
        self.received: list[bytes] = []
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._directory = directory
        self._context = server_context(self.files)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def pins(self) -> frozenset[str]:
        return frozenset({self.files.sha256_fingerprint})

    def renew(self) -> None:
        """Show a second key pair from now on."""
        self.files = make_certificate(self._directory, "peer", ["127.0.0.1"])
        self._context = server_context(self.files)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                line, _peer = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._context.wrap_socket(line, server_side=True) as tls:
                self._answer(tls)

    def _answer(self, tls: ssl.SSLSocket) -> None:
        tls.settimeout(5)
        self.received.append(_request(tls))
        if self.received[-1]:
            self._script(tls)


def _request(tls: ssl.SSLSocket) -> bytes:
    """One whole HTTP request; leaving part of it unread would reset the connection under our answer."""
    got = b""
    while piece := tls.recv(65536):
        got += piece
        head, found, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if found and len(body) >= (int(length[1]) if length else 0):
            break
    return got


@contextlib.contextmanager
def tls_peer(directory: Path, script: Script = lambda _tls: None) -> Iterator[TlsPeer]:
    peer = TlsPeer(directory, script)
    try:
        yield peer
    finally:
        peer.close()


def answering(*parts: bytes, status: str = "200 OK", headers: str = "") -> Script:
    """Sends one HTTP answer, part by part, and closes."""

    def script(tls: ssl.SSLSocket) -> None:
        tls.sendall(f"HTTP/1.1 {status}\r\n{headers}\r\n".encode())
        for part in parts:
            tls.sendall(part)

    return script


def chunked(*parts: bytes, ended: bool = True) -> bytes:
    """A chunked body; without `ended` the last chunk is missing, as when the line broke."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return body + (b"0\r\n\r\n" if ended else b"")
