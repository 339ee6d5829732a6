"""KMS numbers: thresholds, windows and intervals, each with its source. Arithmetic over them is in count.py and forecast.py.

A project may one day carry other values (`KmsPolicy` is a value), but none of them is a guess of ours unless it says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum


class Threshold(IntEnum):
    """The count a product demands before its KMS host activates it (field name: N); Office asks for 5 like a server.

    Source: Microsoft Learn, "KMS activation planning".
    """

    SERVER = 5
    CLIENT = 25


class MaxNRule(StrEnum):
    """How a host remembers the largest N asked of it. Microsoft documents the cache size only; sticky is the safer reading."""

    STICKY = "sticky"
    LIVE = "live"


# Application ids under which a host counts; Windows and Office never add up. Source: SoftwareLicensingProduct (MS Learn).
WINDOWS_APPLICATION_ID = "55c92734-d682-4d71-983e-d6ec3f16059f"
OFFICE_APPLICATION_ID = "0ff1ce15-a989-479d-af46-f275c6370663"

UPLOAD_LIMIT_BYTES = 20 * 1024 * 1024  # ours: a busy host's 35 days of events stay far below


@dataclass(frozen=True, slots=True)
class KmsPolicy:
    """The numbers the model runs on.

    Source: Microsoft Learn "KMS activation planning" (30-day cache, twice N kept, 180-day validity, renewal every 7 days,
    retry every 2 hours). `silent_after`, `stale_after` and `horizon` are Xenbound's own.
    """

    window: timedelta = timedelta(days=30)
    cap_factor: int = 2
    validity: timedelta = timedelta(days=180)
    renewal: timedelta = timedelta(days=7)
    retry: timedelta = timedelta(minutes=120)
    max_n_rule: MaxNRule = MaxNRule.STICKY
    silent_after: timedelta = timedelta(days=8)
    stale_after: timedelta = timedelta(hours=24)
    horizon: timedelta = timedelta(days=45)


DEFAULT_POLICY = KmsPolicy()


def margin(required_count: int) -> int:
    """How many clients above N still count as tight: a fifth of N, at least 2 (ours; N=5 -> 2, N=25 -> 5)."""
    return max(2, math.ceil(required_count / 5))
