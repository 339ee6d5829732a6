"""How good a count is for an N, and the alarm that does not flap around it.

KMS itself has no hysteresis: 25 to 24 switches at once. The hysteresis is ours and belongs to the alarm only.
"""

from __future__ import annotations

from enum import StrEnum

from kms.core.policy import margin


class Level(StrEnum):
    """A count against an N. PARTIAL: the projected bounds lie on both sides of N. UNKNOWN: no fresh figure."""

    LOW = "low"
    TIGHT = "tight"
    OK = "ok"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


def level_of(count: int, required_count: int) -> Level:
    """The level of one known count, without memory: low below N, tight below N + margin, else ok."""
    if count < required_count:
        return Level.LOW
    return Level.TIGHT if count < required_count + margin(required_count) else Level.OK


def next_alarm(previous: Level, count: int, required_count: int) -> Level:
    """The alarm after one more count: worse at once, better only with one client to spare.

    `low` is left at N + 1, `ok` is regained at N + margin + 1.
    """
    plain = level_of(count, required_count)
    if previous is Level.LOW and count < required_count + 1:
        return Level.LOW
    regains_ok = previous in (Level.LOW, Level.TIGHT) and plain is Level.OK
    if regains_ok and count < required_count + margin(required_count) + 1:
        return Level.TIGHT
    return plain
