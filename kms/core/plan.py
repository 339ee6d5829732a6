"""What is going to happen to a host and its clients: moves, departures, rebuilds from an image, the host's own move.

Values only. Where nobody knows what becomes of a CMID, forecast.py computes both ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CmidPolicy(StrEnum):
    """What becomes of a client's CMID when its machine moves. UNKNOWN computes both."""

    PRESERVED = "preserved"
    REGENERATED = "regenerated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """A client's machine comes up on the new pool at `at` and asks its KMS host again."""

    cmid: str
    at: datetime
    cmid_policy: CmidPolicy = CmidPolicy.UNKNOWN


@dataclass(frozen=True, slots=True)
class Departure:
    """A client is switched off for good at `at`: it renews no more and is forgotten 30 days after its last contact."""

    cmid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A client's machine is replaced at `at` by one made from a gold image.

    `generalised`: the new machine makes a CMID of its own. False: all machines of `image` share one and count once.
    None: nobody knows, both are computed.
    """

    cmid: str
    at: datetime
    image: str
    generalised: bool | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to happen. `host_moves_at`: the KMS host itself moves then, and its cache may be lost with it.

    Source for the lost cache: none that confirms or denies it, so the lower bound counts from 0 again.
    """

    moves: tuple[PlannedMove, ...] = ()
    departures: tuple[Departure, ...] = ()
    rebuilds: tuple[Rebuild, ...] = ()
    host_moves_at: datetime | None = None
