"""Zeros over a stretch of a target that holds old bytes: exactly there, in frames inside blocks, or given up wholly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.disks import pump
from estate.disks.blockmap import BLOCK_BYTES
from tests.builders.disk_ends import MemorySink

SECTOR_BYTES = 512
SECTORS = 3 * BLOCK_BYTES // SECTOR_BYTES


@settings(max_examples=30, deadline=None)
@given(edges=st.tuples(st.integers(0, SECTORS), st.integers(0, SECTORS)).map(sorted))
def test_the_stretch_is_blank_and_nothing_else_is_touched(edges: list[int]) -> None:
    start, end = (edge * SECTOR_BYTES for edge in edges)
    sink = MemorySink(3 * BLOCK_BYTES, old=0xEE)
    pump.blank(sink, (start, end), alive=lambda: None)
    assert sink.disk == b"\xee" * start + bytes(end - start) + b"\xee" * (3 * BLOCK_BYTES - end)
    assert all(at // BLOCK_BYTES == (at + length - 1) // BLOCK_BYTES for at, length in sink.writes)
    assert (sink.finished, sink.aborted) == (True, False)


def test_a_cancel_between_two_blocks_aborts_the_sink() -> None:
    class Cancelled(Exception):
        pass

    def alive() -> None:
        raise Cancelled

    sink = MemorySink(3 * BLOCK_BYTES, old=0xEE)
    with pytest.raises(Cancelled):
        pump.blank(sink, (0, 3 * BLOCK_BYTES), alive=alive)
    assert (sink.finished, sink.aborted) == (False, True)
