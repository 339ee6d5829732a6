"""HTTP of the vCenter side: reads requests as clients send them, gives /sdk to soap.py, /api to rest.py and
/nfc to nfc.py.
"""

from __future__ import annotations

import gzip
import socket
import struct
import zlib
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from lab.control import RequestLog
from lab.vcenter_sim.center import Center
from lab.vcenter_sim.folder import FOLDER, DatastoreFile, find_file, range_of
from lab.vcenter_sim.nfc import LineCut, LineReset, find_download, stream
from lab.vcenter_sim.rest import ROOT, RestDesk
from lab.vcenter_sim.sessions import COOKIE
from lab.vcenter_sim.soap import Reply, SoapDesk
from lab.vcenter_sim.wire import service_versions

MAX_REQUEST_BYTES = 64 << 20
GZIP_FROM_BYTES = 1024
XML = "text/xml; charset=utf-8"
STREAM = "application/x-vnd.vmware-streamVmdk"


class BadRequest(ValueError):
    """The HTTP request itself is malformed."""


class NfcHandler(BaseHTTPRequestHandler):
    """What an ESXi host answers: downloads of leases."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are separate writes: with Nagle each call waits 40 ms for an ACK
    center: Center
    log: RequestLog
    server_name_in_log = "esxi"

    def do_GET(self) -> None:
        """A download, or nothing that is here."""
        path = urlsplit(self.path).path
        self.log.record(self.server_name_in_log, self.client_address[0], "GET", _without_ticket(path))
        download = find_download(self.center, path)
        if download is None:
            self.send_plain(404, b"no such export\n")
            return
        self.send_response(200)
        self.send_header("Content-Type", STREAM)
        chunked = self.request_version != "HTTP/1.0"
        self.send_header("Transfer-Encoding", "chunked") if chunked else self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = not chunked
        try:
            stream(self.center, download, self._write_chunk if chunked else self.wfile.write)
        except LineCut as cut:
            self.close_connection = True
            if isinstance(cut, LineReset):
                self._reset_line()
            return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write_chunk(self, piece: bytes) -> None:
        if piece:  # an empty chunk would end the body
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def _reset_line(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def send_plain(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        """A short answer with its length."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the request log of the control desk has it, without secrets."""


class VCenterHandler(NfcHandler):
    """What vCenter answers: the SDK, and downloads of hosts that name no address of their own."""

    desk: SoapDesk
    rest: RestDesk
    server_name_in_log = "vcenter"

    def do_GET(self) -> None:
        """The version document, or a download."""
        if urlsplit(self.path).path == "/sdk/vimServiceVersions.xml":
            self.log.record("vcenter", self.client_address[0], "GET", "/sdk/vimServiceVersions.xml")
            self.send_plain(200, service_versions(), "text/xml")
        elif self.path.startswith(ROOT):
            self._send_rest("GET", b"")
        elif self.path.startswith(FOLDER):
            self._send_file(body=True)
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        """How large a file of a datastore is."""
        self._send_file(body=False)

    def _send_file(self, *, body: bool) -> None:
        """A file of a datastore, or a range of it; a folder_whole fault answers a range with all of it, as some proxies do."""
        self.log.record("vcenter", self.client_address[0], self.command, urlsplit(self.path).path)
        if not self.path.startswith(FOLDER):
            self.send_plain(404, b"nothing here\n")
            return
        if self.center.sessions.find(self._cookie()) is None:
            self.send_plain(401, b"log in first\n")
            return
        if self.center.faults.take("folder_refused") is not None:
            self.send_plain(403, b"not for this account\n")
            return
        file = find_file(self.center, self.path)
        if file is None:
            self.send_plain(404, b"no such file\n")
            return
        wanted = range_of(self.headers.get("Range", ""), file.size_bytes)
        if wanted == (0, 0):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{file.size_bytes}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, end = self._begin_file(file.size_bytes, wanted)
        if body:
            self._send_pieces(file, start, end)

    def _begin_file(self, size_bytes: int, wanted: tuple[int, int] | None) -> tuple[int, int]:
        """Head of the answer; gives the part that follows."""
        if wanted is None or self.center.faults.take("folder_whole") is not None:
            start, end = 0, size_bytes
            self.send_response(200)
        else:
            start, end = wanted
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size_bytes}")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        return start, end

    def _send_pieces(self, file: DatastoreFile, start: int, end: int) -> None:
        most = self.center.faults.take("folder_reset") if end - start > 1 else None
        for piece in file.pieces(start, end if most is None else min(end, start + most)):
            self.wfile.write(piece)
        if most is not None:
            self.close_connection = True
            self._reset_line()

    def do_DELETE(self) -> None:
        """The end of a REST session."""
        self._send_rest("DELETE", b"")

    def _send_rest(self, method: str, body: bytes) -> None:
        answer = self.rest.answer(method, self.path, self.headers, body, self.client_address[0])
        self.send_plain(answer.status, answer.body, "application/json")

    def do_POST(self) -> None:
        """One SOAP call, or one of REST."""
        try:
            body = self._read_body()
        except BadRequest as error:
            self.close_connection = True
            self.send_plain(400, f"{error}\n".encode())
            return
        if self.path.startswith(ROOT):
            self._send_rest("POST", body)
        elif urlsplit(self.path).path.rstrip("/") != "/sdk":
            self.send_plain(404, b"only /sdk and /api are served here\n")
        elif self.center.faults.take("http_503") is not None:
            self.log.record("vcenter", self.client_address[0], "POST", "/sdk (answered 503)")
            self.send_plain(503, b"503 Service Unavailable\n")
        else:
            action = self.headers.get("SOAPAction", "")
            self._send_reply(self.desk.reply(body, action, self._cookie(), self.client_address[0]))

    def _send_reply(self, reply: Reply) -> None:
        body = reply.body
        self.send_response(reply.status)
        self.send_header("Content-Type", XML)
        if reply.cookie:
            self.send_header("Set-Cookie", f'{COOKIE}="{reply.cookie}"; Path=/; HttpOnly; Secure')
        if len(body) >= GZIP_FROM_BYTES and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cookie(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found else ""

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = self._read_chunks()
        else:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
                raise BadRequest("Content-Length is missing, odd or too large")
            body = self.rfile.read(int(length))
        if self.headers.get("Content-Encoding", "") == "gzip":
            return _unpacked(body)
        return body

    def _read_chunks(self) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while True:
            line = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError as error:
                raise BadRequest("a chunk without a size") from error
            total += size
            if size < 0 or total > MAX_REQUEST_BYTES:
                raise BadRequest("the chunked body is too large")
            if size == 0:
                while self.rfile.readline(1024).strip():  # trailers
                    continue
                return b"".join(pieces)
            pieces.append(self.rfile.read(size))
            self.rfile.readline(16)


def _unpacked(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise BadRequest("the body is not gzip, as its header says") from error


def _without_ticket(path: str) -> str:
    parts = path.split("/")
    return f"/nfc/.../{parts[-1]}" if path.startswith("/nfc/") else path
