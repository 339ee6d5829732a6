"""A vCenter's answers kept as bytes, and a session that gives them again, one of them damaged."""

from __future__ import annotations

import gzip
import random
import re
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from estate.connection import Connection
from estate.vsphere import wire
from estate.vsphere.inventory.collect import Collection
from estate.vsphere.session import VsphereSession
from tests.builders.damage import PIECES, damaged

ODD_TEXTS = (
    b"", b" ", b"-1", b"NaN", b"1e999", b"9" * 5000, b"9223372036854775808", b"TRUE", b"0x10", b"2026-13-45T99:00:00Z",
    b"2026-01-01T00:00:00", b"9999-12-31T23:59:59-14:00", b"0001-01-01T00:00:00+14:00",
    b"\xe2\x80\xaeexe", b"&lt;a&gt;", b"&#0;", b"&amp;", b"x" * 100_000, b"%2f%zz", b"vm-1/../..",
)  # fmt: skip
FAULTS = ("NotAuthenticated", "InvalidProperty", "NoPermission", "ManagedObjectNotFound", "Unheard", "InvalidRequest", "")
_LEAF = re.compile(rb"<([A-Za-z]+)([^<>]*)>([^<>]*)</\1>")


def keep_answers(connection: Connection, folder: Path) -> None:
    """Read an estate once, and keep the body of every bulk answer in the order they came."""
    kept: list[bytearray] = []
    patch = pytest.MonkeyPatch()
    read = wire._body

    def keeping(response: Any) -> Iterator[bytes]:
        kept.append(bytearray())
        for chunk in read(response):
            kept[-1].extend(chunk)
            yield chunk

    patch.setattr(wire, "_body", keeping)
    try:
        with VsphereSession(connection) as session:
            Collection(session, lambda _kind, _facts: None).run()
    finally:
        patch.undo()
    for number, body in enumerate(kept):
        (folder / f"{number:03}.xml").write_bytes(body)


class Line:
    """A connection of the pool that gives one answer after another."""

    def __init__(self, answers: list[tuple[int, str, bytes]]) -> None:
        self._answers = answers

    def request(self, *_: Any) -> None:
        """Nothing is sent."""

    def getresponse(self) -> Any:
        status, encoding, body = self._answers.pop(0) if self._answers else (200, "", b"")
        file = BytesIO(body)
        return SimpleNamespace(
            status=status, reason="", read=file.read, will_close=False,
            getheader=lambda _name, unless="": encoding or unless, isclosed=lambda: file.tell() == len(body),
        )  # fmt: skip

    def close(self) -> None:
        """It goes back to nobody."""


class Stub:
    """As much of pyVmomi's stub as bulk calls use; control calls do nothing."""

    path, cookie, versionId, version = "/sdk", "", "", "vim.version.version12"

    def __init__(self, answers: list[tuple[int, str, bytes]]) -> None:
        self._line = Line(answers)

    def SerializeRequest(self, *_: Any) -> bytes:
        return b""

    def GetConnection(self) -> Line:
        return self._line

    def ReturnConnection(self, _line: Line) -> None:
        """The one line is always there."""

    def InvokeMethod(self, *_: Any) -> None:
        """A view is destroyed."""


def replayed(answers: list[tuple[int, str, bytes]]) -> VsphereSession:
    """A session whose bulk calls are answered with these (status, content encoding, body), in order."""
    session = VsphereSession(Connection("https://vc.example", "reader", "", frozenset(), "vc"))
    stub: Any = Stub(answers)
    view = vim.view.ContainerView("view-1", stub)
    session.stub = stub
    session.content = SimpleNamespace(
        viewManager=SimpleNamespace(CreateContainerView=lambda *_: view),
        rootFolder=None,
        propertyCollector=vmodl.query.PropertyCollector("pc", stub),
        customFieldsManager=None,
        sessionManager=SimpleNamespace(Login=lambda *_: SimpleNamespace(key="k")),
        about=SimpleNamespace(fullName="x", apiVersion="7", build="", instanceUuid="", apiType="VirtualCenter"),
    )
    return session


def bytes_changed(body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    return 200, "", damaged(body, dice)


def cut_off(body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    return 200, "", body[: dice.randrange(len(body))]


def odd_values(body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    """Sound XML with texts nobody expects, elements gone, twice or renamed."""
    for _ in range(dice.choice((1, 5, 40))):
        leaves = list(_LEAF.finditer(body, dice.randrange(len(body))))[:50]
        if not leaves:
            continue
        leaf = dice.choice(leaves)
        name, attributes, _text = leaf.groups()
        odd = dice.choice(ODD_TEXTS)
        new = dice.choice(
            (
                b"<%s%s>%s</%s>" % (name, attributes, odd, name),
                b"",
                leaf.group() * 2,
                b"<x%s>%s</x>" % (attributes, odd),
                b"<%s>%s</%s>" % (name, leaf.group(), name),
                b"<%s/>" % name,
            )
        )
        body = body[: leaf.start()] + new + body[leaf.end() :]
    return 200, "", body


def nested(body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    """Elements without end, closed or not, and text without end."""
    at = body.find(b">", dice.randrange(len(body))) + 1
    depth = dice.choice((100, 10_000, 200_000))
    inside = dice.choice((b"<a>" * depth, b"<a>" * depth + b"</a>" * depth, b"<returnval><objects>" * depth, b"x" * (50 * depth)))
    return 200, "", body[:at] + inside + body[at:]


def _bomb(start: bytes) -> bytes:
    """300 MiB of blanks behind the start of an answer, made piece by piece: the process's own memory is measured."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    pieces = [packer.compress(start), *(packer.compress(b" " * (1 << 20)) for _ in range(300)), packer.flush()]
    return b"".join(pieces)


def packed(body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    """Compressed, then damaged; or a little that becomes very much."""
    if dice.random() < 0.05:
        return 200, "gzip", _bomb(body[:2000])
    packed_body = gzip.compress(body, 1)
    short = packed_body[: dice.randrange(len(packed_body))]
    return 200, "gzip", dice.choice((damaged(packed_body, dice), short, body, packed_body * 2))


def faulty(_body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    """A fault of some kind, often damaged itself."""
    kind = dice.choice(FAULTS)
    fault = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<e:Body><e:Fault><faultcode>S</faultcode><faultstring>no</faultstring><detail>"
        f'<F xmlns="urn:vim25" xsi:type="{kind}">'
        f"<name>{dice.choice(('name', 'config.uuid', 'x', ''))}</name></F></detail></e:Fault></e:Body></e:Envelope>"
    ).encode()
    return dice.choice((500, 500, 500, 200, 503, 404, 302)), "", fault if dice.random() < 0.4 else damaged(fault, dice)


def odd_prologue(body: bytes, dice: random.Random) -> tuple[int, str, bytes]:
    head = dice.choice(
        (
            b"\xef\xbb\xbf", b"\n\n", b" " * (1 << 20),
            b"<!-- x -->", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"\xff\xfe", b"<?xml version='1.1'?>",
            b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='x'?>", b"HTTP/1.1 200", b"{", *PIECES,
        )
    )  # fmt: skip
    return 200, "", head + (body if dice.random() < 0.5 else body.partition(b"?>")[2].lstrip())


ANSWER_DAMAGES: dict[str, Callable[[bytes, random.Random], tuple[int, str, bytes]]] = {
    "bytes": bytes_changed,
    "cut": cut_off,
    "values": odd_values,
    "nested": nested,
    "packed": packed,
    "fault": faulty,
    "prologue": odd_prologue,
}
