"""The XML stream: hardened, bounded, one element at a time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator

import pytest

from estate.vsphere import xmlstream
from estate.vsphere.xmlstream import VIM, BadXml, document, elements, fault
from tests.unit.estate_vsphere.xml import HEAD, NAMESPACES, TAIL, an_object, answer, prop

BOMB = (
    b'<?xml version="1.0"?>\n<!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    b"<Envelope>&b;</Envelope>"
)
FILE = b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/hostname">]><Envelope>&x;</Envelope>'


def _names(chunks: list[bytes]) -> list[str]:
    found = elements(chunks, (f"{VIM}objects", f"{VIM}token"), f"{VIM}returnval")
    return [(element.findtext(f"{VIM}obj") or element.text or "") for element in found]


def test_objects_and_the_token_come_in_order_however_the_bytes_are_cut() -> None:
    body = answer(*(an_object(moref=f"vm-{n}") for n in range(20)), token="7")
    whole = _names([body])
    assert whole == ["7", *(f"vm-{n}" for n in range(20))]
    for size in (1, 7, 1000):
        assert _names([body[i : i + size] for i in range(0, len(body), size)]) == whole


def test_elements_of_the_same_name_deeper_down_are_no_objects() -> None:
    inner = prop("config.x", "<objects><obj>no</obj></objects><token>no</token>", "Any")
    assert _names([answer(an_object(inner, moref="vm-1"))]) == ["vm-1"]


@pytest.mark.parametrize("body", [BOMB, FILE, b"\xff\xfe<\x00a\x00", b"", b"   ", b"hello", b"<!-- x --><a/>", b"{}"])
def test_a_dtd_an_entity_or_anything_but_a_soap_message_is_refused(body: bytes) -> None:
    for read in (lambda: _names([body]), lambda: document([body])):
        with pytest.raises(BadXml):
            read()


def test_a_prologue_split_over_chunks_is_still_checked() -> None:
    padded = b" " * 100 + FILE
    with pytest.raises(BadXml):
        _names([padded[i : i + 1] for i in range(len(padded))])


@pytest.mark.parametrize("blanks", [b"\n", b" ", b"\xef\xbb\xbf" + b"\t"])
def test_a_flood_of_blanks_before_the_envelope_is_refused_at_once(blanks: bytes) -> None:
    """Blanks that two places of the pattern could share would be tried in every way of sharing them: minutes for one piece."""
    started_s = time.process_time()
    with pytest.raises(BadXml):
        _names([blanks + blanks[-1:] * (256 << 10)])
    assert time.process_time() - started_s < 1


def test_an_answer_that_breaks_off_is_an_error_not_a_short_estate() -> None:
    body = answer(an_object(moref="vm-1"), an_object(moref="vm-2"))
    with pytest.raises(BadXml):
        _names([body[: body.index(b"vm-2")]])
    with pytest.raises(BadXml):
        _names([body[: -len(TAIL)]])


def test_one_endless_object_or_one_endless_answer_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlstream, "OBJECT_LIMIT_BYTES", 10_000)
    fits = answer(*(an_object(prop("name", "x" * 900)) for _ in range(50)))
    assert len(_names([fits[i : i + 1000] for i in range(0, len(fits), 1000)])) == 50
    with pytest.raises(BadXml, match="larger"):
        _names([HEAD.encode(), *[b"<objects>" + b"x" * 6000 for _ in range(3)]])
    monkeypatch.setattr(xmlstream, "ANSWER_LIMIT_BYTES", 20_000)
    with pytest.raises(BadXml, match="larger"):
        _names([fits[i : i + 1000] for i in range(0, len(fits), 1000)])


def test_memory_stays_with_few_objects_at_a_time() -> None:
    def chunks() -> Iterator[bytes]:
        yield HEAD.encode()
        for number in range(200):
            yield an_object(prop("name", "x" * 100_000), moref=f"vm-{number}").encode()
        yield TAIL.encode()

    tracemalloc.start()
    try:
        count = sum(1 for _ in elements(chunks(), (f"{VIM}objects",), f"{VIM}returnval"))
        _now, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 200
    assert peak_bytes < 2_000_000


def test_what_is_wanted_in_a_branch_that_has_ended_is_told_and_what_lies_too_deep_is_not() -> None:
    """An answer of several branches, cut anywhere; nesting without end is walked no deeper than an envelope goes."""
    body = answer(an_object(moref="vm-1")).replace(
        b"</returnval>", b"</returnval><returnval " + NAMESPACES.encode() + b"><objects><obj>vm-2</obj></objects></returnval>"
    )
    deep = body.replace(
        b">" + b"<objects>",
        b">" + b"<a>" * 5000 + b"<returnval><objects><obj>no</obj></objects></returnval>" + b"</a>" * 5000 + b"<objects>",
        1,
    )
    for size in (1, 50, len(deep)):
        assert _names([body[i : i + size] for i in range(0, len(body), size)]) == ["vm-1", "vm-2"]
        assert _names([deep[i : i + size] for i in range(0, len(deep), size)]) == ["vm-1", "vm-2"]


def test_a_fault_gives_its_type_message_and_plain_fields() -> None:
    body = (
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body><e:Fault><faultcode>e:Server</faultcode>'
        b"<faultstring>no such thing</faultstring><detail>"
        b'<InvalidPropertyFault xmlns="urn:vim25" xsi:type="InvalidProperty"><name>config.x</name></InvalidPropertyFault>'
        b"</detail></e:Fault></e:Body></e:Envelope>"
    )
    found = fault([body])
    assert (found.type_name, found.message, found.fields) == ("InvalidProperty", "no such thing", {"name": "config.x"})


def test_an_error_answer_without_a_fault_is_bad_xml() -> None:
    with pytest.raises(BadXml):
        fault([b"<html><body>proxy error</body></html>"])


def test_a_fault_answer_may_not_grow_without_end() -> None:
    with pytest.raises(BadXml, match="larger"):
        fault([b"<a>"] + [b"x" * 100_000] * 20)
