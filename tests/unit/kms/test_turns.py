"""When a scheduled turn is due: at once the first time, then by the hour, never when it is by hand only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kms.core.turns import is_due
from tests.builders.kms import day


@pytest.mark.parametrize(
    ("asked_ago_h", "every_hours", "due"),
    [(None, 6, True), (None, 0, False), (6, 6, True), (5.95, 6, True), (5.9, 6, False), (500, 0, False), (0, 1, False)],
)
def test_a_turn_is_due(asked_ago_h: float | None, every_hours: int, due: bool) -> None:
    asked_at = None if asked_ago_h is None else day(40) - timedelta(hours=asked_ago_h)
    assert is_due(asked_at, every_hours, day(40)) is due
