"""Answers of vSphere as a stream of XML elements: hardened, bounded, one element in memory at a time.

A SOAP message has no business with a DTD, so one in the prologue ends the parse before anything is expanded. What the
elements mean is read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from estate.vsphere.errors import WireFault

VIM = "{urn:vim25}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"

ANSWER_LIMIT_BYTES = 2 << 30
OBJECT_LIMIT_BYTES = 16 << 20  # made of the smallest elements, one such object takes 25 times as much memory
FAULT_LIMIT_BYTES = 1 << 20
PROLOGUE_BYTES = 1024
ENVELOPE_DEPTH = 8
LOOKS = 8
_PROLOGUE = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^<>]*\?>)?\s*+<[A-Za-z_]")  # a piece of blanks is looked at once

_Wanted = tuple[tuple[str, ...], tuple[str, ...]]  # tags, and tags of their parents


class BadXml(ValueError):
    """The answer is not the XML it should be, or larger than anything this product asks for."""


def elements(chunks: Iterable[bytes], tags: tuple[str, ...], *parents: str) -> Iterator[Element]:
    """The elements named `tags` directly below one of `parents`, each valid only until the next is asked for.

    Raises:
        BadXml: not well formed, broken off, with a DTD, or over the limits.
    """
    builder = TreeBuilder()
    parser = _parser(builder)
    bounded = _Bounded()
    try:
        for piece in _growing(_checked_prologue(chunks), bounded):
            parser.feed(piece)
            for element in _ended(builder.close(), (tags, parents)):
                bounded.object_ended()
                yield element
        yield from _ended(parser.close(), (tags, parents), whole=True)
    except ParseError as error:
        raise BadXml(str(error)) from error


def _parser(builder: TreeBuilder) -> XMLParser:
    return XMLParser(target=builder, encoding="utf-8")  # noqa: S314 - entities need a DTD, which `_checked_prologue` refuses


def document(chunks: Iterable[bytes], *, limit_bytes: int = FAULT_LIMIT_BYTES) -> Element:
    """A whole small document. Raises BadXml."""
    parser = _parser(TreeBuilder())
    try:
        for chunk in _checked_prologue([_joined(chunks, limit_bytes)]):
            parser.feed(chunk)
        found: Element = parser.close()
    except ParseError as error:
        raise BadXml(str(error)) from error
    return found


def fault(chunks: Iterable[bytes]) -> WireFault:
    """The fault in a SOAP fault answer. Raises BadXml."""
    found = document(chunks).find(f".//{SOAP}Fault")
    if found is None:
        raise BadXml("an error answer without a SOAP fault")
    detail = found.find("detail")
    return read_fault(detail[0] if detail is not None and len(detail) else None, found.findtext("faultstring") or "")


def read_fault(detail: Element | None, message: str = "") -> WireFault:
    """A fault element (from a SOAP fault's detail or from a `missingSet`) with its plain fields."""
    if detail is None:
        return WireFault("MethodFault", message, {})
    type_name = detail.get(XSI_TYPE) or local(detail.tag).removesuffix("Fault")
    fields = {local(child.tag): child.text or "" for child in detail if not len(child)}
    return WireFault(local(type_name), message, fields)


def local(name: str) -> str:
    """A type or tag name without its namespace."""
    return name.rpartition("}")[2].rpartition(":")[2]


class _Bounded:
    """Counts bytes of one answer and since the last whole object."""

    def __init__(self) -> None:
        self._total = 0
        self.since_object = 0

    def add(self, count: int) -> None:
        self._total += count
        self.since_object += count
        if self._total > ANSWER_LIMIT_BYTES or self.since_object > OBJECT_LIMIT_BYTES:
            raise BadXml(f"the answer is larger than expected ({self._total} bytes so far)")

    def object_ended(self) -> None:
        self.since_object = 0


def _growing(chunks: Iterable[bytes], bounded: _Bounded) -> Iterator[bytes | bytearray]:
    """The same bytes, in larger pieces the longer no object has ended: a parser looks through a tag without end anew for each."""
    held = bytearray()
    for chunk in chunks:
        bounded.add(len(chunk))
        held += chunk
        if len(held) * LOOKS >= bounded.since_object:
            yield held
            held = bytearray()
    yield held


def _checked_prologue(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, once the first of them are an XML declaration and a root element, and nothing else."""
    held: bytes | None = b""
    for chunk in chunks:
        if held is None:
            yield chunk
            continue
        held += chunk
        if len(held) >= PROLOGUE_BYTES:
            yield _require_prologue(held)
            held = None
    if held is not None:
        yield _require_prologue(held)


def _require_prologue(start: bytes) -> bytes:
    if not _PROLOGUE.match(start):
        raise BadXml("it does not begin with a SOAP envelope")
    return start


def _joined(chunks: Iterable[bytes], limit_bytes: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit_bytes:
            raise BadXml(f"the answer is larger than {limit_bytes} bytes")
    return bytes(body)


def _ended(above: Element | None, wanted: _Wanted, *, whole: bool = False, depth: int = ENVELOPE_DEPTH) -> Iterator[Element]:
    """What has ended below `above` in a tree that still grows, forgotten afterwards. Only the last child may be open.

    `whole`: the last child has ended too.
    """
    if above is None or not depth:
        return
    ended = above[: len(above) if whole else -1]
    for each in ended:
        if _is_wanted(above, each, wanted):
            yield each
        else:
            yield from _ended(each, wanted, whole=True, depth=depth - 1)
        each.clear()
    del above[: len(ended)]
    if len(above) and not _is_wanted(above, above[0], wanted):
        yield from _ended(above[0], wanted, depth=depth - 1)


def _is_wanted(above: Element, each: Element, wanted: _Wanted) -> bool:
    tags, parents = wanted
    return each.tag in tags and above.tag in parents
