"""Answers of vSphere as a stream of XML elements: hardened, bounded, one element in memory at a time.

A SOAP message has no business with a DTD, so one in the prologue ends the parse before anything is expanded. What the
elements mean is read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from estate.vsphere.errors import WireFault

VIM = "{urn:vim25}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"

ANSWER_LIMIT_BYTES = 2 << 30
OBJECT_LIMIT_BYTES = 64 << 20
FAULT_LIMIT_BYTES = 1 << 20
PROLOGUE_BYTES = 1024
_PROLOGUE = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]*\?>)?\s*<[A-Za-z_]")


class BadXml(ValueError):
    """The answer is not the XML it should be, or larger than anything this product asks for."""


def _parser_options() -> dict[str, object]:
    return {
        "huge_tree": True,
        "resolve_entities": False,
        "load_dtd": False,
        "no_network": True,
        "encoding": "utf-8",
        "remove_comments": True,
        "remove_pis": True,
    }


def elements(chunks: Iterable[bytes], tags: tuple[str, ...], *parents: str) -> Iterator[etree._Element]:
    """The elements named `tags` directly below one of `parents`, each valid only until the next is asked for.

    Raises:
        BadXml: not well formed, broken off, with a DTD, or over the limits.
    """
    parser = etree.XMLPullParser(events=("end",), tag=tags, **_parser_options())  # type: ignore[arg-type]  # stubs lag
    bounded = _Bounded()
    try:
        for chunk in _checked_prologue(chunks):
            bounded.add(len(chunk))
            parser.feed(chunk)
            for _event, element in parser.read_events():
                assert isinstance(element, etree._Element)
                if not _is_child_of(element, parents):
                    continue
                bounded.object_ended()
                yield element
                _forget(element)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise BadXml(str(error)) from error


def document(chunks: Iterable[bytes], *, limit_bytes: int = FAULT_LIMIT_BYTES) -> etree._Element:
    """A whole small document. Raises BadXml."""
    body = _joined(chunks, limit_bytes)
    parser = etree.XMLParser(**_parser_options())  # type: ignore[arg-type]  # stubs lag
    try:
        return etree.fromstring(b"".join(_checked_prologue([body])), parser)
    except etree.XMLSyntaxError as error:
        raise BadXml(str(error)) from error


def fault(chunks: Iterable[bytes]) -> WireFault:
    """The fault in a SOAP fault answer. Raises BadXml."""
    found = document(chunks).find(f".//{SOAP}Fault")
    if found is None:
        raise BadXml("an error answer without a SOAP fault")
    detail = found.find("detail")
    return read_fault(detail[0] if detail is not None and len(detail) else None, found.findtext("faultstring") or "")


def read_fault(detail: etree._Element | None, message: str = "") -> WireFault:
    """A fault element (from a SOAP fault's detail or from a `missingSet`) with its plain fields."""
    if detail is None:
        return WireFault("MethodFault", message, {})
    type_name = detail.get(XSI_TYPE) or etree.QName(detail).localname.removesuffix("Fault")
    fields = {etree.QName(child).localname: child.text or "" for child in detail if not len(child)}
    return WireFault(local(type_name), message, fields)


def local(name: str) -> str:
    """A type name without its namespace prefix."""
    return name.rsplit(":", 1)[-1]


class _Bounded:
    """Counts bytes of one answer and since the last whole object."""

    def __init__(self) -> None:
        self._total = 0
        self._since_object = 0

    def add(self, count: int) -> None:
        self._total += count
        self._since_object += count
        if self._total > ANSWER_LIMIT_BYTES or self._since_object > OBJECT_LIMIT_BYTES:
            raise BadXml(f"the answer is larger than expected ({self._total} bytes so far)")

    def object_ended(self) -> None:
        self._since_object = 0


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


def _is_child_of(element: etree._Element, parents: tuple[str, ...]) -> bool:
    above = element.getparent()
    return above is not None and above.tag in parents


def _forget(element: etree._Element) -> None:
    """Free an element and its earlier siblings; otherwise the whole answer stays in memory."""
    element.clear()
    above = element.getparent()
    while above is not None and element.getprevious() is not None:
        del above[0]
