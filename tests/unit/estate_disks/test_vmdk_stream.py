"""What a streamOptimized VMDK gives, and every way in which a broken or hostile one is refused."""

from __future__ import annotations

import contextlib
import random
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.errors import StreamLost, StreamMalformed, StreamTruncated
from estate.disks.vmdk import StreamVmdkSource, inflate
from tests.builders import vmdk
from tests.builders.vmdk import AStream, DribblingStream

GRAIN = 65536
MIB = 1 << 20


def read(stream: DribblingStream) -> bytes:
    source = StreamVmdkSource(stream)
    try:
        return vmdk.replay(source.capacity_bytes, source.extents())
    finally:
        source.close()


def a_disk(size_bytes: int, *, seed: int, density: float = 0.4) -> bytes:
    """Random pieces of 4 KiB, some that deflate well, some that do not, between zeros."""
    rnd = random.Random(seed)
    pieces = []
    for _ in range(0, size_bytes, 4096):
        kind = rnd.random()
        pieces.append(bytes(4096) if kind > density else rnd.randbytes(4096) if kind < density / 2 else rnd.randbytes(16) * 256)
    return b"".join(pieces)[:size_bytes]


@pytest.mark.parametrize("grain_sectors", [8, 16, 64, 128, 256, 1024, 4096])
def test_every_grain_size_up_to_a_block_reads_back_the_same_disk(grain_sectors: int) -> None:
    disk = a_disk(5 * MIB + 512, seed=grain_sectors)
    assert read(DribblingStream(vmdk.vmware_stream(disk, grain_sectors=grain_sectors))) == disk


@settings(max_examples=25, deadline=None)
@given(
    sectors=st.integers(1, 9000),
    seed=st.integers(0, 2**32),
    density=st.floats(0, 1),
    level=st.sampled_from([0, 1, 6]),
    step=st.sampled_from([1013, 70_001, 10**7]),
)
def test_any_disk_survives_the_round_trip(sectors: int, seed: int, density: float, level: int, step: int) -> None:
    disk = a_disk(sectors * 512, seed=seed, density=density)
    assert read(DribblingStream(vmdk.vmware_stream(disk, level=level), step)) == disk


def test_last_grain_is_clipped_at_the_capacity() -> None:
    stream = AStream(capacity=130, records=[vmdk.grain(128, b"x" * GRAIN)])
    assert read(stream.open()) == bytes(GRAIN) + b"x" * 1024


def test_short_grain_is_filled_up_with_zeros() -> None:
    stream = AStream(capacity=256, records=[vmdk.grain(0, b"x" * 1000), vmdk.grain(128, b"y" * GRAIN)])
    assert read(stream.open()) == b"x" * 1000 + bytes(GRAIN - 1000) + b"y" * GRAIN


