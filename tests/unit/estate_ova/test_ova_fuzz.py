"""Damaged packages: whatever bytes change, the reader answers with facts or a coded error, soon and in bounded memory."""

from __future__ import annotations

import os
import random
import time
import tracemalloc
from pathlib import Path

import pytest

from estate.errors import AskPerson
from estate.ova.read import read
from tests.builders import ova

ROUNDS = 5000 if os.environ.get("XENBOUND_SOAK") else 150
MOST_S = 5.0
MOST_BYTES = 500 << 20
CODES = {"ova_not_readable", "ova_member_unsafe", "ova_manifest_mismatch", "ovf_invalid", "ovf_disk_format"}


def damaged(content: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, a range removed, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(changed) or 1)
        length = dice.choice((1, 3, 40, 512))
        match dice.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length] * dice.choice((1, 2, 50))
            case 3:
                changed[at : at + length] = dice.choice((b"\xff", b"9", b"<", b'"', b"\0")) * length
            case _ if dice.random() < 0.2:
                del changed[at:]
            case _:
                changed[at : at + 4] = dice.choice((b"2^99", b"ovf:", b"&lt;", b"99999999999999999999999"))
    return bytes(changed)


@pytest.mark.soak
@pytest.mark.parametrize("part", ["archive", "descriptor"])
def test_a_damaged_package_is_read_or_refused_with_a_code(part: str, tmp_path: Path) -> None:
    path = tmp_path / "web.ova"
    whole = ova.archive(ova.package(b"x" * 2000))
    tracemalloc.start()
    try:
        for seed in range(ROUNDS):
            dice = random.Random(seed)
            bare = {"web.ovf": damaged(ova.vmware_ovf(), dice), "disk1.vmdk": b"x"}
            path.write_bytes(damaged(whole, dice) if part == "archive" else ova.archive(bare))
            started_s = time.monotonic()
            try:
                read(path, on_page=lambda kind, facts: None)
            except AskPerson as refused:
                assert refused.code in CODES, seed
                assert refused.next_step and refused.where, seed
            assert time.monotonic() - started_s < MOST_S, seed
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
