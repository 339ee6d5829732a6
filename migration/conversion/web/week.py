"""A week of bandwidth as a picture: a row for each day, a stretch for each time under one limit, darker where it is lower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from migration.conversion.core.bandwidth import DAYS, MINUTES_A_DAY, Window, limit_at

DAY_WIDTH, ROW_HEIGHT, LEFT, TOP = 576, 18, 44, 20
MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall clock's time, of any week
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of one day under one limit. `strength` is 0 to 100; `words` say it for a tooltip."""

    x: float
    y: int
    width: float
    height: int
    strength: int
    words: str


@dataclass(frozen=True, slots=True)
class Week:
    """All that the picture shows, in its own units."""

    width: int
    height: int
    days: tuple[tuple[str, int], ...]
    hours: tuple[tuple[str, int], ...]
    stretches: tuple[Stretch, ...]


def week_of(windows: Iterable[Window], pool: str) -> Week:
    """The limits of a pool (those of every pool for an empty name) over a week."""
    held = tuple(windows)
    lowest = min((window.bytes_per_s for window in held if window.pool in ("", pool)), default=1)
    return Week(
        width=LEFT + DAY_WIDTH + 12,
        height=TOP + len(DAYS) * ROW_HEIGHT + 4,
        days=tuple((day, TOP + number * ROW_HEIGHT + 13) for number, day in enumerate(DAYS)),
        hours=tuple((f"{hour:02}", LEFT + hour * DAY_WIDTH // 24) for hour in range(0, 25, 3)),
        stretches=tuple(each for number in range(len(DAYS)) for each in _day(held, pool, number, lowest)),
    )


def _day(windows: tuple[Window, ...], pool: str, number: int, lowest: int) -> Iterator[Stretch]:
    """Between two minutes at which a row begins or ends nothing changes."""
    edges = sorted({0, MINUTES_A_DAY, *(edge for window in windows for edge in (window.from_minute, window.to_minute))})
    midnight = MONDAY + timedelta(days=number)
    parts = [(begin, end, limit_at(windows, midnight + timedelta(minutes=begin), pool)) for begin, end in pairwise(edges)]
    for limit, same in groupby(parts, key=lambda part: part[2]):
        together = list(same)
        yield _stretch(number, together[0][0], together[-1][1], limit, lowest)


def _stretch(number: int, begin: int, end: int, limit: int | None, lowest: int) -> Stretch:
    what = "no limit" if limit is None else f"{limit / MIB:g} MiB a second"
    return Stretch(
        x=round(LEFT + begin * DAY_WIDTH / MINUTES_A_DAY, 1),
        y=TOP + number * ROW_HEIGHT,
        width=round((end - begin) * DAY_WIDTH / MINUTES_A_DAY, 1),
        height=ROW_HEIGHT - 2,
        strength=0 if limit is None else max(25, round(100 * lowest / limit)),
        words=f"{DAYS[number]} {_clock(begin)} to {_clock(end)}: {what}",
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
