"""The other side of a copy, in a process of its own: gives files by GET and drops what is PUT, over HTTP or TLS.

Prints its port, and with `--tls` the fingerprint of its certificate. A PUT without Content-Length is answered before its
body, as XAPI does; one with Content-Length (curl) after it. Ends when standard input ends.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

DROP_BYTES = 2 << 20
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


def main() -> None:
    """Serve each connection on a thread of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--mib-per-s", type=float, default=0.0, help="how fast a PUT is taken at most")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        context, pin = None, ""
        if arguments.tls:
            from lab.tls import make_certificate, server_context

            files = make_certificate(Path(directory), "peer", ["127.0.0.1"])
            context, pin = server_context(files), files.sha256_fingerprint
        print(listener.getsockname()[1], pin, flush=True)
        threading.Thread(target=_end_with_input, daemon=True).start()
        while True:
            line, _ = listener.accept()
            threading.Thread(target=_serve, args=(line, context, arguments.mib_per_s), daemon=True).start()


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _serve(line: socket.socket, context: object, mib_per_s: float) -> None:
    try:
        with context.wrap_socket(line, server_side=True) if context else line as connection:  # type: ignore[attr-defined]
            head = _head(connection)
            verb, target = head.split(b" ")[:2]
            if verb == b"GET":
                with open(target.decode(), "rb") as file:
                    connection.sendall(OK % os.fstat(file.fileno()).st_size)
                    connection.sendfile(file)
            else:
                _take(connection, _content_length(head), mib_per_s)
    except OSError:
        return  # whoever measures has gone


def _head(connection: socket.socket) -> bytes:
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return bytes(head)


def _content_length(head: bytes) -> int | None:
    fields = (line.split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    return next((int(value) for name, value in fields if name.lower() == b"content-length"), None)


def _take(connection: socket.socket, length: int | None, mib_per_s: float) -> None:
    if length is None:
        connection.sendall(OK % 0)
    room, left_bytes = memoryview(bytearray(DROP_BYTES)), length
    while left_bytes is None or left_bytes > 0:
        got = connection.recv_into(room)
        if not got:
            break
        left_bytes = None if left_bytes is None else left_bytes - got
        if mib_per_s:
            time.sleep(got / (mib_per_s * (1 << 20)))
    if length is not None:
        connection.sendall(OK % 0)


if __name__ == "__main__":
    main()
