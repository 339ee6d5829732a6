"""The disk requests' HTTP against a peer that answers what a pool should not: refusals, odd redirects, silence."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estate.disks.lines import TICK_S, Sender
from estate.errors import AskPerson, EdgeError, Retry
from estate.xapi.wire import Line, open_line
from lab.tls import make_certificate, server_context


class Peer:
    """Answers each connection's request with the next answer, then reads nothing more."""

    def __init__(self, directory: Path) -> None:
        files = make_certificate(directory, "peer", ["127.0.0.1"])
        self.pins = frozenset({files.sha256_fingerprint})
        self.requests: list[bytes] = []
        self.answers: list[bytes] = []
        self._context = server_context(files)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[ssl.SSLSocket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            line = self._context.wrap_socket(plain, server_side=True)
            self.requests.append(line.recv(4096))
            answer = self.answers.pop(0)
            line.sendall(answer)
            if answer.startswith(b"HTTP/1.1 200") or not answer:
                self._open.append(line)
            else:
                line.close()

    def say(self, words: bytes) -> None:
        """On the line that was answered with 200."""
        self._open[-1].sendall(words)

    def close(self) -> None:
        self._listener.close()
        for line in self._open:
            line.close()


class Relay:
    """Passes one connection on; what the peer says comes `in_parts` once that is set, with pauses of more than a tick."""

    def __init__(self, port: int) -> None:
        self.in_parts = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._peer = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        ours, _ = self._listener.accept()
        self._listener.close()
        threading.Thread(target=self._pass, args=(ours, self._peer), daemon=True).start()
        with contextlib.suppress(OSError):  # the test is over
            while piece := self._peer.recv(12_000):
                if self.in_parts.is_set():
                    time.sleep(2 * TICK_S)
                ours.sendall(piece)

    @staticmethod
    def _pass(from_: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := from_.recv(4096):
                to.sendall(piece)
        to.close()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    peer = Peer(tmp_path)
    yield peer
    peer.close()


@pytest.fixture
def ask(peer: Peer) -> Callable[..., Line]:
    def open_it(*answers: bytes, alive: Callable[[], None] = lambda: None, timeout_s: float = 5) -> Line:
        peer.answers += answers
        target = "/import_raw_vdi?session_id=s3cret"
        where = {"host": "127.0.0.1", "port": peer.port, "pins": peer.pins, "where": "p"}
        return open_line("PUT", target, **where, alive=alive, timeout_s=timeout_s)  # type: ignore[arg-type]

    return open_it


ANSWERS: list[tuple[bytes, type[EdgeError], str]] = [
    (b"HTTP/1.1 401 Unauthorized\r\n\r\n", Retry, "session_expired"),
    (b"HTTP/1.1 403 Forbidden\r\n\r\n", AskPerson, "permission_denied"),
    (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", Retry, "bad_answer"),
    (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\n\r\n", AskPerson, "redirect_refused"),
    (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:port/x\r\n\r\n", AskPerson, "redirect_refused"),
    (b"HTTP/1.1 302 Found\r\n\r\n", AskPerson, "redirect_refused"),
    (b"SSH-2.0-OpenSSH\r\n\r\n", Retry, "bad_answer"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, Retry, "bad_answer"),
]


@pytest.mark.parametrize(("answer", "kind", "code"), ANSWERS, ids=[answer[:40].decode().strip() for answer, _, _ in ANSWERS])
def test_answer_that_is_no_200_is_told_without_the_session(
    ask: Callable[..., Line], answer: bytes, kind: type[EdgeError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        ask(answer)
    assert caught.value.code == code
    assert "s3cret" not in str(caught.value)


def test_request_has_neither_length_nor_transfer_encoding(ask: Callable[..., Line], peer: Peer) -> None:
    ask(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").close()
    head = peer.requests[0].decode().lower()
    assert head.startswith("put /import_raw_vdi?session_id=s3cret http/1.1\r\n")
    assert "transfer-encoding" not in head
    assert "content-length" not in head


def test_redirect_without_port_means_the_port_of_the_pool(ask: Callable[..., Line], peer: Peer) -> None:
    ask(b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/there?a=b\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n").close()
    assert peer.requests[1].startswith(b"PUT /there?a=b HTTP/1.1\r\n")


def test_redirects_in_a_circle_end(ask: Callable[..., Line]) -> None:
    with pytest.raises(AskPerson) as caught:
        ask(*[b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/again\r\n\r\n"] * 3)
    assert caught.value.code == "redirect_loop"


class Cancelled(Exception):
    pass


def after_s(seconds: float) -> Callable[[], None]:
    """Lets a job live so long."""
    end_s = time.monotonic() + seconds

    def alive() -> None:
        if time.monotonic() > end_s:
            raise Cancelled

    return alive


def test_pool_that_does_not_answer_at_all_lets_the_request_be_cancelled(ask: Callable[..., Line]) -> None:
    began_s = time.monotonic()
    with pytest.raises(Cancelled):
        ask(b"", alive=after_s(0.3), timeout_s=60)
    assert time.monotonic() - began_s < 30


def test_silence_before_the_answer_has_its_end(ask: Callable[..., Line]) -> None:
    with pytest.raises(Retry) as caught:
        ask(b"", timeout_s=0.6)
    assert caught.value.code == "timeout"


def test_silence_behind_the_answer_has_its_end_too(ask: Callable[..., Line]) -> None:
    line = ask(b"HTTP/1.1 200 OK\r\n\r\n", timeout_s=0.6)
    with pytest.raises(TimeoutError):
        line.incoming.receive_into(bytearray(10))
    line.close()


def test_records_that_come_in_parts_with_pauses_between_lose_no_byte(peer: Peer) -> None:
    """Each pause is longer than a tick and falls into the middle of a TLS record."""
    words, relay = bytes(range(256)) * 192, Relay(peer.port)
    peer.answers.append(b"HTTP/1.1 200 OK\r\n\r\n")
    where = {"host": "127.0.0.1", "port": relay.port, "pins": peer.pins, "where": "p"}
    line = open_line("GET", "/x", **where, alive=lambda: None, timeout_s=60)  # type: ignore[arg-type]
    relay.in_parts.set()
    peer.say(words)
    received, room = bytearray(), bytearray(4096)
    while len(received) < len(words):
        received += room[: line.incoming.receive_into(room)]
    assert received == words
    line.close()


def test_target_that_takes_nothing_lets_the_sender_be_cancelled(ask: Callable[..., Line]) -> None:
    line = ask(b"HTTP/1.1 200 OK\r\n\r\n")
    sender = Sender(line.sock, after_s(0))
    with pytest.raises(Cancelled):
        for _ in range(100):
            sender.send(bytes(1 << 20))
    line.close()


def test_target_that_takes_nothing_for_too_long_is_given_up(ask: Callable[..., Line]) -> None:
    line = ask(b"HTTP/1.1 200 OK\r\n\r\n")
    sender = Sender(line.sock, lambda: None, stall_timeout_s=1)
    with pytest.raises(TimeoutError):
        for _ in range(100):
            sender.send(bytes(1 << 20))
    line.close()
