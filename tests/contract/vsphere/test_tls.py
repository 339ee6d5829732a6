"""Pinned TLS: nothing is sent to a certificate that nobody confirmed, by any library."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from estate.errors import AskPerson, Retry
from estate.tls import (
    BadEndpointUrl,
    CertificateChanged,
    CertificateNotConfirmed,
    PinnedHTTPSConnection,
    check_pin,
    fetch_certificates,
    fingerprint,
    host_and_port,
    line_error,
    pinned_context,
)
from tests.contract.vsphere.tls_peer import TlsPeer, answering, tls_peer

OTHER_PIN = fingerprint("ab" * 32)


def _get(peer: TlsPeer, pins: frozenset[str], **options: str) -> bytes:
    line = PinnedHTTPSConnection("127.0.0.1", peer.port, pins=pins, where="vcenter-1", **options)
    line.request("GET", "/secret")
    return line.getresponse().read()


def test_a_pinned_certificate_is_spoken_to(tmp_path: Path) -> None:
    with tls_peer(tmp_path, answering(b"hello", headers="Content-Length: 5\r\n")) as peer:
        assert _get(peer, peer.pins) == b"hello"


def test_an_unpinned_certificate_gets_no_byte_of_the_request(tmp_path: Path) -> None:
    with tls_peer(tmp_path) as peer, pytest.raises(CertificateChanged) as refused:
        _get(peer, frozenset({OTHER_PIN}))
    assert peer.received in ([], [b""])
    assert "vcenter-1" in refused.value.message
    assert OTHER_PIN in refused.value.message
    assert peer.files.sha256_fingerprint in refused.value.message
    assert "Probe the endpoint again" in refused.value.next_step


def test_a_second_key_pair_is_refused(tmp_path: Path) -> None:
    with tls_peer(tmp_path, answering(b"ok", headers="Content-Length: 2\r\n")) as peer:
        confirmed = peer.pins
        assert _get(peer, confirmed) == b"ok"
        peer.renew()
        with pytest.raises(CertificateChanged):
            _get(peer, confirmed)


def test_a_connection_that_reconnects_by_itself_is_checked_again(tmp_path: Path) -> None:
    with tls_peer(tmp_path, answering(b"ok", headers="Content-Length: 2\r\nConnection: close\r\n")) as peer:
        line = PinnedHTTPSConnection("127.0.0.1", peer.port, pins=peer.pins)
        line.request("GET", "/")
        line.getresponse().read()
        peer.renew()
        with pytest.raises(CertificateChanged):
            line.request("GET", "/")


def test_the_sha1_a_lease_promises_has_to_match_as_well(tmp_path: Path) -> None:
    with tls_peer(tmp_path, answering(b"ok", headers="Content-Length: 2\r\n")) as peer:
        assert _get(peer, peer.pins, required_sha1=peer.files.sha1.lower()) == b"ok"
        with pytest.raises(CertificateChanged, match="SHA-1"):
            _get(peer, peer.pins, required_sha1="00" * 20)


@pytest.mark.parametrize("build", [lambda: pinned_context(frozenset(), where="vc"), lambda: _empty_check()])
def test_an_empty_pin_set_allows_nothing(build: object) -> None:
    with pytest.raises(CertificateNotConfirmed):
        build()  # type: ignore[operator]


def _empty_check() -> None:
    check_pin(ssl.SSLSocket.__new__(ssl.SSLSocket), [], where="vc")


def test_a_memory_bio_cannot_slip_past_the_check(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        pinned_context(frozenset({OTHER_PIN})).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())


def test_pins_compare_without_case_and_colons(tmp_path: Path) -> None:
    with tls_peer(tmp_path, answering(b"ok", headers="Content-Length: 2\r\n")) as peer:
        assert _get(peer, frozenset({peer.files.sha256_fingerprint.replace(":", "").lower()})) == b"ok"


def test_fetching_a_certificate_sends_nothing_but_a_handshake(tmp_path: Path) -> None:
    with tls_peer(tmp_path) as peer:
        offered = fetch_certificates(peer.url)
    assert peer.received in ([], [b""])
    assert (offered.sha256, offered.sha1) == (peer.files.sha256_fingerprint, peer.files.sha1)
    assert (offered.subject, offered.address) == ("CN=peer", f"127.0.0.1:{peer.port}")
    assert offered.not_after == peer.files.not_after


def test_nobody_at_the_address_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Retry) as refused:
        fetch_certificates(f"https://127.0.0.1:{port}")
    assert refused.value.code == "connection_refused"


@pytest.mark.parametrize("url", ["http://vc.example", "vc.example", "https://", "https://vc:port", "https://[::1"])
def test_only_https_urls_with_a_host_are_endpoints(url: str) -> None:
    with pytest.raises(BadEndpointUrl):
        host_and_port(url)


def test_the_port_of_a_url_defaults_to_443() -> None:
    assert host_and_port("https://vc.example/sdk") == ("vc.example", 443)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(-2, "unknown"), "name_not_found"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(104, "reset"), "connection_lost"),
        (OSError(113, "no route"), "unreachable"),
    ],
)
def test_line_errors_have_codes_and_name_the_place(error: Exception, code: str) -> None:
    told = line_error(error, where="esxi-7")
    assert (told.code, isinstance(told, Retry), isinstance(told, AskPerson)) == (code, True, False)
    assert told.message.startswith("esxi-7:")
