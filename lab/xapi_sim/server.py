"""One HTTPS listener per host: XML-RPC on / and /RPC2, JSON-RPC on /jsonrpc, disk transfer on its two paths, statistics.

Sockets and HTTP live here, meaning does not: calls go to dispatch.py, transfers to transfer_*.py. A fenced host accepts
nobody.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import threading
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from lab.control import RequestLog
from lab.xapi_sim import statistics, transfer_export, transfer_import, wire_json, wire_xml
from lab.xapi_sim.dispatch import Dispatcher
from lab.xapi_sim.failure import XapiFailure, internal
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.transfer_attach import ConnectionBroken
from lab.xapi_sim.transfer_request import Reply, Ticket, admit, read_request

BODY_LIMIT_BYTES = 300 * 1024
HANDSHAKE_S = 20
IDLE_S = 600
DRAIN_S = 1.0
TRANSFER_PATHS = {"PUT": "/import_raw_vdi", "GET": "/export_raw_vdi"}


class HostServer(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """The listener of one host; `context` may be replaced while it runs."""

    daemon_threads = True

    def __init__(self, sock: socket.socket, pool: Pool, host: str, context: ssl.SSLContext, log: RequestLog) -> None:
        super().__init__(sock.getsockname(), _Handler)
        self.socket = sock
        self.pool, self.host, self.context, self.log = pool, host, context, log
        self.dispatcher = Dispatcher(pool)
        self.name = pool.store.get("host", host, "name_label")
        self._open: set[socket.socket] = set()

    def start(self) -> None:
        """Serve in a background thread."""
        serve = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, name=f"listen-{self.name}")
        serve.daemon = True
        serve.start()

    def stop(self) -> None:
        """Stop accepting and cut what is open."""
        self.shutdown()
        self.socket.close()
        self.cut_connections()

    def cut_connections(self) -> None:
        """Break every open connection, as a reset host does."""
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def fileno(self) -> int:
        """For the selector of serve_forever."""
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept one connection."""
        return self.socket.accept()

    def verify_request(self, _request: Any, _client_address: Any) -> bool:
        """A fenced host does not answer."""
        return self.pool.fabric.is_up(self.host)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handshake and serve in the connection's own thread, so that nobody can hold up the listener."""
        request.settimeout(HANDSHAKE_S)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tls = self.context.wrap_socket(request, server_side=True)
        except OSError:
            request.close()
            return
        tls.settimeout(IDLE_S)
        self._open.add(tls)
        try:
            with contextlib.suppress(OSError):  # the peer went away; there is nobody left to tell
                _Handler(tls, client_address, self)
        finally:
            self._open.discard(tls)
            _say_goodbye(tls)

    def shutdown_request(self, request: Any) -> None:
        """Close what finish_request has not taken over."""
        with contextlib.suppress(OSError):
            request.close()


def _say_goodbye(tls: ssl.SSLSocket) -> None:
    """Send close_notify without waiting for the peer's, then close."""
    with contextlib.suppress(OSError, ValueError):
        tls.settimeout(0)
        tls.unwrap()
    with contextlib.suppress(OSError):
        tls.close()


