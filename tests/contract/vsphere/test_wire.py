"""The semi-private names of pyVmomi that the bulk reads lean on: this breaks first when pyVmomi changes them."""

from __future__ import annotations

import gc
import gzip
from pathlib import Path

import pytest
from lxml import etree
from pyVmomi import VmomiSupport, vim, vmodl
from pyVmomi.SoapAdapter import SoapStubAdapter

from estate.connection import Connection
from estate.errors import Retry
from estate.tls import CertificateChanged, PinnedContext
from estate.vsphere import inventory, wire
from estate.vsphere.session import VsphereSession
from tests.contract.vsphere.lab_vcenter import LabVcenter
from tests.contract.vsphere.tls_peer import answering, chunked, tls_peer

VERSION = "vim.version.v8_0_2_0"


def _stub(url: str, pins: frozenset[str]) -> SoapStubAdapter:
    return wire.pinned_stub(Connection(url, "u", "p", pins, "vc"), VERSION, timeout_s=5)


def test_a_stub_serialises_a_bulk_request_as_soap() -> None:
    stub = _stub("https://vc.example", frozenset({"AA"}))
    collector = vmodl.query.PropertyCollector("propertyCollector", stub)
    options = vmodl.query.PropertyCollector.RetrieveOptions(maxObjects=7)
    kinds = vmodl.query.PropertyCollector
    spec = kinds.FilterSpec(
        objectSet=[kinds.ObjectSpec(obj=vim.VirtualMachine("vm-1"))],
        propSet=[kinds.PropertySpec(type=vim.VirtualMachine, all=False, pathSet=["name"])],
    )
    request = stub.SerializeRequest(collector, collector._GetMethodInfo("RetrievePropertiesEx"), [[spec], options])
    root = etree.fromstring(request)
    call = root[0][0]
    assert etree.QName(call).localname == "RetrievePropertiesEx"
    assert call.findtext("{urn:vim25}_this") == "propertyCollector"
    assert call.findtext("{urn:vim25}options/{urn:vim25}maxObjects") == "7"
    assert stub.versionId == '"urn:vim25/8.0.2.0"'


def test_versions_are_listed_newest_first_with_their_wire_names() -> None:
    versions = VmomiSupport.GetServiceVersions("vim25")
    names = [VmomiSupport.versionIdMap[version] for version in versions]
    assert names.index("8.0.2.0") < names.index("7.0.0.0") < names.index("6.5")


def test_a_stub_connects_with_the_pinned_context_only() -> None:
    stub = _stub("https://vc.example:8443", frozenset({"AA"}))
    assert isinstance(stub.schemeArgs["context"], PinnedContext)
    assert (stub.host, stub.port, stub.path, stub.thumbprint) == ("vc.example:8443", 8443, "/sdk", None)


def test_pyvmomis_own_thumbprint_would_not_have_protected_us(tmp_path: Path) -> None:
    """The reason for `PinnedContext`: with an unverifying context pyVmomi never compares the thumbprint at all."""
    import ssl

    with tls_peer(tmp_path, answering(b"", headers="Content-Length: 0\r\n")) as peer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        trusting = SoapStubAdapter(host="127.0.0.1", port=peer.port, version=VERSION, thumbprint="00" * 32, sslContext=context)
        trusting.GetConnection().close()
        with pytest.raises(CertificateChanged):
            _stub(peer.url, frozenset({"00" * 32})).GetConnection()


def _body(tmp_path: Path, *parts: bytes, headers: str, status: str = "200 OK") -> bytes:
    with tls_peer(tmp_path, answering(*parts, status=status, headers=headers)) as peer:
        stub = _stub(peer.url, peer.pins)
        collector = vmodl.query.PropertyCollector("propertyCollector", stub)
        with wire.bulk_call(stub, collector, "ContinueRetrievePropertiesEx", ["1"], where="vc") as answer:
            return b"".join(answer.chunks)


def test_a_compressed_body_is_inflated_in_bounded_pieces(tmp_path: Path) -> None:
    plain = b"<a>" + b"x" * 5_000_000 + b"</a>"
    packed = gzip.compress(plain, 1)
    with tls_peer(tmp_path, answering(packed, headers=f"Content-Length: {len(packed)}\r\nContent-Encoding: gzip\r\n")) as peer:
        stub = _stub(peer.url, peer.pins)
        collector = vmodl.query.PropertyCollector("propertyCollector", stub)
        with wire.bulk_call(stub, collector, "ContinueRetrievePropertiesEx", ["1"], where="vc") as answer:
            pieces = list(answer.chunks)
    assert b"".join(pieces) == plain
    assert max(len(piece) for piece in pieces) <= wire.READ_BYTES


def test_a_chunked_body_is_joined(tmp_path: Path) -> None:
    assert _body(tmp_path, chunked(b"<a>", b"</a>"), headers="Transfer-Encoding: chunked\r\n") == b"<a></a>"


@pytest.mark.parametrize(
    ("part", "headers", "code"),
    [
        (chunked(b"<a>", ended=False), "Transfer-Encoding: chunked\r\n", "connection_lost"),
        (gzip.compress(b"x" * 9999, mtime=0)[:30], "Content-Length: 30\r\nContent-Encoding: gzip\r\n", "bad_answer"),
        (b"not gzip", "Content-Length: 8\r\nContent-Encoding: gzip\r\n", "bad_answer"),
    ],
)
def test_a_body_that_breaks_off_or_is_garbled_is_worth_another_try(tmp_path: Path, part: bytes, headers: str, code: str) -> None:
    with pytest.raises(Retry) as broken:
        _body(tmp_path, part, headers=headers)
    assert broken.value.code == code


def test_the_password_is_not_in_any_error_or_representation(lab_vcenter: LabVcenter) -> None:
    connection = lab_vcenter.connection(password="very secret")
    with pytest.raises(Exception, match="refused") as refused, VsphereSession(connection):
        pass
    assert "very secret" not in f"{refused.value!r} {connection!r} {refused.value.next_step}"


def test_garbage_collection_is_as_it_was_after_an_inventory_even_when_it_fails(lab_vcenter: LabVcenter) -> None:
    with VsphereSession(lab_vcenter.connection()) as session:
        inventory.collect(session, on_page=lambda _kind, _facts: None)
        assert gc.isenabled()
        lab_vcenter.arm("page_size", size=1)
        lab_vcenter.arm("session_expire", after_pages=0, times=50)
        with pytest.raises(Retry):
            inventory.collect(session, on_page=lambda _kind, _facts: None)
        assert gc.isenabled()