def test_grains_of_one_block_may_come_in_any_order() -> None:
    stream = AStream(capacity=256, records=[vmdk.grain(128, b"y" * GRAIN), vmdk.grain(0, b"x" * GRAIN)])
    assert read(stream.open()) == b"x" * GRAIN + b"y" * GRAIN


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_grains_in_any_order_inside_their_blocks_make_the_same_disk(seed: int) -> None:
    rnd = random.Random(seed)
    blocks = rnd.randrange(1, 6)
    disk = bytearray(blocks * BLOCK_BYTES)
    records: list[bytes] = []
    for block in range(blocks):
        for place in rnd.sample(range(32), rnd.randrange(33)):
            start = block * BLOCK_BYTES + place * GRAIN
            disk[start : start + GRAIN] = rnd.randbytes(64) * (GRAIN // 64)
            records.append(vmdk.grain(start // 512, bytes(disk[start : start + GRAIN]), level=1))
            if rnd.random() < 0.1:
                records.append(vmdk.table())
    assert read(AStream(capacity=len(disk) // 512, records=records).open()) == disk


def test_written_grains_of_zeros_are_not_mentioned() -> None:
    stream = AStream(capacity=256, records=[vmdk.grain(0, bytes(GRAIN)), vmdk.grain(128, b"y" * GRAIN)])
    source = StreamVmdkSource(stream.open())
    assert [(e.offset_bytes, len(e.data)) for e in source.extents()] == [(GRAIN, GRAIN)]


def test_block_that_holds_only_badly_packed_zeros_is_a_zero_block() -> None:
    source = StreamVmdkSource(AStream(capacity=4096, records=[vmdk.grain(0, bytes(GRAIN), level=0)]).open())
    hashes = BlockHashes(source.capacity_bytes)
    source.hash_into(hashes)
    assert list(source.extents()) == []
    assert hashes == BlockHashes(source.capacity_bytes)


def test_neighbouring_grains_come_as_one_extent_inside_a_block() -> None:
    disk = b"z" * (2 * BLOCK_BYTES)
    source = StreamVmdkSource(DribblingStream(vmdk.vmware_stream(disk)))
    assert [(e.offset_bytes, len(e.data)) for e in source.extents()] == [(0, BLOCK_BYTES), (BLOCK_BYTES, BLOCK_BYTES)]


def test_disk_without_any_grain_is_all_zeros() -> None:
    assert read(AStream(capacity=4096).open()) == bytes(2 * MIB)


HEADERS = {
    "another signature": vmdk.header(capacity=256, magic=b"COWD"),
    "an unknown version": vmdk.header(capacity=256, version=9),
    "no compression flag": vmdk.header(capacity=256, flags=1 | 1 << 17),
    "no marker flag": vmdk.header(capacity=256, flags=1 | 1 << 16),
    "an unknown compression": vmdk.header(capacity=256, compression=2),
    "changed line ends": vmdk.header(capacity=256, newlines=b"\n \n\n"),
    "no capacity": vmdk.header(capacity=0),
    "a monstrous capacity": vmdk.header(capacity=1 << 60),
    "a grain size of no power of two": vmdk.header(capacity=256, grain=100),
    "a grain size of zero": vmdk.header(capacity=256, grain=0),
    "a grain size of a gibibyte": vmdk.header(capacity=256, grain=1 << 21),
    "no entries in a table": vmdk.header(capacity=256, entries=0),
    "tables without end": vmdk.header(capacity=256, overhead=1 << 50),
}


@pytest.mark.parametrize("head", HEADERS.values(), ids=HEADERS.keys())
def test_header_out_of_bounds_is_refused_and_the_stream_closed(head: bytes) -> None:
    stream = AStream(capacity=256, header=head).open()
    with pytest.raises(StreamMalformed) as caught:
        StreamVmdkSource(stream)
    assert caught.value.code == "vmdk_header"
    assert stream.was_closed


GOOD = vmdk.grain(0, b"x" * GRAIN)
BOMB = zlib.compress(bytes(64 * MIB), 9)
FLIPPED = bytearray(vmdk.grain(0, random.Random(1).randbytes(GRAIN)))
FLIPPED[5000] ^= 1
RECORDS: dict[str, tuple[list[bytes], str]] = {
    "a bomb": ([vmdk.packed_grain(0, BOMB)], "vmdk_grain_too_large"),
    "a grain one byte too long": ([vmdk.grain(0, b"x" * (GRAIN + 1))], "vmdk_grain_too_large"),
    "a flipped bit": ([bytes(FLIPPED)], "vmdk_grain_corrupt"),
    "a grain that is cut inside": ([vmdk.packed_grain(0, zlib.compress(b"x" * GRAIN)[:-4])], "vmdk_grain_corrupt"),
    "a grain of no deflate": ([vmdk.packed_grain(0, b"no deflate at all")], "vmdk_grain_corrupt"),
    "a grain beyond the capacity": ([vmdk.grain(256, b"x")], "vmdk_beyond_capacity"),
    "a grain at the end of numbers": ([vmdk.grain((1 << 64) - 1, b"x")], "vmdk_beyond_capacity"),
    "the same grain twice": ([GOOD, GOOD], "vmdk_overlap"),
    "a grain across two places": ([vmdk.grain(64, b"x")], "vmdk_overlap"),
    "a grain of two gigabytes": ([vmdk.packed_grain(0, b"", size=1 << 31)], "vmdk_grain_too_large"),
    "an unknown marker": ([vmdk.marker(7)], "vmdk_marker"),
    "a huge table": ([vmdk.marker(1, 1 << 40)], "vmdk_marker"),
    "a huge directory": ([vmdk.marker(2, 1 << 62)], "vmdk_marker"),
    "a long footer": ([vmdk.marker(3, 9)], "vmdk_marker"),
    "a footer of another disk": ([vmdk.marker(3, 1, vmdk.header(capacity=512))], "vmdk_marker"),
    "an end with sectors": ([vmdk.marker(0, 3)], "vmdk_marker"),
}


@pytest.mark.parametrize(("records", "code"), RECORDS.values(), ids=RECORDS.keys())
def test_broken_record_is_refused_with_its_code_and_place(records: list[bytes], code: str) -> None:
    with pytest.raises(StreamMalformed, match=r"at byte \d+") as caught:
        read(AStream(capacity=256, records=records).open())
    assert caught.value.code == code


def test_descending_blocks_are_refused() -> None:
    records = [vmdk.grain(4096, b"x" * GRAIN), vmdk.grain(0, b"y" * GRAIN)]
    with pytest.raises(StreamMalformed) as caught:
        read(AStream(capacity=8192, records=records).open())
    assert caught.value.code == "vmdk_out_of_order"


def test_every_cut_of_a_stream_is_noticed() -> None:
    whole = vmdk.vmware_stream(a_disk(5 * GRAIN, seed=3))
    rnd = random.Random(5)
    for cut in [*range(0, len(whole) - 511, 4096), *(rnd.randrange(len(whole)) for _ in range(40)), len(whole) - 1]:
        with pytest.raises(StreamTruncated, match="ended at byte"):
            read(DribblingStream(whole[:cut]))


def test_stream_cut_and_filled_up_with_zeros_has_no_proven_end() -> None:
    whole = AStream(capacity=256, records=[GOOD], tail=b"").bytes()
    with pytest.raises(StreamTruncated, match="footer"):
        read(DribblingStream(whole + bytes(1 * MIB)))


def test_closed_source_neither_ends_like_a_whole_one_nor_starts_again() -> None:
    source = StreamVmdkSource(DribblingStream(vmdk.vmware_stream(a_disk(9 * MIB, seed=1))))
    extents = source.extents()
    next(extents)
    source.close()
    source.close()
    with pytest.raises(StreamLost, match="closed on this side"):
        list(extents)
    with pytest.raises(RuntimeError):
        next(source.extents())


def test_lost_line_is_told_apart_from_a_broken_file() -> None:
    class Breaking(DribblingStream):
        def readinto(self, buffer: memoryview) -> int:
            got = super().readinto(buffer)
            if not got:
                raise ConnectionResetError("reset by peer")
            return got

    with pytest.raises(StreamLost, match="reset by peer"):
        read(Breaking(vmdk.vmware_stream(a_disk(MIB, seed=1))[:-1024]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_flipped_bytes_end_in_an_answer_never_in_a_crash(data: st.DataObject) -> None:
    stream = bytearray(vmdk.vmware_stream(a_disk(8 * GRAIN, seed=9)))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        with contextlib.closing(StreamVmdkSource(DribblingStream(bytes(stream)))) as source:
            assert all(extent.offset_bytes + len(extent.data) <= source.capacity_bytes for extent in source.extents())
    except (StreamMalformed, StreamTruncated):
        return


INFLATERS = {"libdeflate": inflate.with_libdeflate(), "isal": inflate.with_isal(), "zlib": inflate.inflate_with_zlib}


@pytest.mark.parametrize("missing", [["deflate"], ["deflate", "isal"]])
def test_machine_without_the_fast_inflaters_reads_the_same_disk(monkeypatch: pytest.MonkeyPatch, missing: list[str]) -> None:
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)
    expected = "isal" if missing == ["deflate"] else "zlib"
    assert inflate.best_inflate().__name__ == f"inflate_with_{expected}"
    disk = a_disk(3 * MIB, seed=2)
    assert read(DribblingStream(vmdk.vmware_stream(disk))) == disk
    with pytest.raises(StreamMalformed):
        read(AStream(capacity=256, records=[vmdk.packed_grain(0, BOMB)]).open())


@pytest.mark.parametrize("name", INFLATERS)
@pytest.mark.parametrize(
    "packed",
    [BOMB, zlib.compress(b"x" * (GRAIN + 1)), b"", zlib.compress(b"x" * GRAIN)[:-2], zlib.compress(b"x" * GRAIN)[:-4] + b"over"],
)
def test_every_inflater_refuses_the_same_bytes(name: str, packed: bytes) -> None:
    with pytest.raises(inflate.InflateFailed):
        INFLATERS[name](memoryview(packed), GRAIN)


@pytest.mark.parametrize("name", INFLATERS)
@pytest.mark.parametrize("length", [0, 1, GRAIN - 1, GRAIN])
def test_every_inflater_gives_the_same_bytes_up_to_the_cap(name: str, length: int) -> None:
    plain = random.Random(length).randbytes(length)
    assert INFLATERS[name](memoryview(zlib.compress(plain)), GRAIN) == plain


def test_no_inflater_takes_more_memory_than_its_cap_for_a_bomb() -> None:
    for one in INFLATERS.values():
        tracemalloc.start()
        with contextlib.suppress(inflate.InflateFailed):
            one(memoryview(BOMB), GRAIN)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak_bytes < 2 * MIB
