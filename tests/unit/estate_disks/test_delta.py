"""Changed extents onto a disk that is there: afterwards it equals the source, and nothing else of it was touched."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.disks import delta, pump
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.images import LocalFolder, open_raw
from tests.builders.disk_ends import ListSource, MemorySink

KIB = 1024
CAPACITY = 9 * BLOCK_BYTES + 5 * 512


def hashes_of(disk: bytes) -> BlockHashes:
    hashes = BlockHashes(len(disk))
    pump.copy(ListSource(len(disk), [(0, disk)]), MemorySink(len(disk)), block_hashes=hashes)
    return hashes


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_disk_with_its_changes_written_equals_the_changed_source(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    before = rnd.randbytes(CAPACITY)
    after, changed = bytearray(before), []
    for _ in range(rnd.randrange(1, 25)):
        start = rnd.randrange(CAPACITY // 512) * 512
        end = min(CAPACITY, start + rnd.choice([512, 4096, 64 * KIB, 3 * BLOCK_BYTES]))
        after[start:end] = bytes(end - start) if rnd.random() < 0.4 else rnd.randbytes(end - start)
        changed.append((start, end))
    (tmp_path / "disk.raw").write_bytes(after)
    target, hashes = MemorySink(CAPACITY, disk=bytearray(before)), hashes_of(before)
    image = open_raw(LocalFolder(tmp_path), "disk.raw")
    stats = delta.write(image, changed, target, block_hashes=hashes)
    assert target.disk == after
    assert target.finished
    allowed = delta.merged(changed, CAPACITY)
    assert all(any(low <= at and at + length <= high for low, high in allowed) for at, length in target.writes)
    assert stats.bytes_sent == sum(high - low for low, high in allowed)
    image = open_raw(LocalFolder(tmp_path), "disk.raw")
    delta.rehash(image, delta.stale_blocks(changed, hashes), hashes)
    image.close()
    assert hashes == hashes_of(bytes(after))


def test_near_ranges_become_one_and_distant_ones_stay_apart() -> None:
    ranges = [(4 * BLOCK_BYTES, 4 * BLOCK_BYTES + 512), (0, 4096), (64 * KIB, 68 * KIB), (300 * KIB, 304 * KIB)]
    assert delta.merged(ranges, CAPACITY) == [(0, 68 * KIB), (300 * KIB, 304 * KIB), (4 * BLOCK_BYTES, 4 * BLOCK_BYTES + 4096)]
    assert delta.merged([(CAPACITY - 512, CAPACITY)], CAPACITY) == [(CAPACITY - 2560, CAPACITY)]
    assert delta.merged([], CAPACITY) == []


@pytest.mark.parametrize("wrong", [(0, CAPACITY + 1), (5, 5), (9, 3), (-1, 4)])
def test_range_that_cannot_be_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="outside"):
        delta.merged([wrong], CAPACITY)


def test_blocks_that_ranges_cover_wholly_are_not_stale() -> None:
    changed = [(0, BLOCK_BYTES), (BLOCK_BYTES * 2 + 4096, 5 * BLOCK_BYTES), (9 * BLOCK_BYTES, CAPACITY)]
    assert delta.stale_blocks(changed, BlockHashes(CAPACITY)) == [2]


def test_many_thousand_ranges_take_no_time_that_grows_with_their_square(tmp_path: Path) -> None:
    capacity = 512 << 20
    with (tmp_path / "disk.raw").open("wb") as disk:
        disk.truncate(capacity)
    changed = [(at, at + 4096) for at in range(0, capacity, 128 * KIB)]
    sink = MemorySink(0, disk=bytearray(capacity))
    image = open_raw(LocalFolder(tmp_path), "disk.raw")
    stats = delta.write(image, changed, sink, block_hashes=BlockHashes(capacity))
    assert stats.bytes_sent == 4096 * len(changed)