class _Handler(BaseHTTPRequestHandler):
    connection: ssl.SSLSocket
    protocol_version = "HTTP/1.1"
    server_version = "lab-xapi"
    server: HostServer

    def do_POST(self) -> None:
        path = self.path.split("?", 1)[0]
        answer = {"/": self._xml, "/RPC2": self._xml, "/jsonrpc": self._json}.get(path)
        body = self._body()
        if body is None:
            return
        if answer is None:
            self._reply(HTTPStatus.NOT_FOUND, b"", "text/plain")
        else:
            answer(body)

    def do_PUT(self) -> None:
        self._transfer("PUT")

    def do_GET(self) -> None:
        if self.path.split("?", 1)[0] == "/rrd_updates":
            self._statistics()
        else:
            self._transfer("GET")

    def _statistics(self) -> None:
        self._log("GET", "/rrd_updates")
        pool, params = self.server.pool, read_request(self.path, dict(self.headers.items())).params
        try:
            with pool.store.lock:
                pool.sessions.use(params.get("session_id", ""))
                document = statistics.updates(pool, self.server.host, params)
        except XapiFailure:
            self._reply(HTTPStatus.UNAUTHORIZED, b"", "text/plain")
            return
        self._reply(HTTPStatus.OK, document, "text/xml")

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        status = None
        if not length.isdigit():
            status = HTTPStatus.LENGTH_REQUIRED
        elif int(length) > BODY_LIMIT_BYTES:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if status is not None:
            self.close_connection = True
            self._reply(status, b"", "text/plain")
            return None
        return self.rfile.read(int(length))

    def _xml(self, body: bytes) -> None:
        try:
            method, params = wire_xml.parse_call(body)
        except wire_xml.NotXmlRpc:
            self._reply(HTTPStatus.BAD_REQUEST, b"", "text/plain")
            return
        try:
            reply = wire_xml.success(self._call(method, params))
        except XapiFailure as failure:
            reply = wire_xml.failure(failure.description)
        self._reply(HTTPStatus.OK, reply, "text/xml")

    def _json(self, body: bytes) -> None:
        try:
            call = wire_json.parse_call(body)
        except wire_json.NotJsonRpc:
            self._reply(HTTPStatus.BAD_REQUEST, b"", "text/plain")
            return
        try:
            reply = wire_json.success(call, self._call(call.method, call.params))
        except XapiFailure as failure:
            reply = wire_json.failure(call, failure.description)
        self._reply(HTTPStatus.OK, reply, "application/json")

    def _call(self, method: str, params: list[Any]) -> Any:
        self._log("CALL", method[:80])
        try:
            return self.server.dispatcher.call(self.server.host, method, params)
        except XapiFailure:
            raise
        except Exception as error:  # the outermost handler: what nobody foresaw is INTERNAL_ERROR, as on a real pool
            traceback.print_exc()
            raise internal(type(error).__name__) from error

    def _transfer(self, verb: str) -> None:
        path = self.path.split("?", 1)[0]
        self._log(verb, path[:80])
        self.close_connection = True
        if path != TRANSFER_PATHS[verb]:
            self._reply(HTTPStatus.NOT_FOUND, b"", "text/plain")
            return
        pool, host = self.server.pool, self.server.host
        request = read_request(self.path, dict(self.headers.items()))
        with pool.store.lock:
            verdict = admit(pool, host, request, importing=verb == "PUT")
        if isinstance(verdict, Reply):
            self._refuse(verdict)
        else:
            self._stream(verb, verdict, request.headers.get("content-length", ""))

    def _stream(self, verb: str, ticket: Ticket, content_length: str) -> None:
        pool, host = self.server.pool, self.server.host
        self._headers(HTTPStatus.OK, "OK", {"task-id": ticket.task, "Content-Type": "application/octet-stream"})
        try:
            if verb == "PUT":
                length = int(content_length) if content_length.isdigit() else None
                transfer_import.receive(pool, host, ticket, self.rfile, length)
            else:
                transfer_export.send(pool, host, ticket, self.connection)
        except XapiFailure:
            self._drain()
        except ConnectionBroken:
            self._reset()

    def _refuse(self, reply: Reply) -> None:
        self._headers(reply.status, reply.reason, reply.headers | {"Content-Length": "0"})
        self._drain()

    def _drain(self) -> None:
        """Say that we are done, then swallow what still comes, so that our answer is not lost to a reset."""
        with contextlib.suppress(OSError, ValueError):
            self.connection.settimeout(0)
            self.connection.unwrap()
        with contextlib.suppress(OSError, ValueError):
            self.connection.settimeout(DRAIN_S)
            left = 64
            while left and self.connection.recv(1 << 20):
                left -= 1

    def _reset(self) -> None:
        """Break the connection with a reset instead of a close."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _headers(self, status: int, reason: str, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {int(status)} {reason}", "Connection: close", "Cache-Control: no-cache, no-store"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def _reply(self, status: HTTPStatus, payload: bytes, content_type: str) -> None:
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(payload)}\r\nConnection: {'close' if self.close_connection else 'keep-alive'}\r\n\r\n"
        )
        self.wfile.write(head.encode("latin-1") + payload)

    def handle_expect_100(self) -> bool:
        """The pool sends no 100 Continue; its 200 comes before the body anyway."""
        return True

    def _log(self, kind: str, what: str) -> None:
        self.server.log.record(self.server.name, self.client_address[0], kind, what)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: request lines of disk transfers carry session references."""
