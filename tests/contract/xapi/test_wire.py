"""The disk requests' HTTP against a peer that answers what a pool should not: refusals, odd redirects, silence."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estate.disks.frames import Sender
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
            if answer.startswith(b"HTTP/1.1 200"):
                self._open.append(line)
            else:
                line.close()

    def close(self) -> None:
        self._listener.close()
        for line in self._open:
            line.close()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    peer = Peer(tmp_path)
    yield peer
    peer.close()


@pytest.fixture
def ask(peer: Peer) -> Callable[..., Line]:
    def open_it(*answers: bytes) -> Line:
        peer.answers += answers
        return open_line(
            "PUT", "/import_raw_vdi?session_id=s3cret", host="127.0.0.1", port=peer.port, pins=peer.pins, where="p", timeout_s=5
        )

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


def test_target_that_takes_nothing_lets_the_sender_be_cancelled(ask: Callable[..., Line]) -> None:
    class Cancelled(Exception):
        pass

    def alive() -> None:
        raise Cancelled

    line = ask(b"HTTP/1.1 200 OK\r\n\r\n")
    sender = Sender(line.sock, alive)
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
