"""The semi-private doors of pyVmomi, all in one room: version negotiation, the pinned stub, and bulk calls the raw way.

Bulk answers are streamed to lxml instead of becoming pyVmomi objects, which is about four times faster; the request is
still built, and the session still held, by pyVmomi. tests/contract/vsphere/test_wire.py breaks when pyVmomi changes.
"""

from __future__ import annotations

import http.client
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyVmomi import VmomiSupport
from pyVmomi.SoapAdapter import SoapStubAdapter

from estate.connection import Connection
from estate.errors import AskPerson
from estate.tls import PinnedHTTPSConnection, host_and_port, line_error, pinned_context
from estate.vsphere import xmlstream
from estate.vsphere.errors import bad_answer, http_status_error

SDK_PATH = "/sdk"
NAMESPACE = "urn:vim25"
READ_BYTES = 256 << 10
POOL_IDLE_S = 30  # shorter than any proxy in front of vCenter keeps an idle connection


@dataclass(frozen=True, slots=True)
class Answer:
    """One bulk answer: HTTP status and its inflated body, in pieces of at most 256 KiB; `waited_s` until its first byte."""

    status: int
    chunks: Iterator[bytes]
    waited_s: float = 0.0


def negotiated_version(connection: Connection, *, timeout_s: float) -> str:
    """pyVmomi's name of the newest API version that the server and pyVmomi both speak. Needs no login.

    Raises:
        AskPerson: what answers there is no vCenter or ESXi (`not_vsphere`), or its certificate is not pinned.
        Retry: nobody answers.
    """
    offered = _offered_versions(connection, timeout_s)
    for version in VmomiSupport.GetServiceVersions("vim25"):
        if VmomiSupport.versionIdMap[version] in offered:
            return str(version)
    raise not_vsphere(connection.name, f"it offers API versions {', '.join(sorted(offered)) or 'none'}")


def not_vsphere(where: str, detail: str) -> AskPerson:
    """For a server that is something else."""
    return AskPerson(
        f"{where} is no vCenter or ESXi that this product can speak to: {detail}",
        code="not_vsphere",
        next_step="Correct the endpoint's URL; it has to be a vCenter Server or an ESXi host.",
        where=where,
    )


def _offered_versions(connection: Connection, timeout_s: float) -> frozenset[str]:
    host, port = host_and_port(connection.url)
    line = PinnedHTTPSConnection(host, port, pins=connection.pins, timeout_s=timeout_s, where=connection.name)
    try:
        line.request("GET", f"{SDK_PATH}/vimServiceVersions.xml")
        answer = line.getresponse()
        body = answer.read(xmlstream.FAULT_LIMIT_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise line_error(error, where=connection.name) from error
    finally:
        line.close()
    if answer.status in (401, 403, 404):
        raise not_vsphere(connection.name, f"it answers {answer.status} where a vSphere server lists its versions")
    if answer.status != 200:
        raise http_status_error(answer.status, answer.reason, where=connection.name)
    return _versions_in(body, connection.name)


def _versions_in(body: bytes, where: str) -> frozenset[str]:
    try:
        root = xmlstream.document([body])
    except xmlstream.BadXml as error:
        raise not_vsphere(where, "its list of versions is not XML") from error
    rooms = (room for room in root.iter("namespace") if room.findtext("name") == NAMESPACE)
    return frozenset(version.text for room in rooms for version in room.iter("version") if version.text)


def pinned_stub(connection: Connection, version: str, *, timeout_s: float) -> SoapStubAdapter:
    """A pyVmomi stub whose every pooled connection is pinned; nothing is connected yet.

    pyVmomi's own `thumbprint=` is no use: it compares only after chain verification failed, so a certificate that some
    authority signed, or a context that verifies nothing, is never compared at all.
    """
    host, port = host_and_port(connection.url)
    return SoapStubAdapter(
        host=host,
        port=port,
        path=SDK_PATH,
        version=version,
        sslContext=pinned_context(connection.pins, where=connection.name),
        httpConnectionTimeout=timeout_s,
        connectionPoolTimeout=POOL_IDLE_S,
    )


@contextmanager
def bulk_call(stub: SoapStubAdapter, target: Any, method: str, arguments: list[Any], *, where: str) -> Iterator[Answer]:
    """Call `method` of a managed object and stream the raw answer. The connection goes back to the pool once read out.

    Raises:
        Retry: the line failed or the status is neither 200 nor 500.
    """
    request = stub.SerializeRequest(target, target._GetMethodInfo(method), arguments)
    line = _connected(stub, where)
    try:
        asked_at_s = time.monotonic()
        line.request("POST", stub.path, request, _headers(stub))
        response = line.getresponse()
        waited_s = time.monotonic() - asked_at_s
        if response.status not in (200, 500):
            raise http_status_error(response.status, response.reason, where=where)
        yield Answer(response.status, _body(response), waited_s)
        read_out = response.isclosed() and not response.will_close
    except (OSError, http.client.HTTPException, zlib.error) as error:
        line.close()
        raise _read_error(error, where) from error
    except BaseException:
        line.close()
        raise
    if read_out:
        stub.ReturnConnection(line)
    else:
        line.close()


def _connected(stub: SoapStubAdapter, where: str) -> http.client.HTTPConnection:
    try:
        line: http.client.HTTPConnection = stub.GetConnection()
    except OSError as error:
        raise line_error(error, where=where) from error
    return line


def _read_error(error: Exception, where: str) -> Exception:
    if isinstance(error, zlib.error):
        return bad_answer(f"its compressed body is broken ({error})", where=where)
    return line_error(error, where=where)


def _headers(stub: SoapStubAdapter) -> dict[str, str]:
    return {
        "Cookie": stub.cookie,
        "SOAPAction": stub.versionId,
        "Content-Type": "text/xml; charset=UTF-8",
        "Accept-Encoding": "gzip",
    }


def _body(response: http.client.HTTPResponse) -> Iterator[bytes]:
    if response.getheader("Content-Encoding", "identity").lower() != "gzip":
        yield from iter(lambda: response.read(READ_BYTES), b"")
        return
    inflater = zlib.decompressobj(31)
    for packed in iter(lambda: response.read(READ_BYTES), b""):
        while packed and not inflater.eof:
            yield inflater.decompress(packed, READ_BYTES)
            packed = inflater.unconsumed_tail
    if not inflater.eof:
        raise zlib.error("it ends early")
