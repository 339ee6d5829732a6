"""When something that is done by schedule is due again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

SLACK = timedelta(minutes=5)  # ours: turns are looked for once an hour, and one a little early must not wait for the next hour


def is_due(asked_at: datetime | None, every_hours: int, at: datetime) -> bool:
    """Whether a turn every `every_hours` is due at `at`; 0 is never, and what was never asked for is due at once."""
    if every_hours <= 0:
        return False
    return asked_at is None or asked_at + timedelta(hours=every_hours) - SLACK <= at
