"""How much of a copied disk is read back and compared: all of it, a share of its blocks, or nothing; as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_SAMPLED = re.compile(r"sampled[ :]?\s*(\d{1,2})\s*%?", re.ASCII)

COMPARED_BYTES = 2 << 20
"""What is hashed and compared as one, of every disk."""


class Level(StrEnum):
    FULL = "full"
    SAMPLED = "sampled"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """`percent` of the blocks are compared where it is sampled; 100 for full, 0 for off."""

    level: Level
    percent: int

    def __str__(self) -> str:
        return f"sampled {self.percent} %" if self.level is Level.SAMPLED else self.level.value


FULL = VerifyPolicy(Level.FULL, 100)
OFF = VerifyPolicy(Level.OFF, 0)


def blocks_of(size_bytes: int) -> int:
    """How many blocks a disk of this size has."""
    return -(-size_bytes // COMPARED_BYTES)


def policy_from(text: str) -> VerifyPolicy:
    """`full`, `off`, or `sampled N %` with N from 1 to 99. Raises: ValueError with a sentence."""
    wanted = text.strip().lower()
    if wanted == Level.FULL:
        return FULL
    if wanted == Level.OFF:
        return OFF
    sampled = _SAMPLED.fullmatch(wanted)
    if sampled is None or int(sampled.group(1)) == 0:
        raise ValueError(f"{text!r} is no verify policy; write full, off, or sampled and a share such as sampled 10 %.")
    return VerifyPolicy(Level.SAMPLED, int(sampled.group(1)))
