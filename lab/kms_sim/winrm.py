"""WinRM on loopback as a KMS host has it: WS-Management over HTTPS, NTLM or a client certificate, one PowerShell session.

Messages are psrpcore's, the NTLM acceptor is pyspnego's; this module only carries them over SOAP. No script is ever run: one that
reads Software Licensing is answered with the reading it is given, any other is refused as a constrained session would.
"""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from lab.kms_sim.shell import Fault, Shells
from lab.netbind import require_loopback
from lab.tls import CertFiles

MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
LONGEST_BODY_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Site:
    """What the server is like; change it between requests. `reading` is called for each script that is run.

    `client_pems` are the certificates that may sign in without a password. `stalls`: scripts never end. `script_error`: they fail
    with this text. `denied`: nobody may open a session. `http_status`: every request is answered with this status.
    """

    reading: Callable[[], str]
    users: dict[str, str] = field(default_factory=dict)
    configurations: set[str] = field(default_factory=lambda: {"Microsoft.PowerShell"})
    client_pems: list[str] = field(default_factory=list)
    stalls: bool = False
    script_error: str = ""
    denied: bool = False
    http_status: int = 0
    scripts: list[str] = field(default_factory=list)
    requests: int = 0


class WinRmServer:
    """Serves a site from `start()` (or `with`) to `stop()`, on an address of 127.0.0.0/8."""

    def __init__(self, site: Site, certificate: CertFiles, directory: Path, *, address: str = "127.0.0.1") -> None:
        self.site, self._certificate, self._directory = site, certificate, directory
        self.address = require_loopback(address)
        self._http: _Http | None = None
        self._thread: threading.Thread | None = None
        self._environment_before = os.environ.get("NTLM_USER_FILE")

    @property
    def url(self) -> str:
        assert self._http is not None
        return f"https://{self.address}:{self._http.server_address[1]}"

    def start(self) -> WinRmServer:
        # The acceptor looks its users up in a file named by this variable, and knows no other way.
        users = self._directory / "ntlm-users"
        users.write_text("".join(f"{name.replace(chr(92), ':')}:{word}\n" for name, word in self.site.users.items()))
        os.environ["NTLM_USER_FILE"] = str(users)
        self._http = _Http((self.address, 0), _Connection)
        self._http.site, self._http.shells = self.site, Shells(self.site)
        self._http.bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + self._certificate_hash())
        self._http.socket = self._tls().wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        assert self._http is not None and self._thread is not None
        self._http.shells.stop()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)
        if self._environment_before is None:
            os.environ.pop("NTLM_USER_FILE", None)
        else:
            os.environ["NTLM_USER_FILE"] = self._environment_before

    def __enter__(self) -> WinRmServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _certificate_hash(self) -> bytes:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self._certificate.cert_path.read_text())).digest()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.cert_path, self._certificate.key_path)
        if self.site.client_pems:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata="\n".join(self.site.client_pems))
        return context


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    site: Site
    shells: Shells
    bindings: GssChannelBindings


class _Connection(BaseHTTPRequestHandler):
    """One connection: who signed in on it stays signed in, as with HTTP.SYS."""

    protocol_version = "HTTP/1.1"
    server: _Http
    server_version, sys_version = "Microsoft-HTTPAPI/2.0", ""
    timeout = 60

    def setup(self) -> None:
        self._context: spnego.ContextProxy | None = None
        self._signed_in = False
        super().setup()

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Tests look at `site` instead."""

    def do_POST(self) -> None:
        self.server.site.requests += 1
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), LONGEST_BODY_BYTES))
        if self.server.site.http_status:
            self._answer(self.server.site.http_status, b"", "text/plain")
        elif self.path != "/wsman":
            self._answer(404, b"", "text/plain")
        elif self._signed_in or self._by_certificate():
            self._serve(body)
        else:
            self._sign_in(body)

    def _serve(self, body: bytes) -> None:
        try:
            self._answer(200, self.server.shells.answer(body))
        except Fault as fault:
            self._answer(500, fault.envelope)

    def _by_certificate(self) -> bool:
        shown = isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert(binary_form=True)
        return bool(shown) and self.headers.get("Authorization") == MUTUAL

    def _sign_in(self, body: bytes) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Negotiate", "NTLM") or not token:
            self._refuse("Negotiate")
            return
        if self._context is None:
            self._context = spnego.server(protocol="ntlm", channel_bindings=self.server.bindings)
        try:
            told = self._context.step(base64.b64decode(token))
        except (SpnegoError, ValueError):
            self._context = None
            self._refuse("Negotiate")
            return
        if self._context.complete:
            self._signed_in = True
            self._serve(body)
        else:
            self._refuse(f"{scheme} {base64.b64encode(told or b'').decode()}")

    def _refuse(self, challenge: str) -> None:
        self._answer(401, b"", "text/plain", {"WWW-Authenticate": challenge})

    def _answer(
        self, status: int, body: bytes, kind: str = "application/soap+xml;charset=UTF-8", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
