"""Broken streams by the thousand: cut, repeated, swapped and overwritten. Small here, full size with XENBOUND_SOAK=1."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import tracemalloc

import pytest

from estate.disks.errors import StreamMalformed, StreamTruncated
from estate.disks.vmdk import StreamVmdkSource
from tests.builders.vmdk import DribblingStream, vmware_stream

ROUNDS = 20_000 if os.environ.get("XENBOUND_SOAK") else 300
MOST_GROWTH_BYTES = 96 << 20
MOST_KEPT_BYTES = 8 << 20
SECTOR = 512


def a_stream(rnd: random.Random) -> bytearray:
    pieces = (rnd.choice((bytes(65536), rnd.randbytes(65536), rnd.randbytes(64) * 1024)) for _ in range(rnd.randrange(1, 40)))
    return bytearray(vmware_stream(b"".join(pieces), tables_every=rnd.randrange(2, 20)))


def break_it(stream: bytearray, rnd: random.Random) -> bytearray:
    at = rnd.randrange(len(stream) // SECTOR) * SECTOR
    end = at + rnd.randrange(1, 8) * SECTOR
    kind = rnd.randrange(5)
    if kind == 0:
        stream[at + rnd.randrange(16)] = rnd.randrange(256)
    elif kind == 1:
        del stream[at:end]
    elif kind == 2:
        stream[at:at] = stream[at:end]
    elif kind == 3:
        stream[at:end] = bytes(end - at)
    else:
        stream[at : at + 12] = rnd.choice((b"\xff" * 12, bytes(8) + b"\xff\xff\xff\x7f", rnd.randbytes(12)))
    return stream


def read_within_capacity(stream: bytes) -> None:
    with contextlib.closing(StreamVmdkSource(DribblingStream(stream))) as source:
        assert all(extent.offset_bytes + len(extent.data) <= source.capacity_bytes for extent in source.extents())


@pytest.mark.soak
def test_no_broken_stream_crashes_hangs_or_takes_memory() -> None:
    tracemalloc.start()
    start_bytes, most_bytes = tracemalloc.get_traced_memory()[0], 0
    try:
        for seed in range(ROUNDS):
            rnd = random.Random(seed)
            stream = bytes(break_it(a_stream(rnd), rnd))
            if seed % 50 == 0:
                gc.collect()  # the tracebacks of refused streams hold their windows in cycles
            before_bytes, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            with contextlib.suppress(StreamMalformed, StreamTruncated):
                read_within_capacity(stream)
            most_bytes = max(most_bytes, tracemalloc.get_traced_memory()[1] - before_bytes)
        gc.collect()
        kept_bytes = tracemalloc.get_traced_memory()[0] - start_bytes
    finally:
        tracemalloc.stop()
    assert most_bytes < MOST_GROWTH_BYTES
    assert kept_bytes < MOST_KEPT_BYTES
