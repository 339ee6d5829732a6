"""How fast bytes may go to a pool and back: a table of times of day, the pace of one stream. Pure; the time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
SLOWEST_BYTES_PER_S = 64 << 10
"""Below this a segment would outlive every deadline of the pool."""
BURST_S = 0.25
QUARTER_S = 900
QUARTERS_A_WEEK = 7 * 24 * 4
_A_MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a local time of no place: only its weekday and hour count


@dataclass(frozen=True, slots=True)
class Window:
    """A limit between two minutes of the day, also over midnight (then the day is the one it begins on).

    Equal minutes mean the whole day. Without a `pool` it holds for every pool of the project.
    """

    bytes_per_s: int
    days: frozenset[str] = frozenset(DAYS)
    from_minute: int = 0
    to_minute: int = 0
    pool: str = ""

    def covers(self, local: datetime) -> bool:
        """Whether it holds at this local time."""
        minute, today = local.hour * 60 + local.minute, local.weekday()
        length = (self.to_minute - self.from_minute) % MINUTES_A_DAY or MINUTES_A_DAY
        since = (minute - self.from_minute) % MINUTES_A_DAY
        began = today if minute >= self.from_minute else (today - 1) % 7
        return since < length and DAYS[began] in self.days


def limit_at(windows: Iterable[Window], local: datetime, pool: str) -> int | None:
    """Bytes a second to this pool at this local time: the smallest that holds; None without one."""
    return min((each.bytes_per_s for each in windows if each.pool in ("", pool) and each.covers(local)), default=None)


def lanes_at_once(disks: int, *, machines_at_once: int, disks_at_once: int) -> int:
    """How many of so many disks may share a limit: what one worker takes at once, at least one."""
    return max(1, min(disks, machines_at_once * disks_at_once))


def bytes_until_read_back(largest_bytes: int, others_bytes: int, lanes: int) -> int:
    """What may cross a shared limit until the largest disk is read back: as much of each lane, at most everything there is.

    `others_bytes` are all other disks; each of them is sent and read back.
    """
    return min(largest_bytes * lanes, largest_bytes + 2 * others_bytes)


def longest_s(windows: Iterable[Window], pool: str, length_bytes: int, *, most_s: float) -> float:
    """How long so many bytes take if they begin at the worst quarter of an hour of a week; `most_s` if it is that or more."""
    table = tuple(windows)
    rates = [limit_at(table, _A_MONDAY + timedelta(seconds=QUARTER_S * quarter), pool) for quarter in range(QUARTERS_A_WEEK)]
    return max(_takes_s(rates, begin, length_bytes, most_s) for begin in range(QUARTERS_A_WEEK))


def _takes_s(rates: Sequence[int | None], begin: int, length_bytes: int, most_s: float) -> float:
    left, took_s = float(length_bytes), 0.0
    while took_s < most_s:
        rate = rates[(begin + int(took_s // QUARTER_S)) % QUARTERS_A_WEEK]
        if rate is None:
            return took_s
        if left <= rate * QUARTER_S:
            return min(most_s, took_s + left / rate)
        left -= rate * QUARTER_S
        took_s += QUARTER_S
    return most_s


def windows_from(rows: Iterable[Mapping[str, Any]]) -> tuple[Window, ...]:
    """From their stored form `{bytes_per_s, days?, from?, to?, pool?}`; times are `HH:MM`."""
    return tuple(
        Window(
            bytes_per_s=row["bytes_per_s"],
            days=frozenset(row.get("days") or DAYS),
            from_minute=minute_of(row.get("from") or "00:00"),
            to_minute=minute_of(row.get("to") or "00:00"),
            pool=row.get("pool") or "",
        )
        for row in rows
    )


def minute_of(text: str) -> int:
    """Minute of the day of `HH:MM`; 24:00 is 0. Raises: ValueError."""
    hours, _, minutes = text.partition(":")
    if not (text.isascii() and len(hours) == len(minutes) == 2 and f"{hours}{minutes}".isdecimal() and int(minutes) < 60):
        raise ValueError(f"{text!r} is no time of day; write HH:MM.")
    if int(hours) > 24 or (int(hours) == 24 and int(minutes)):
        raise ValueError(f"{text!r} is no time of day; the last one is 24:00.")
    return (int(hours) * 60 + int(minutes)) % MINUTES_A_DAY


@dataclass(slots=True)
class Pace:
    """Keeps one stream at a rate: told of every byte, it says how long to pause. A pause before is not made up for by a burst.

    What is owed are bytes, so that a rate that changes within a pause changes the rest of it.
    """

    _owed_bytes: float = 0.0
    _at_s: float = float("-inf")

    def pause_s(self, length_bytes: int, bytes_per_s: float, now_s: float) -> float:
        """Seconds to wait before the next bytes, at this rate from now on, after `length_bytes` more went at `now_s`."""
        paid_bytes = (now_s - self._at_s) * bytes_per_s
        self._owed_bytes = max(self._owed_bytes - paid_bytes, -BURST_S * bytes_per_s) + length_bytes
        self._at_s = now_s
        return max(0.0, self._owed_bytes / bytes_per_s)
