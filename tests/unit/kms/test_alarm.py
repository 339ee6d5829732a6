"""The level of a count and the alarm's hysteresis."""

from __future__ import annotations

import pytest

from kms.core.alarm import Level, level_of, next_alarm


@pytest.mark.parametrize(
    ("count", "required", "level"),
    [(4, 5, "low"), (5, 5, "tight"), (6, 5, "tight"), (7, 5, "ok"), (24, 25, "low"), (29, 25, "tight"), (30, 25, "ok")],
)
def test_level_compares_a_count_with_n_and_its_margin(count: int, required: int, level: str) -> None:
    assert level_of(count, required) == level


def test_alarm_vector_of_the_servers_threshold() -> None:
    alarm, seen = Level.OK, []
    for count in (8, 7, 6, 7, 8, 5, 4, 5, 6, 8):
        alarm = next_alarm(alarm, count, 5)
        seen.append(alarm)
    assert [str(level) for level in seen] == ["ok", "ok", "tight", "tight", "ok", "tight", "low", "low", "tight", "ok"]


def test_alarm_that_was_unknown_starts_without_memory() -> None:
    assert next_alarm(Level.UNKNOWN, 7, 5) is Level.OK
