"""A DNS server on loopback: SRV and address records of one zone, over UDP and TCP, with truncation as RFC 1035 has it.

`answers` maps (name, type) to texts of records; `silent` swallows requests, `rcode` answers every one with an error.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from lab.netbind import require_loopback

UDP_BYTES = 512
TTL_S = 600


class DnsServer:
    """Serves from `start()` (or `with`) to `stop()`. `asked` are the questions so far: (name, type, transport)."""

    def __init__(self, answers: dict[tuple[str, str], list[str]], *, address: str = "127.0.0.53", port: int = 0) -> None:
        self.answers = {(name.lower().rstrip("."), kind): told for (name, kind), told in answers.items()}
        self.address, self._wanted_port = require_loopback(address), port
        self.silent = False
        self.rcode: dns.rcode.Rcode | None = None
        self.asked: list[tuple[str, str, str]] = []
        self._servers: list[socketserver.BaseServer] = []
        self._threads: list[threading.Thread] = []

    @property
    def resolver(self) -> str:
        """`address:port`, as the product takes a resolver."""
        return f"{self.address}:{self._servers[0].server_address[1]}"

    def start(self) -> DnsServer:
        tcp = _Tcp((self.address, self._wanted_port), _TcpHandler)
        udp = _Udp((self.address, tcp.server_address[1]), _UdpHandler)
        for server in (tcp, udp):
            server.zone = self
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> DnsServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """The answer's bytes, cut to a flag when it does not fit UDP; None when the server keeps silent."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, transport))
        if self.silent:
            return None
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= dns.flags.AA
        if self.rcode is not None:
            reply.set_rcode(self.rcode)
        elif (name, kind) in self.answers:
            reply.answer.append(dns.rrset.from_text_list(question.name, TTL_S, "IN", kind, self.answers[name, kind]))
        elif not any(known == name for known, _ in self.answers):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        whole = reply.to_wire()
        if transport == "udp" and len(whole) > UDP_BYTES:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        return whole


class _Udp(socketserver.ThreadingUDPServer):
    allow_reuse_address = True
    daemon_threads = True
    zone: DnsServer


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    zone: DnsServer


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        wire, line = self.request
        told = self.server.zone.answer(wire, "udp")
        if told is not None:
            line.sendto(told, self.client_address)


class _TcpHandler(socketserver.BaseRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        line: socket.socket = self.request
        length = int.from_bytes(_read(line, 2), "big")
        told = self.server.zone.answer(_read(line, length), "tcp") if length else None
        if told is not None:
            line.sendall(len(told).to_bytes(2, "big") + told)


def _read(line: socket.socket, wanted: int) -> bytes:
    held = b""
    while len(held) < wanted and (part := line.recv(wanted - len(held))):
        held += part
    return held
