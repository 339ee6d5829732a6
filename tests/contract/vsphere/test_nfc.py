"""Reading a lease URL: transfer codings, refusals and breaks, against a scripted host."""

from __future__ import annotations

from pathlib import Path

import pytest

from estate.errors import AskPerson, EdgeError, Retry
from estate.tls import CertificateChanged
from estate.vsphere.nfc import LeaseDead, NfcStream, StreamBroken
from tests.contract.vsphere.tls_peer import Script, TlsPeer, answering, chunked, tls_peer

CHUNKED = "Transfer-Encoding: chunked\r\n"


class Lease:
    """Alive until told otherwise; counts how often vCenter itself was asked."""

    def __init__(self) -> None:
        self.dead = False
        self.asked = 0

    def check(self) -> None:
        if self.dead:
            raise LeaseDead("the export has ended")

    def ask(self) -> None:
        self.asked += 1
        self.check()


def _open(peer: TlsPeer, lease: Lease, **options: str) -> NfcStream:
    return NfcStream(
        f"{peer.url}/nfc/52d3/disk-0.vmdk?x=1",
        pins=peer.pins,
        sha1=options.get("sha1", peer.files.sha1),
        cookie=options.get("cookie", ""),
        where="lab, git01, Hard disk 1",
        check=lease.check,
        ask=lease.ask,
        timeout_s=5,
    )


def _read_all(tmp_path: Path, script: Script, lease: Lease | None = None, size: int = 4) -> bytes:
    with tls_peer(tmp_path, script) as peer, _open(peer, lease or Lease()) as stream:
        got = bytearray()
        buffer = bytearray(size)
        while count := stream.readinto(buffer):
            got += buffer[:count]
        assert stream.bytes_read == len(got)
        return bytes(got)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (chunked(b"abc", b"defgh", b"i"), CHUNKED),
        (b"abcdefghi", "Content-Length: 9\r\n"),
        (b"abcdefghi", "Connection: close\r\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_any_transfer_coding_gives_the_same_bytes(tmp_path: Path, body: bytes, headers: str, size: int) -> None:
    assert _read_all(tmp_path, answering(body, headers=headers), size=size) == b"abcdefghi"


def test_path_and_query_are_asked_for_and_no_cookie_goes_to_a_host(tmp_path: Path) -> None:
    with tls_peer(tmp_path, answering(b"", headers="Content-Length: 0\r\n")) as peer:
        _open(peer, Lease()).close()
        assert peer.received[0].startswith(b"GET /nfc/52d3/disk-0.vmdk?x=1 HTTP/1.1\r\n")
        assert b"Cookie" not in peer.received[0]


@pytest.mark.parametrize(
    "script", [answering(chunked(b"abcd", ended=False), headers=CHUNKED), answering(b"zz\r\n", headers=CHUNKED)]
)
def test_a_broken_line_is_a_broken_stream_while_the_lease_lives(tmp_path: Path, script: Script) -> None:
    lease = Lease()
    with pytest.raises(StreamBroken) as broken:
        _read_all(tmp_path, script, lease)
    assert (broken.value.code, lease.asked) == ("stream_broken", 1)
    assert "git01" in broken.value.message
    assert "from its start" in broken.value.next_step


def test_a_broken_line_is_a_dead_lease_when_vcenter_says_so(tmp_path: Path) -> None:
    lease = Lease()
    with tls_peer(tmp_path, answering(chunked(b"abcd", ended=False), headers=CHUNKED)) as peer, _open(peer, lease) as stream:
        assert stream.read(4) == b"abcd"
        lease.dead = True
        with pytest.raises(LeaseDead):
            stream.read(4)


def test_an_end_that_comes_with_the_death_of_the_lease_is_not_taken_for_the_end_of_the_disk(tmp_path: Path) -> None:
    lease = Lease()
    with tls_peer(tmp_path, answering(chunked(b"abcd"), headers=CHUNKED)) as peer, _open(peer, lease) as stream:
        assert stream.read(4) == b"abcd"
        stream._ask = _dead  # only vCenter knows so far
        with pytest.raises(LeaseDead):
            stream.read(4)


def _dead() -> None:
    raise LeaseDead("the export has ended")


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("404 Not Found", LeaseDead, "lease_dead"),
        ("401 Unauthorized", LeaseDead, "lease_dead"),
        ("503 Service Unavailable", Retry, "server_busy"),
        ("302 Found", AskPerson, "export_refused"),
        ("206 Partial Content", AskPerson, "export_refused"),
    ],
)
def test_anything_but_200_is_refused(tmp_path: Path, status: str, kind: type[EdgeError], code: str) -> None:
    with pytest.raises(kind) as refused:
        _read_all(tmp_path, answering(b"", status=status, headers="Content-Length: 0\r\n"))
    assert refused.value.code == code


def test_a_host_with_another_sha1_than_the_lease_names_gets_no_request(tmp_path: Path) -> None:
    with tls_peer(tmp_path) as peer, pytest.raises(CertificateChanged, match="SHA-1"):
        _open(peer, Lease(), sha1="AB:" * 19 + "AB")
    assert peer.received in ([], [b""])
