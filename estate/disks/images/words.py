"""Little-endian numbers of tables, whatever the machine's own order is."""

from __future__ import annotations

import sys
from array import array


def words32(packed: bytes | bytearray) -> array[int]:
    """Unsigned numbers of 4 bytes."""
    return _words("I", packed)


def words64(packed: bytes | bytearray) -> array[int]:
    """Unsigned numbers of 8 bytes."""
    return _words("Q", packed)


def _words(kind: str, packed: bytes | bytearray) -> array[int]:
    words: array[int] = array(kind)
    words.frombytes(packed)
    if sys.byteorder == "big":
        words.byteswap()
    return words
