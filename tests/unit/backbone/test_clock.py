"""The product's clock: aware UTC, and it can be stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from project.backbone import clock

AT = datetime(2026, 11, 22, 20, tzinfo=UTC)


def test_now_is_aware_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_a_frozen_clock_stands_still_and_goes_on_afterwards() -> None:
    with clock.frozen(AT):
        assert clock.now() == clock.now() == AT
        with clock.frozen(AT + timedelta(days=1)):
            assert clock.now() == AT + timedelta(days=1)
        assert clock.now() == AT
    assert clock.now() != AT


def test_a_frozen_time_of_another_zone_is_told_in_utc() -> None:
    with clock.frozen(AT.astimezone(timezone(timedelta(hours=2)))):
        assert clock.now().tzinfo is UTC
        assert clock.now() == AT


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"), clock.frozen(AT.replace(tzinfo=None)):
        pass
