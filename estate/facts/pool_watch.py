"""Where a watch of a pool stands between two looks: what has to be kept so that the next one learns what moved since."""

from __future__ import annotations

from msgspec import Struct, field


class PoolStanding(Struct, frozen=True):
    """`token` is event.from's, good at `coordinator` (its address) alone.

    `seen` holds a digest of the watched fields of each object by `class/reference`, `messages` the uuids of the last hour's
    messages; None where they could not be read.
    """

    coordinator: str = ""
    token: str = ""
    seen: dict[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] | None = None


class PoolMoves(Struct, frozen=True):
    """What one look found: where the watch stands now, and what moved, in words; empty when nothing did that is watched."""

    standing: PoolStanding
    reasons: tuple[str, ...] = ()
