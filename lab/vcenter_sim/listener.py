"""HTTPS listeners of the vCenter side: one for vCenter, one for each ESXi host, each with its own certificate.

The TLS handshake happens in the connection's own thread, and a renewed certificate is shown to the next connection.
What is answered is decided by the handler class that is given.
"""

from __future__ import annotations

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.tls import CertFiles, make_certificate, server_context

HANDSHAKE_TIMEOUT_S = 20.0


class Listener:
    """One address with its certificate; `start` serves until `stop`."""

    def __init__(
        self, name: str, address: str, sock: socket.socket, certificates: Path, handler: type[BaseHTTPRequestHandler]
    ) -> None:
        self.name, self.address = name, address
        self.port: int = sock.getsockname()[1]
        self._directory = certificates
        self.files: CertFiles
        self.context: ssl.SSLContext
        self.renew()
        self._httpd = _TlsHttpd(sock, handler, self)

    def renew(self) -> str:
        """Make a new key pair, shown from the next connection on; returns its SHA-256 fingerprint."""
        self.files = make_certificate(self._directory, self.name, [self.address])
        self.context = server_context(self.files)
        return self.files.sha256_fingerprint

    def start(self) -> None:
        """Serve in background threads."""
        threading.Thread(target=self._httpd.accept_forever, name=f"listen-{self.name}", daemon=True).start()

    def stop(self) -> None:
        """Stop listening and break the connections that are open."""
        self._httpd.close()


class _TlsHttpd(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, sock: socket.socket, handler: type[BaseHTTPRequestHandler], listener: Listener) -> None:
        super().__init__(sock.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock
        self._listener = listener
        self._open: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE_TIMEOUT_S)
        try:
            secured = self._listener.context.wrap_socket(request, server_side=True)
        except (OSError, ValueError):  # the peer refused our certificate or was only probing
            return
        secured.settimeout(None)
        self._open.add(secured)
        try:
            super().finish_request(secured, client_address)
        except OSError:
            return  # the peer went away, or a fault cut the line on purpose
        finally:
            self._open.discard(secured)
            secured.close()

    def accept_forever(self) -> None:
        """Take connections until the socket is closed; unlike serve_forever it sleeps in accept and stops at once."""
        while True:
            try:
                request, address = self.socket.accept()
            except OSError:
                return
            self.process_request(request, address)

    def close(self) -> None:
        """Stop accepting and break the connections that are open."""
        for connection in (self.socket, *list(self._open)):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it closed by itself meanwhile
        self.server_close()
