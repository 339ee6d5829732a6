"""The command and certificates: verified always, an own CA by file, nothing sent before the peer is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.cli import PROJECT, Desk
from tests.contract.vsphere.tls_peer import TlsPeer, answering, tls_peer

NO_POOLS = b'{"count": 0, "next": null, "previous": null, "results": []}'
SIGNED_IN = {"XENBOUND_TOKEN": "t0ken", "XENBOUND_PROJECT": PROJECT}


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[TlsPeer]:
    headers = f"content-type: application/json\r\ncontent-length: {len(NO_POOLS)}\r\nconnection: close\r\n"
    with tls_peer(tmp_path, answering(NO_POOLS, headers=headers)) as running:
        yield running


def test_a_certificate_nobody_vouched_for_is_refused_before_the_token_is_sent(peer: TlsPeer, tmp_path: Path) -> None:
    ran = Desk(tmp_path, environ={**SIGNED_IN, "XENBOUND_URL": peer.url}).run("pool", "list")
    assert ran.code == 4
    assert "[tls_not_trusted]" in ran.err
    assert "--ca FILE" in ran.err
    assert not any(peer.received)


def test_the_companys_own_ca_is_trusted_when_its_file_is_named(peer: TlsPeer, tmp_path: Path) -> None:
    desk = Desk(tmp_path, environ={**SIGNED_IN, "XENBOUND_URL": peer.url})
    ran = desk.run("pool", "list", "--ca", str(peer.files.cert_path))
    assert ran.code == 0, ran.err
    assert b"authorization: bearer t0ken" in peer.received[-1].lower()


def test_a_trusted_certificate_for_another_name_is_refused(peer: TlsPeer, tmp_path: Path) -> None:
    elsewhere = f"https://localhost:{peer.port}"
    desk = Desk(tmp_path, environ={**SIGNED_IN, "XENBOUND_URL": elsewhere})
    ran = desk.run("pool", "list", "--ca", str(peer.files.cert_path))
    assert ran.code == 4
    assert not any(peer.received)
