"""TLS pins have one spelling, and only certificates that were seen can be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.backbone.endpoints.pins import NotAPin, canonical_pin, unseen

PIN = ":".join(["0A"] * 32)


@pytest.mark.parametrize("text", [PIN, PIN.lower(), PIN.replace(":", ""), f"  {PIN} "])
def test_every_spelling_of_a_fingerprint_becomes_one(text: str) -> None:
    assert canonical_pin(text) == PIN


@pytest.mark.parametrize("text", ["", "AB", ":".join(["0A"] * 20), PIN + ":0A", PIN.replace("A", "G"), PIN.replace("0", "٠")])
def test_what_is_no_sha256_is_refused(text: str) -> None:
    with pytest.raises(NotAPin):
        canonical_pin(text)


@given(st.binary(min_size=32, max_size=32))
def test_a_pin_is_stable(digest: bytes) -> None:
    assert canonical_pin(canonical_pin(digest.hex())) == digest.hex(":").upper()


def test_strangers_are_named() -> None:
    other = ":".join(["FF"] * 32)
    assert unseen([PIN, other], [{"sha256": PIN.lower(), "subject": "h", "address": "a"}]) == [other]
