"""Hashes of a virtual disk, one per 2 MiB block: what a copy is proven with.

The map does not depend on the order in which blocks arrive, names the damaged block, and can be kept as bytes.
Reading and writing disks is not done in here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from blake3 import blake3

BLOCK_BYTES = 2 << 20
DIGEST_BYTES = blake3.digest_size
ZERO_BLOCK = bytes(BLOCK_BYTES)

_NO_DIGEST = bytes(DIGEST_BYTES)
"""Stands for a block of zeros. No real hash looks like this (chance 2**-256)."""
_CHUNK_BLOCKS = 256
_CHUNK_BYTES = _CHUNK_BLOCKS * DIGEST_BYTES
_ZERO_CHUNK = bytes(_CHUNK_BYTES)
_HEADER = struct.Struct("<4sIQ")
_RUN = struct.Struct("<II")
_MAGIC = b"XBH1"


class BlockMapUnreadable(ValueError):
    """Stored bytes that are not a block map of this kind."""


def hash_block(block: bytearray | bytes) -> bytes | None:
    """BLAKE3 of a block's bytes, or None when all of them are zero."""
    if block == ZERO_BLOCK or (len(block) < BLOCK_BYTES and block == ZERO_BLOCK[: len(block)]):
        return None
    return blake3(block).digest()


class BlockHashes:
    """BLAKE3 per block of a disk of `capacity_bytes`; the last block is hashed over its true length.

    Blocks never put are blocks of zeros. `put` may be called from several threads, each block once.
    Memory: 32 bytes per block, in chunks that exist only where the disk has data.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.block_count = -(-capacity_bytes // BLOCK_BYTES)
        self._chunks: dict[int, bytearray] = {}

    def length_of(self, index: int) -> int:
        """True length in bytes of block `index`."""
        return min(BLOCK_BYTES, self.capacity_bytes - index * BLOCK_BYTES)

    def put(self, index: int, digest: bytes | None) -> None:
        """Note the hash of a block; None says that it is all zeros."""
        if not 0 <= index < self.block_count:
            raise IndexError(f"block {index} lies outside a disk of {self.block_count} blocks")
        number, start = _place(index)
        chunk = self._chunks.get(number)
        if chunk is None:
            if digest is None:
                return
            chunk = self._chunks.setdefault(number, bytearray(_CHUNK_BYTES))
        chunk[start : start + DIGEST_BYTES] = digest or _NO_DIGEST

    def get(self, index: int) -> bytes | None:
        """The hash of a block, None for zeros."""
        number, start = _place(index)
        chunk = self._chunks.get(number)
        digest = bytes(chunk[start : start + DIGEST_BYTES]) if chunk else _NO_DIGEST
        return None if digest == _NO_DIGEST else digest

    def digest(self, upto_bytes: int | None = None) -> str:
        """Hash (hex) over the map, or over the blocks in front of `upto_bytes` (a whole number of blocks)."""
        end = self.capacity_bytes if upto_bytes is None else min(upto_bytes, self.capacity_bytes)
        if end != self.capacity_bytes and end % BLOCK_BYTES:
            raise ValueError(f"{end} is not the edge of a block")
        hasher = blake3(_HEADER.pack(_MAGIC, BLOCK_BYTES, end))
        rest = -(-end // BLOCK_BYTES) * DIGEST_BYTES
        for number in range(-(-rest // _CHUNK_BYTES)):
            hasher.update(memoryview(self._chunks.get(number, _ZERO_CHUNK))[: rest - number * _CHUNK_BYTES])
        return hasher.hexdigest()

    def data_blocks(self) -> Iterator[int]:
        """Indexes of the blocks that are not all zero."""
        for number in sorted(self._chunks):
            first = number * _CHUNK_BLOCKS
            yield from (index for index in range(first, first + _CHUNK_BLOCKS) if self.get(index) is not None)

    def to_bytes(self) -> bytes:
        """The map in a compact form: runs of blocks with data, nothing for zeros."""
        parts = [_HEADER.pack(_MAGIC, BLOCK_BYTES, self.capacity_bytes)]
        for start, count in _runs(self.data_blocks()):
            parts.append(_RUN.pack(start, count))
            parts += [self.get(index) or _NO_DIGEST for index in range(start, start + count)]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, stored: bytes) -> BlockHashes:
        """The map that `to_bytes` stored.

        Raises:
            BlockMapUnreadable: the bytes are cut, damaged or of another kind.
        """
        try:
            magic, block_bytes, capacity_bytes = _HEADER.unpack_from(stored)
            if (magic, block_bytes) != (_MAGIC, BLOCK_BYTES):
                raise BlockMapUnreadable("these bytes are not a block map of 2 MiB blocks")
            hashes = cls(capacity_bytes)
            hashes._load_runs(stored)
        except (struct.error, MemoryError) as error:
            raise BlockMapUnreadable(f"the block map is cut short or damaged: {error}") from error
        return hashes

    def _load_runs(self, stored: bytes) -> None:
        position = _HEADER.size
        while position < len(stored):
            start, count = _RUN.unpack_from(stored, position)
            position += _RUN.size
            run = stored[position : position + count * DIGEST_BYTES]
            if start + count > self.block_count or len(run) != count * DIGEST_BYTES:
                raise BlockMapUnreadable("a run of the block map does not fit")
            for number in range(count):
                self.put(start + number, run[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES])
            position += len(run)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BlockHashes):
            return NotImplemented
        return self.capacity_bytes == other.capacity_bytes and self.digest() == other.digest()

    __hash__ = None  # type: ignore[assignment]  # it changes while a disk is read


class BlockHasher:
    """Feeds a map from ascending extents of any size: for sources that do not hash on their own threads."""

    def __init__(self, hashes: BlockHashes) -> None:
        self._hashes = hashes
        self._index = -1
        self._block = bytearray(BLOCK_BYTES)
        self._filled = 0

    def feed(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Take the next bytes; what was never fed counts as zeros."""
        view = memoryview(data)
        while len(view):
            index, start = divmod(offset_bytes, BLOCK_BYTES)
            if index != self._index:
                self.flush()
                self._index = index
            piece = view[: BLOCK_BYTES - start]
            self._block[self._filled : start] = ZERO_BLOCK[self._filled : start]
            self._block[start : start + len(piece)] = piece
            self._filled = start + len(piece)
            offset_bytes += len(piece)
            view = view[len(piece) :]

    def flush(self) -> None:
        """Note the block that is being filled; what follows in it counts as zeros."""
        if self._index >= 0:
            length = self._hashes.length_of(self._index)
            self._block[self._filled :] = ZERO_BLOCK[self._filled :]
            block = self._block if length == BLOCK_BYTES else self._block[:length]
            self._hashes.put(self._index, hash_block(block))
        self._index, self._filled = -1, 0


def _place(index: int) -> tuple[int, int]:
    number, within = divmod(index, _CHUNK_BLOCKS)
    return number, within * DIGEST_BYTES


def _runs(indexes: Iterator[int]) -> Iterator[tuple[int, int]]:
    start = count = 0
    for index in indexes:
        if count and index == start + count:
            count += 1
            continue
        if count:
            yield start, count
        start, count = index, 1
    if count:
        yield start, count
