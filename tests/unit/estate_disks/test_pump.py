"""The pump: what reaches the sink, what is hashed, and how a copy ends, resumes and repairs."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.disks import pump, verify
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.errors import ReadBackShort, SourceChanged, SourceOutOfOrder
from estate.disks.pump import Resume
from estate.disks.segments import SegmentedSink, SegmentMark
from estate.disks.vmdk import StreamVmdkSource
from estate.errors import Retry
from tests.builders.disk_ends import ListSource, MemoryReader, MemorySink
from tests.builders.vmdk import DribblingStream, vmware_stream

KIB = 1024
CAPACITY = 5 * BLOCK_BYTES + 512


def a_disk(fill: int = 1) -> bytes:
    """Five blocks and a sector: data, zeros, data at both edges of a block, data, zeros, data in the last sector."""
    disk = bytearray(CAPACITY)
    disk[0 : 3 * 64 * KIB] = bytes([fill]) * (3 * 64 * KIB)
    disk[2 * BLOCK_BYTES - 64 * KIB : 2 * BLOCK_BYTES + 64 * KIB] = b"\x02" * (128 * KIB)
    disk[3 * BLOCK_BYTES : 4 * BLOCK_BYTES] = b"\x03" * BLOCK_BYTES
    disk[-512:] = b"\x04" * 512
    return bytes(disk)


def a_source(disk: bytes | None = None) -> StreamVmdkSource:
    return StreamVmdkSource(DribblingStream(vmware_stream(disk or a_disk())))


def hashes_of(disk: bytes) -> BlockHashes:
    hashes = BlockHashes(len(disk))
    pump.copy(ListSource(len(disk), [(0, disk)]), MemorySink(len(disk)), block_hashes=hashes)
    return hashes


def test_copy_skips_zeros_on_a_fresh_disk_and_counts_them() -> None:
    disk, sink, hashes = a_disk(), MemorySink(CAPACITY), BlockHashes(CAPACITY)
    stats = pump.copy(a_source(), sink, block_hashes=hashes)
    assert bytes(sink.disk) == disk
    assert stats.bytes_data == stats.bytes_sent == 5 * 64 * KIB + BLOCK_BYTES + 512
    assert stats.bytes_data + stats.bytes_zero == stats.bytes_total == CAPACITY
    assert (sink.finished, sink.aborted) == (True, False)
    assert hashes == hashes_of(disk)


def test_copy_sends_zeros_where_old_bytes_may_be() -> None:
    sink = MemorySink(CAPACITY, zero_fill=True, old=0xEE)
    stats = pump.copy(a_source(), sink, block_hashes=BlockHashes(CAPACITY))
    assert bytes(sink.disk) == a_disk()
    assert stats.bytes_sent == CAPACITY


def test_frames_stay_inside_a_block_and_neighbours_are_joined() -> None:
    pieces = [(offset, b"p" * 4096) for offset in range(BLOCK_BYTES - 64 * KIB, BLOCK_BYTES + 64 * KIB, 4096)]
    sink = MemorySink(CAPACITY)
    pump.copy(ListSource(CAPACITY, pieces), sink, block_hashes=BlockHashes(CAPACITY))
    assert sink.writes == [(BLOCK_BYTES - 64 * KIB, 64 * KIB), (BLOCK_BYTES, 64 * KIB)]


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 6000)), max_size=30),
    zero_fill=st.booleans(),
)
def test_any_ascending_extents_arrive_and_hash_like_the_disk_they_make(pieces: list[tuple[int, int]], zero_fill: bool) -> None:
    extents, position = [], 0
    for gap, sectors in pieces:
        position += gap * 512
        extents.append((position, bytes([gap % 250 + 1]) * (sectors * 512)))
        position += sectors * 512
    capacity = max(position, 512)
    disk = bytearray(capacity)
    for offset, data in extents:
        disk[offset : offset + len(data)] = data
    sink, hashes = MemorySink(capacity, zero_fill=zero_fill, old=0xEE if zero_fill else 0), BlockHashes(capacity)
    pump.copy(ListSource(capacity, extents), sink, block_hashes=hashes)
    assert sink.disk == disk
    assert hashes == hashes_of(bytes(disk))
    assert verify.read_back(MemoryReader(bytes(sink.disk)), hashes, capacity).matched


@pytest.mark.parametrize("extents", [[(512, b"x" * 512), (0, b"y" * 512)], [(CAPACITY - 512, b"x" * 1024)]])
def test_source_that_goes_back_or_too_far_is_refused_and_the_sink_aborted(extents: list[tuple[int, bytes]]) -> None:
    source, sink = ListSource(CAPACITY, extents), MemorySink(CAPACITY)
    with pytest.raises(SourceOutOfOrder):
        pump.copy(source, sink, block_hashes=BlockHashes(CAPACITY))
    assert (source.was_closed, sink.aborted, sink.finished) == (True, True, False)


def test_progress_never_goes_back_and_ends_at_the_capacity() -> None:
    seen: list[tuple[int, int]] = []
    pump.copy(a_source(), MemorySink(CAPACITY), block_hashes=BlockHashes(CAPACITY), on_progress=lambda *step: seen.append(step))
    assert seen == sorted(seen)
    assert seen[-1] == (CAPACITY, CAPACITY)


class Cancelled(Exception):
    pass


def test_cancel_ends_a_copy_that_waits_for_a_silent_source() -> None:
    released = threading.Event()

    class Silent(DribblingStream):
        def readinto(self, buffer: memoryview) -> int:
            got = super().readinto(buffer)
            if not got:
                released.wait(20)
                raise ConnectionResetError
            return got

        def close(self) -> None:
            released.set()

    def alive() -> None:
        if time.monotonic() - began_s > 0.1:
            raise Cancelled

    began_s = time.monotonic()
    sink = MemorySink(CAPACITY)
    source = StreamVmdkSource(Silent(vmware_stream(a_disk())[:-512]))
    with pytest.raises(Cancelled):
        pump.copy(source, sink, block_hashes=BlockHashes(CAPACITY), alive=alive)
    assert sink.aborted
    assert time.monotonic() - began_s < 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vmdk") and thread.is_alive()]


def test_slow_target_stops_the_reader() -> None:
    disk = bytes(range(1, 256)) * ((40 * BLOCK_BYTES) // 255 + 1)
    stream = DribblingStream(vmware_stream(disk[: 40 * BLOCK_BYTES], level=0))
    source = StreamVmdkSource(stream)
    extents = source.extents()
    next(extents)
    time.sleep(0.5)
    read_bytes = stream._stream.tell()
    source.close()
    assert read_bytes < 20 * BLOCK_BYTES


def copy_in_segments(
    disk: bytes, target: bytearray, *, segment_bytes: int, resume: Resume | None = None, fail_at: int | None = None, **more: Any
) -> tuple[list[SegmentMark], list[MemorySink]]:
    marks: list[SegmentMark] = []
    sinks: list[MemorySink] = []

    def on_write(offset: int) -> None:
        if fail_at is not None and offset >= fail_at:
            raise Retry("the line broke", code="connection_lost")

    def open_segment() -> MemorySink:
        sinks.append(MemorySink(len(disk), disk=target, on_write=on_write))
        return sinks[-1]

    hashes = BlockHashes(len(disk))
    sink = SegmentedSink(open_segment, block_hashes=hashes, on_segment=marks.append, segment_bytes=segment_bytes, **more)
    try:
        pump.copy(a_source(disk), sink, block_hashes=hashes, resume=resume)
    except Retry:
        assert fail_at is not None
    return marks, sinks


def test_each_segment_is_a_sink_of_its_own_and_reports_what_is_durable() -> None:
    target = bytearray(CAPACITY)
    marks, sinks = copy_in_segments(a_disk(), target, segment_bytes=64 * KIB)
    assert target == a_disk()
    assert all(sink.finished for sink in sinks)
    assert [mark.offset_bytes // BLOCK_BYTES for mark in marks] == [1, 2, 3, 5, 5]
    assert [mark.prefix_digest for mark in marks] == [hashes_of(a_disk()).digest(mark.offset_bytes) for mark in marks]


def test_a_segment_on_a_slow_line_ends_by_the_clock_at_the_next_edge_of_a_block() -> None:
    target, at_s = bytearray(CAPACITY), [0.0]

    def slow() -> float:
        at_s[0] += 100.0  # each look at the clock finds that a piece took so long
        return at_s[0]

    marks, sinks = copy_in_segments(a_disk(), target, segment_bytes=1 << 40, segment_s=250.0, monotonic=slow)
    assert target == a_disk()
    assert 1 < len(marks) < 6 and all(mark.offset_bytes % BLOCK_BYTES == 0 or mark.offset_bytes == CAPACITY for mark in marks)
    assert len(sinks) == len([mark for mark in marks if mark.sent_bytes])


@pytest.mark.parametrize("fail_at", [None, 3 * BLOCK_BYTES])
def test_a_segment_ends_by_the_clock_also_while_nothing_is_written(fail_at: int | None) -> None:
    """What it marks as durable is enough to go on from, wherever the copy then breaks."""
    disk, target, at_s = a_disk(), bytearray(CAPACITY), [0.0]
    hashes, marks, sinks = BlockHashes(CAPACITY), list[SegmentMark](), list[MemorySink]()

    def on_write(offset: int) -> None:
        if fail_at is not None and offset >= fail_at:
            raise Retry("the line broke", code="connection_lost")

    def open_segment() -> MemorySink:
        sinks.append(MemorySink(CAPACITY, disk=target, on_write=on_write))
        return sinks[-1]

    sink = SegmentedSink(open_segment, block_hashes=hashes, on_segment=marks.append, segment_s=250, monotonic=lambda: at_s[0])

    def tick(_done: int, _total: int) -> None:
        at_s[0] += 300
        sink.tick()
        assert sink._sink is None, "no request stays open beyond its time"

    with contextlib.suppress(Retry):
        pump.copy(a_source(disk), sink, block_hashes=hashes, on_progress=tick)
    assert marks
    if fail_at is not None:
        last = marks[-1]
        copy_in_segments(disk, target, segment_bytes=1 << 40, resume=Resume(last.offset_bytes, last.prefix_digest))
    assert target == disk


def test_restarted_copy_sends_only_what_lies_behind_the_last_durable_segment() -> None:
    target = bytearray(CAPACITY)
    marks, sinks = copy_in_segments(a_disk(), target, segment_bytes=64 * KIB, fail_at=3 * BLOCK_BYTES)
    assert sinks[-1].aborted
    last = marks[-1]
    marks, sinks = copy_in_segments(
        a_disk(), target, segment_bytes=64 * KIB, resume=Resume(last.offset_bytes, last.prefix_digest)
    )
    assert target == a_disk()
    assert min(offset for sink in sinks for offset, _ in sink.writes) >= last.offset_bytes > 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), segment_bytes=st.sampled_from([1, 64 * KIB, 3 * BLOCK_BYTES]))
def test_copy_broken_at_any_point_any_number_of_times_ends_as_its_source(seed: int, segment_bytes: int) -> None:
    rnd = random.Random(seed)
    disk = bytearray(rnd.randrange(1, 7 * BLOCK_BYTES // 512) * 512)
    for _ in range(rnd.randrange(6)):
        start = rnd.randrange(len(disk) // 512) * 512
        disk[start : start + 65536 * rnd.randrange(1, 20)] = rnd.randbytes(min(len(disk) - start, 65536 * rnd.randrange(1, 20)))
    del disk[7 * BLOCK_BYTES :]
    disk += bytes(-len(disk) % 512)
    target, resume = bytearray(len(disk)), None
    for _ in range(rnd.randrange(4)):
        fail_at = rnd.randrange(len(disk))
        marks, _ = copy_in_segments(bytes(disk), target, segment_bytes=segment_bytes, resume=resume, fail_at=fail_at)
        if marks:
            resume = Resume(marks[-1].offset_bytes, marks[-1].prefix_digest)
    marks, sinks = copy_in_segments(bytes(disk), target, segment_bytes=segment_bytes, resume=resume)
    assert target == disk
    assert marks[-1].offset_bytes == len(disk)
    assert all(offset >= (resume.offset_bytes if resume else 0) for sink in sinks for offset, _ in sink.writes)


@pytest.mark.parametrize("offset", [BLOCK_BYTES, 3 * BLOCK_BYTES, CAPACITY])
def test_restarted_copy_of_a_changed_source_writes_nothing(offset: int) -> None:
    resume = Resume(offset, hashes_of(a_disk()).digest(offset))
    sink = MemorySink(CAPACITY)
    with pytest.raises(SourceChanged):
        pump.copy(a_source(a_disk(fill=9)), sink, block_hashes=BlockHashes(CAPACITY), resume=resume)
    assert not sink.writes


def test_copy_resumed_at_its_very_end_sends_nothing_and_succeeds() -> None:
    resume = Resume(CAPACITY, hashes_of(a_disk()).digest())
    sink = MemorySink(CAPACITY)
    pump.copy(a_source(), sink, block_hashes=BlockHashes(CAPACITY), resume=resume)
    assert (sink.writes, sink.finished) == ([], True)


def test_disk_of_zeros_opens_no_segment() -> None:
    marks, sinks = copy_in_segments(bytes(CAPACITY), bytearray(CAPACITY), segment_bytes=KIB)
    assert sinks == []
    assert [mark.offset_bytes for mark in marks] == [CAPACITY]


def test_read_back_names_damaged_ranges_and_sending_only_these_repairs_them() -> None:
    hashes = hashes_of(a_disk())
    target = bytearray(a_disk())
    for damaged in (5, BLOCK_BYTES + 5, 4 * BLOCK_BYTES + 9, CAPACITY - 1):
        target[damaged] ^= 0xFF
    found = verify.read_back(MemoryReader(bytes(target)), hashes, CAPACITY)
    assert found.mismatched_ranges == ((0, 2 * BLOCK_BYTES), (4 * BLOCK_BYTES, CAPACITY))
    sink = MemorySink(CAPACITY, disk=target)
    stats = pump.copy(a_source(), sink, block_hashes=BlockHashes(CAPACITY), only_ranges=found.mismatched_ranges)
    assert target == a_disk()
    assert stats.bytes_sent == 3 * BLOCK_BYTES + 512
    assert verify.read_back(MemoryReader(bytes(target)), hashes, CAPACITY).matched


def test_read_back_that_ends_early_is_no_answer() -> None:
    reader = MemoryReader(a_disk()[:-1])
    with pytest.raises(ReadBackShort):
        verify.read_back(reader, hashes_of(a_disk()), CAPACITY)
    assert reader.was_closed


def test_read_back_of_a_larger_vdi_compares_only_the_disk() -> None:
    assert verify.read_back(MemoryReader(a_disk() + b"rest" * 4096), hashes_of(a_disk()), CAPACITY).matched
