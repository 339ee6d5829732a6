"""A `/folder` with ranges over TLS, as ESXi and vCenter serve it, that can be told to misbehave."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

from estate.connection import Connection
from lab.tls import make_certificate, server_context

COOKIE = "vmware_soap_session=good"


class FakeSession:
    """What a datastore reader needs of a session; a login brings the cookie that the server knows."""

    def __init__(self, connection: Connection, cookie: str = COOKIE) -> None:
        self.connection = connection
        self.where = connection.name
        self.logins = 1
        self.stub = SimpleNamespace(cookie=cookie)

    def login_again(self, *, seen: int) -> None:
        if self.logins == seen:
            self.logins += 1
            self.stub.cookie = COOKIE


@dataclass
class Folder:
    """The running server. `misbehave` may answer a request in its own way: it is given handler, content, start and end."""

    root: Path
    connection: Connection
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    misbehave: Callable[[BaseHTTPRequestHandler, bytes, int, int], bool] | None = None


@contextmanager
def folder_server(root: Path, certificates: Path) -> Iterator[Folder]:
    """Serve the files below `root` as the datastore `ds 1` of `Folder/DC1`."""
    files = make_certificate(certificates, "esx", ["127.0.0.1"])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            folder.connections += 1

        def do_GET(self) -> None:
            _serve(self, folder)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = server_context(files).wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{server.server_port}"
    folder = Folder(root, Connection(url, "u", "p", frozenset({files.sha256_fingerprint}), "esx01"))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield folder
    finally:
        server.shutdown()
        server.server_close()


def _serve(handler: BaseHTTPRequestHandler, folder: Folder) -> None:
    parts = urlsplit(handler.path)
    folder.asked.append(handler.path)
    path = folder.root / unquote(parts.path).removeprefix("/folder/")
    if handler.headers["Cookie"] != COOKIE:
        return send(handler, 401)
    if parse_qs(parts.query) != {"dcPath": ["Folder/DC1"], "dsName": ["ds 1"]} or not path.is_file():
        return send(handler, 404)
    content = path.read_bytes()
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", handler.headers["Range"])
    assert found
    start, end = int(found[1]), int(found[2])
    if folder.misbehave and folder.misbehave(handler, content, start, end):
        return None
    if start >= len(content):
        return send(handler, 416)
    end = min(end, len(content) - 1)
    return send(handler, 206, content[start : end + 1], f"bytes {start}-{end}/{len(content)}")


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", content_range: str = "") -> None:
    """One answer."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    if content_range:
        handler.send_header("Content-Range", content_range)
    handler.end_headers()
    handler.wfile.write(body)
