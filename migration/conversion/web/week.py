"""A week of bandwidth as a picture: a row for each day, a cell for each half hour, darker where the limit is lower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from migration.conversion.core.bandwidth import DAYS, Window, limit_at

CELL_MINUTES = 30
CELLS_A_DAY = 24 * 60 // CELL_MINUTES
CELL_WIDTH, CELL_HEIGHT, LEFT, TOP = 12, 18, 44, 20
MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall clock's time, of any week
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring half hours of one day under one limit. `strength` is 0 to 100; `words` say it for a tooltip."""

    x: int
    y: int
    width: int
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
        width=LEFT + CELLS_A_DAY * CELL_WIDTH + 12,
        height=TOP + len(DAYS) * CELL_HEIGHT + 4,
        days=tuple((day, TOP + number * CELL_HEIGHT + 13) for number, day in enumerate(DAYS)),
        hours=tuple((f"{hour:02}", LEFT + hour * 2 * CELL_WIDTH) for hour in range(0, 25, 3)),
        stretches=tuple(each for number in range(len(DAYS)) for each in _day(held, pool, number, lowest)),
    )


def _day(windows: tuple[Window, ...], pool: str, number: int, lowest: int) -> Iterator[Stretch]:
    midnight = MONDAY + timedelta(days=number)
    limits = [limit_at(windows, midnight + timedelta(minutes=CELL_MINUTES * cell), pool) for cell in range(CELLS_A_DAY)]
    begin = 0
    for limit, same in groupby(limits):
        end = begin + len(list(same))
        yield _stretch(DAYS[number], number, begin, end, limit, lowest)
        begin = end


def _stretch(day: str, number: int, begin: int, end: int, limit: int | None, lowest: int) -> Stretch:
    what = "no limit" if limit is None else f"{limit / MIB:g} MiB a second"
    return Stretch(
        x=LEFT + begin * CELL_WIDTH,
        y=TOP + number * CELL_HEIGHT,
        width=(end - begin) * CELL_WIDTH,
        height=CELL_HEIGHT - 2,
        strength=0 if limit is None else max(25, round(100 * lowest / limit)),
        words=f"{day} {_clock(begin)} to {_clock(end)}: {what}",
    )


def _clock(cell: int) -> str:
    minutes = cell * CELL_MINUTES
    return f"{minutes // 60:02}:{minutes % 60:02}"
