"""HTTP server of the control desk: token check, routing, JSON in and out.

It knows no simulator. `/state`, `/certificate` and `/log` are answered here from what the simulators contributed;
every other call is a route that a simulator registered.
"""

from __future__ import annotations

import hmac
import json
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab.control.requestlog import RequestLog
from lab.netbind import listen_on_common_port

Handler = Callable[[dict[str, Any]], Any]
MAX_BODY_BYTES = 1 << 20


class BadCall(Exception):
    """The arguments of a control call make no sense; the text says which and what would (HTTP 400)."""


class NoSuchThing(Exception):
    """The call names something the lab does not have (HTTP 404)."""


class ControlServer:
    """The control desk; `start()` listens, `url` tells where, `token` opens it.

    `route("POST", "/pool/ha", handler)` registers a call. The handler gets one dict with the JSON body, the query
    and the `{placeholders}` of the path, and returns what becomes the JSON answer (a dict; a list for lists). It
    refuses with `BadCall` or `NoSuchThing`. Handlers run in the threads of the server.
    """

    def __init__(self, token: str, address: str = "127.0.0.1", port: int = 0) -> None:
        self.token = token
        self.log = RequestLog()
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._states: list[Callable[[], dict[str, Any]]] = []
        self._renewals: dict[str, Callable[[], str]] = {}
        self._address, self._port = address, port
        self._httpd: ThreadingHTTPServer | None = None
        self.route("GET", "/state", self._state)
        self.route("POST", "/certificate", self._renew)
        self.route("GET", "/log", self._log)

    def route(self, method: str, path: str, handler: Handler) -> None:
        """Answer `method path` with `handler`; `{name}` in the path matches one segment."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self._routes.append((method, re.compile(pattern), handler))

    def contribute_state(self, section: Callable[[], dict[str, Any]]) -> None:
        """`GET /state` answers the union of all contributed dictionaries."""
        self._states.append(section)

    def register_listener(self, name: str, renew: Callable[[], str]) -> None:
        """`POST /certificate {"of": name}` calls `renew`, which returns the new SHA-256 fingerprint."""
        self._renewals[name] = renew

    @property
    def url(self) -> str:
        """`http://address:port`; valid after `start()`."""
        return f"http://{self._address}:{self._port}"

    def lab_json(self) -> dict[str, str]:
        """The "control" object of the lab's JSON file."""
        return {"url": self.url, "token": self.token}

    def start(self) -> None:
        """Listen on a free port (or the one given) and serve in background threads."""
        listeners = listen_on_common_port([self._address], self._port)
        self._port = listeners.port
        self._httpd = _server_on(listeners.sockets[self._address], self)
        serve = threading.Thread(target=self._httpd.serve_forever, args=(0.1,), name="lab-control", daemon=True)
        serve.start()

    def stop(self) -> None:
        """Stop listening; running handlers finish in their threads."""
        if self._httpd is not None:
            self._httpd.shutdown()
            self._httpd.server_close()
            self._httpd = None

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON value for one request; kept apart from the sockets so that it can be tested."""
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self.token}".encode()):
            return 401, {"error": "wrong or missing bearer token"}
        parts = urlsplit(target)
        for wanted, pattern, handler in self._routes:
            match = pattern.fullmatch(parts.path)
            if wanted == method and match:
                return _call(handler, dict(parse_qsl(parts.query)) | match.groupdict(), body)
        return 404, {"error": f"the lab has no call {method} {parts.path}"}

    def _state(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        for section in self._states:
            whole.update(section())
        return whole

    def _renew(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = str(arguments.get("of", ""))
        if name not in self._renewals:
            raise NoSuchThing(f"no listener {name!r}; there are {', '.join(sorted(self._renewals)) or 'none'}")
        return {"of": name, "sha256": self._renewals[name]()}

    def _log(self, arguments: dict[str, Any]) -> list[dict[str, object]]:
        since = str(arguments.get("since", "0"))
        if not since.isdigit():
            raise BadCall("since must be a number of an entry, 0 for all")
        return self.log.since(int(since))


def _call(handler: Handler, arguments: dict[str, Any], body: bytes) -> tuple[int, Any]:
    try:
        given = json.loads(body) if body else {}
    except ValueError:
        return 400, {"error": "the body is not JSON"}
    if not isinstance(given, dict):
        return 400, {"error": "the body must be a JSON object"}
    try:
        return 200, handler(given | arguments)
    except BadCall as refusal:
        return 400, {"error": str(refusal)}
    except NoSuchThing as refusal:
        return 404, {"error": str(refusal)}


class _ControlHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    control: ControlServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self._reply(400, {"error": "Content-Length is missing, odd or too large"})
            return
        body = self.rfile.read(int(length))
        authorization = self.headers.get("Authorization", "")
        status, value = self.control.answer(self.command, self.path, authorization, body)
        self._reply(status, value)

    def _reply(self, status: int, value: Any) -> None:
        payload = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the control desk keeps no log of its own hand."""


class _ControlHttpd(ThreadingHTTPServer):
    daemon_threads = True


def _server_on(sock: socket.socket, control: ControlServer) -> ThreadingHTTPServer:
    handler = type("_BoundControlHandler", (_ControlHandler,), {"control": control})
    httpd = _ControlHttpd(sock.getsockname(), handler, bind_and_activate=False)
    httpd.socket.close()
    httpd.socket = sock
    return httpd
