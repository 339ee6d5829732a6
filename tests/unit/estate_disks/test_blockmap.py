"""The block map: what it keeps, what it tells apart, and which stored bytes it refuses."""

from __future__ import annotations

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes, BlockMapUnreadable, hash_block


@given(
    blocks=st.integers(0, 40), tail=st.integers(1, BLOCK_BYTES), known=st.dictionaries(st.integers(0, 39), st.binary(min_size=1))
)
def test_stored_map_reads_back_the_same(blocks: int, tail: int, known: dict[int, bytes]) -> None:
    hashes = BlockHashes(blocks * BLOCK_BYTES + tail)
    for index, seed in known.items():
        if index < hashes.block_count:
            hashes.put(index, blake3(seed).digest())
    again = BlockHashes.from_bytes(hashes.to_bytes())
    assert again == hashes
    assert again.digest() == hashes.digest()


def test_empty_disk_of_a_tebibyte_is_stored_in_a_few_bytes() -> None:
    assert len(BlockHashes(1 << 40).to_bytes()) < 64


def test_digest_tells_apart_a_block_moved_and_a_disk_grown() -> None:
    first, second = BlockHashes(4 * BLOCK_BYTES), BlockHashes(4 * BLOCK_BYTES)
    first.put(1, b"\x01" * 32)
    second.put(2, b"\x01" * 32)
    assert (
        len({first.digest(), second.digest(), BlockHashes(4 * BLOCK_BYTES).digest(), BlockHashes(3 * BLOCK_BYTES).digest()}) == 4
    )


def test_digest_of_a_beginning_does_not_depend_on_what_follows() -> None:
    one, other = BlockHashes(4 * BLOCK_BYTES), BlockHashes(9 * BLOCK_BYTES)
    for hashes in (one, other):
        hashes.put(0, b"\x07" * 32)
    other.put(5, b"\x08" * 32)
    assert one.digest(2 * BLOCK_BYTES) == other.digest(2 * BLOCK_BYTES)
    with pytest.raises(ValueError, match="edge of a block"):
        one.digest(BLOCK_BYTES + 1)


def test_last_block_is_hashed_over_its_true_length() -> None:
    assert BlockHashes(BLOCK_BYTES + 512).length_of(1) == 512
    assert hash_block(b"x" * 512) == blake3(b"x" * 512).digest()
    assert hash_block(bytes(512)) is None


@pytest.mark.parametrize("index", [-1, 2])
def test_block_outside_the_disk_is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        BlockHashes(2 * BLOCK_BYTES).put(index, None)


def test_cut_or_foreign_bytes_are_no_map() -> None:
    hashes = BlockHashes(3 * BLOCK_BYTES)
    hashes.put(1, b"\x01" * 32)
    stored = hashes.to_bytes()
    for cut in (0, 3, 10, len(stored) - 1, len(stored) - 33):
        with pytest.raises(BlockMapUnreadable):
            BlockHashes.from_bytes(stored[:cut])
    with pytest.raises(BlockMapUnreadable):
        BlockHashes.from_bytes(b"ZZZZ" + stored[4:])
