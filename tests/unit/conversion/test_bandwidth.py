"""The table of times of day, and the pace it makes of a limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from migration.conversion.core.bandwidth import (
    Pace,
    bytes_until_read_back,
    lanes_at_once,
    limit_at,
    longest_s,
    minute_of,
    windows_from,
)

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WORK = {"bytes_per_s": 10, "days": ["mon", "tue"], "from": "08:00", "to": "18:00"}
NIGHT = {"bytes_per_s": 50, "days": ["mon"], "from": "22:00", "to": "06:00"}
CASES = [
    (7, 59, None), (8, 0, 10), (17, 59, 10), (18, 0, None), (22, 0, 50), (24 + 5, 59, 50), (24 + 6, 0, None), (24 + 9, 0, 10),
    (48 + 9, 0, None), (48 + 2, 0, None),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "minutes", "limit"), CASES)
def test_windows_hold_on_their_days_also_over_midnight(hours: int, minutes: int, limit: int | None) -> None:
    at = MONDAY + timedelta(hours=hours, minutes=minutes)
    assert limit_at(windows_from([WORK, NIGHT]), at, "p") == limit


def test_a_window_of_sunday_night_reaches_into_monday() -> None:
    sunday = windows_from([{"bytes_per_s": 1, "days": ["sun"], "from": "23:00", "to": "01:00"}])
    assert limit_at(sunday, MONDAY + timedelta(minutes=30), "p") == 1
    assert limit_at(sunday, MONDAY + timedelta(hours=2), "p") is None


def test_the_smallest_limit_counts_and_another_pools_does_not() -> None:
    table = windows_from([{"bytes_per_s": 9}, {"bytes_per_s": 5, "pool": "p"}, {"bytes_per_s": 1, "pool": "q"}])
    assert (limit_at(table, MONDAY, "p"), limit_at(table, MONDAY, "r")) == (5, 9)


@pytest.mark.parametrize("text", ["8:00", "25:00", "24:01", "12:60", "noon", "", "12-30", "1２:00", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        minute_of(text)


def test_24_o_clock_is_midnight() -> None:
    assert minute_of("24:00") == 0


def test_a_pace_keeps_the_rate_over_time() -> None:
    pace, now_s = Pace(), 0.0
    for _ in range(100):
        now_s += pace.pause_s(1000, 10_000, now_s)
    assert now_s == pytest.approx(100 * 1000 / 10_000, abs=0.3)


def test_a_pause_is_not_made_up_for_by_a_burst() -> None:
    pace = Pace()
    pace.pause_s(1000, 1000, 0.0)
    assert pace.pause_s(1000, 1000, 1000.0) == pytest.approx(0.75)


def test_a_rate_that_changes_within_a_pause_changes_what_is_left_of_it() -> None:
    pace = Pace()
    assert pace.pause_s(10_250, 1000, 0.0) == pytest.approx(10)
    assert pace.pause_s(0, 1000, 4.0) == pytest.approx(6)
    assert pace.pause_s(0, 100, 4.0) == pytest.approx(60)
    assert pace.pause_s(0, 6000, 4.0) == pytest.approx(1)
    assert pace.pause_s(0, 6000, 9.0) == 0


@pytest.mark.parametrize(("disks", "at_once", "lanes"), [(0, 2, 1), (1, 2, 1), (3, 2, 3), (4, 2, 4), (9, 2, 4), (99, 8, 16)])
def test_so_many_disks_share_a_limit_as_a_worker_takes_and_as_there_are(disks: int, at_once: int, lanes: int) -> None:
    assert lanes_at_once(disks, machines_at_once=2, disks_at_once=at_once) == lanes


@pytest.mark.parametrize(
    ("largest", "others", "lanes", "crosses"),
    [(100, 0, 1, 100), (100, 300, 4, 400), (100, 100, 2, 200), (100, 10, 4, 120), (100, 900, 1, 100)],
)
def test_until_the_largest_disk_is_read_back_the_other_lanes_move_as_much_or_all_they_have(
    largest: int, others: int, lanes: int, crosses: int
) -> None:
    assert bytes_until_read_back(largest, others, lanes) == crosses


def test_the_longest_time_of_a_transfer_begins_at_the_worst_quarter_of_the_week() -> None:
    table = windows_from([{"bytes_per_s": 1000, "days": ["wed"], "from": "08:00", "to": "18:00"}])
    assert longest_s(table, "p", 1000 * 3600, most_s=86_400) == 3600
    assert longest_s(table, "p", 1000 * 36_000 * 5, most_s=86_400) == 36_000, "at night nothing holds it"
    assert longest_s((), "p", 1 << 50, most_s=86_400) == 0
    assert longest_s(windows_from([{"bytes_per_s": 1000, "pool": "q"}]), "p", 1 << 50, most_s=86_400) == 0
    always = windows_from([{"bytes_per_s": 1000}])
    assert longest_s(always, "p", 1 << 50, most_s=86_400) == 86_400
    assert longest_s(always, "p", 1500, most_s=86_400) == 1.5
