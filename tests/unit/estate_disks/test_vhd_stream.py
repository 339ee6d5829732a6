"""A VHD that is read back as it comes: the disk it holds and nothing else, and no torn or forged one passes for a disk."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.disks import verify
from estate.disks.blockmap import BLOCK_BYTES
from estate.disks.errors import ReadBackMalformed, ReadBackShort
from estate.disks.files.vhd import VhdSink
from estate.disks.vhd_stream import VhdReadback
from tests.builders.disk_ends import MemoryReader
from tests.unit.estate_disks.test_verify_policy import hashes_of

BLOCKS = 6
CAPACITY = BLOCKS * BLOCK_BYTES
HEADER_AT, TABLE_AT = 512, 1536


def a_disk(present: list[int]) -> bytes:
    disk = bytearray(CAPACITY)
    for block in present:
        disk[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES] = bytes([block + 1]) * BLOCK_BYTES
    return bytes(disk)


def a_vhd(folder: Path, present: list[int]) -> bytearray:
    """As our own writer makes it: qemu-img is its referee elsewhere."""
    path, disk = folder / "disk.vhd", a_disk(present)
    path.unlink(missing_ok=True)
    sink = VhdSink(path, CAPACITY, sync=False)
    for block in present:
        sink.write(block * BLOCK_BYTES, disk[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES])
    sink.finish()
    return bytearray(path.read_bytes())


def read_whole(vhd: bytes | bytearray, piece_bytes: int = BLOCK_BYTES) -> bytes:
    reader, disk = VhdReadback(MemoryReader(bytes(vhd))), bytearray()
    while got := reader.read_into(memoryview(piece := bytearray(piece_bytes))):
        disk += piece[:got]
    return bytes(disk)


def summed(part: bytearray, checksum_at: int) -> bytes:
    struct.pack_into(">I", part, checksum_at, 0)
    struct.pack_into(">I", part, checksum_at, ~sum(part) & 0xFFFF_FFFF)
    return bytes(part)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(present=st.sets(st.integers(0, BLOCKS - 1)), piece_bytes=st.sampled_from([4096, 65536, 1 << 20, BLOCK_BYTES]))
def test_disk_comes_out_whatever_blocks_are_there(tmp_path: Path, present: set[int], piece_bytes: int) -> None:
    assert read_whole(a_vhd(tmp_path, sorted(present)), piece_bytes) == a_disk(sorted(present))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(present=st.sets(st.integers(0, BLOCKS - 1)), wrong=st.none() | st.integers(0, BLOCKS - 1))
def test_only_absent_blocks_are_passed_over_and_what_differs_is_found(
    tmp_path: Path, present: set[int], wrong: int | None
) -> None:
    """`wrong` is a block that the target has and the source has not, or the other way round."""
    written = sorted(present ^ ({wrong} if wrong is not None else set()))
    reader = VhdReadback(MemoryReader(bytes(a_vhd(tmp_path, written))))
    found = verify.read_back(reader, hashes_of(a_disk(sorted(present))), CAPACITY)
    expected = () if wrong is None else ((wrong * BLOCK_BYTES, (wrong + 1) * BLOCK_BYTES),)
    assert (found.mismatched_ranges, found.blocks_compared) == (expected, BLOCKS)


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="qemu-img is not installed")
def test_vhd_of_another_writer_is_read_too(tmp_path: Path) -> None:
    raw, vhd = tmp_path / "disk.raw", tmp_path / "disk.vpc"
    raw.write_bytes(a_disk([0, 2, 5]))
    subprocess.run(["qemu-img", "convert", "-O", "vpc", "-o", "force_size=on", raw, vhd], check=True, capture_output=True)
    assert read_whole(vhd.read_bytes()) == a_disk([0, 2, 5])


def test_sectors_that_the_bitmap_does_not_claim_are_zeros(tmp_path: Path) -> None:
    vhd = a_vhd(tmp_path, [1])
    place = struct.unpack_from(">I", vhd, TABLE_AT + 4)[0] * 512
    vhd[place] = 0x7F
    expected = bytearray(a_disk([1]))
    expected[BLOCK_BYTES : BLOCK_BYTES + 512] = bytes(512)
    assert read_whole(vhd) == expected
    assert read_whole(vhd, 1000) == expected


@pytest.mark.parametrize("cut", [0, 100, 511, 512, 1000, 1535, 1536, 1540, 4096, 1 << 20])
def test_stream_that_ends_early_is_short(tmp_path: Path, cut: int) -> None:
    with pytest.raises(ReadBackShort):
        read_whole(a_vhd(tmp_path, [0, 3])[:cut])


def test_block_that_is_cut_is_short(tmp_path: Path) -> None:
    vhd = a_vhd(tmp_path, [0, 3])
    place = struct.unpack_from(">I", vhd, TABLE_AT + 12)[0] * 512
    with pytest.raises(ReadBackShort, match=str(3 * BLOCK_BYTES + 100)):
        read_whole(vhd[: place + 512 + 100])


FIELDS = {
    "fixed": (60, ">I", 2),
    "differencing": (60, ">I", 4),
    "header behind us": (16, ">Q", 8),
    "header far away": (16, ">Q", 1 << 40),
    "small blocks": (HEADER_AT + 32, ">I", 512 << 10),
    "table too small": (HEADER_AT + 28, ">I", BLOCKS - 1),
    "table of all memory": (HEADER_AT + 28, ">I", 0xFFFF_FFFF),
    "table behind us": (HEADER_AT + 16, ">Q", 512),
    "no cookie": (0, ">B", 0),
    "no header": (HEADER_AT, ">B", 0),
    "block far away": (TABLE_AT + 12, ">I", 0x7FFF_FFFF),
    "block inside the table": (TABLE_AT, ">I", 1),
    "blocks in no order": (TABLE_AT, ">I", 0x4000),
}


def forged(vhd: bytearray, what: str) -> bytearray:
    """The VHD with one thing in it that no pool sends; all sums are right again."""
    at, layout, value = FIELDS[what]
    struct.pack_into(layout, vhd, at, value)
    vhd[:512] = summed(vhd[:512], 64)
    vhd[HEADER_AT : HEADER_AT + 1024] = summed(vhd[HEADER_AT : HEADER_AT + 1024], 36)
    return vhd


@pytest.mark.parametrize("what", FIELDS)
def test_forged_vhd_is_refused_with_its_place(tmp_path: Path, what: str) -> None:
    with pytest.raises(ReadBackMalformed, match=r"at byte \d+") as refused:
        read_whole(forged(a_vhd(tmp_path, [0, 3]), what))
    assert refused.value.next_step


@pytest.mark.parametrize("at", [70, HEADER_AT + 40])
def test_wrong_sum_is_refused(tmp_path: Path, at: int) -> None:
    vhd = a_vhd(tmp_path, [0])
    vhd[at] ^= 1
    with pytest.raises(ReadBackMalformed):
        read_whole(vhd)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 4096), flip=st.integers(1, 255))
def test_no_flipped_byte_in_front_of_the_blocks_passes_for_another_disk(tmp_path: Path, at: int, flip: int) -> None:
    """Sums guard footer and header; a table that lies is caught by the order of blocks, or shows as another disk."""
    vhd, disk = a_vhd(tmp_path, [0, 3]), a_disk([0, 3])
    vhd[at] ^= flip
    try:
        found = verify.read_back(VhdReadback(MemoryReader(bytes(vhd))), hashes_of(disk), CAPACITY)
    except (ReadBackMalformed, ReadBackShort):
        return
    assert not found.matched or read_whole(vhd) == disk
