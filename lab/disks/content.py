"""Seeded file contents: bytes that look like a server's files to a compressor.

Every 4 KiB block carries its file's name and its own number, so that no two blocks of a world are alike and a block
that lands in the wrong place is seen at once. File systems are fat.py's business.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from enum import Enum

BLOCK_BYTES = 4096
PIECE_BLOCKS = 64
TILE_BYTES = 1 << 20
VOCABULARY = (
    "the event log of service host started with state running and user session on volume path system error code "
    "network adapter address lease renewed after minutes while backup of database table index page was written to "
    "disk queue depth latency warning retry accepted connection closed by peer certificate issued policy applied"
)
WORDS = tuple(VOCABULARY.split())


class Texture(Enum):
    """What a file's bytes are like: text packs about 3:1, program code about 2:1, media not at all."""

    TEXT = "text"
    CODE = "code"
    MEDIA = "media"


def file_pieces(seed: int, name: str, size_bytes: int, texture: Texture) -> Iterator[bytes]:
    """Yield the bytes of file `name` in pieces of up to 256 KiB; the same arguments give the same bytes."""
    tile = _tile(seed, texture)
    stamp = f"[{seed}:{name}:".encode()
    blocks = -(-size_bytes // BLOCK_BYTES)
    left = size_bytes
    for first in range(0, blocks, PIECE_BLOCKS):
        piece = b"".join(_block(tile, stamp, number) for number in range(first, min(first + PIECE_BLOCKS, blocks)))
        yield piece[:left]
        left -= len(piece)


def _block(tile: bytes, stamp: bytes, number: int) -> bytes:
    head = b"%s%08d]" % (stamp, number)
    # A stride coprime to the tile walks all offsets, so neighbours share no run a 32 KiB window could find.
    start = (number * 40503 * 21 + len(stamp) * 977) % (TILE_BYTES - BLOCK_BYTES)
    return head + tile[start : start + BLOCK_BYTES - len(head)]


@functools.lru_cache(maxsize=12)
def _tile(seed: int, texture: Texture) -> bytes:
    noise = hashlib.shake_256(f"{seed}:{texture.value}".encode()).digest(TILE_BYTES)
    if texture is Texture.MEDIA:
        return noise
    if texture is Texture.CODE:
        return b"".join(noise[i : i + 48] + noise[:40] + b"\0" * 8 for i in range(0, TILE_BYTES, 96))[:TILE_BYTES]
    words = [WORDS[byte % len(WORDS)].encode() + b" " + b"%02x" % byte for byte in noise[: TILE_BYTES // 6]]
    return b" ".join(words)[:TILE_BYTES].ljust(TILE_BYTES, b"\n")
