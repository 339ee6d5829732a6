"""How much of a copied disk is compared, and that what is not compared is never called proven."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from estate.disks import pump, verify
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.verify import FULL, Share
from tests.builders.disk_ends import ListSource, MemoryReader, MemorySink

CAPACITY = 20 * BLOCK_BYTES + 512


def hashes_of(disk: bytes) -> BlockHashes:
    hashes = BlockHashes(len(disk))
    pump.copy(ListSource(len(disk), [(0, disk)]), MemorySink(len(disk)), block_hashes=hashes)
    return hashes


@given(percent=st.integers(1, 99), count=st.integers(1, 3000), seed=st.integers(0, 2**64))
def test_sample_is_spread_over_the_disk_and_has_its_ends(percent: int, count: int, seed: int) -> None:
    chosen = list(Share(percent).blocks(count, seed))
    assert chosen == sorted(set(chosen))
    assert {0, count - 1} <= set(chosen)
    wanted = -(-count * percent // 100)
    assert wanted <= len(chosen) + 1
    assert len(chosen) <= wanted + 2
    assert all(later - earlier < 2 * (100 // percent + 1) for earlier, later in itertools.pairwise(chosen))


def test_another_seed_looks_at_other_blocks() -> None:
    policy = Share(10)
    assert list(policy.blocks(1000, 1)) != list(policy.blocks(1000, 2))
    assert list(policy.blocks(1000, 1)) == list(policy.blocks(1000, 1))


def test_sampled_read_back_finds_damage_in_a_block_it_looks_at_and_tells_how_little_it_saw() -> None:
    disk = bytes(CAPACITY)
    policy = Share(25)
    chosen = list(policy.blocks(21, 7))
    damaged = bytearray(disk)
    for index in chosen[1:3]:
        damaged[index * BLOCK_BYTES + 9] = 1
    result = verify.read_back(MemoryReader(bytes(damaged)), hashes_of(disk), CAPACITY, share=policy, seed=7)
    assert [start // BLOCK_BYTES for start, _ in result.mismatched_ranges] == chosen[1:3]
    assert (result.blocks_compared, result.blocks_total) == (len(chosen), 21)
    assert not result.matched


def test_policy_off_reads_nothing_and_is_no_pass() -> None:
    reader = MemoryReader(b"")
    result = verify.read_back(reader, hashes_of(bytes(CAPACITY)), CAPACITY, share=Share(0))
    assert (result.bytes_passed, result.blocks_compared, result.matched) == (0, 0, False)
    assert reader.was_closed


def test_full_read_back_looks_at_every_block() -> None:
    disk = bytes(range(256)) * (CAPACITY // 256)
    result = verify.read_back(MemoryReader(disk), hashes_of(disk), CAPACITY, share=FULL)
    assert (result.bytes_passed, result.blocks_compared, result.matched) == (CAPACITY, 21, True)
