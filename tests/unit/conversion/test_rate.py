"""The rate of a copy over its last ten seconds."""

from __future__ import annotations

from migration.conversion.core.rate import Rate, left_s


def test_one_look_says_nothing_and_two_give_a_rate() -> None:
    rate = Rate()
    assert (rate.take(0.0, 0), rate.take(2.0, 200)) == (None, 100.0)


def test_only_the_last_ten_seconds_count() -> None:
    rate = Rate()
    for second in range(100):
        rate.take(float(second), second * 1000)
    assert [rate.take(100.0 + second, 99_000) for second in (4, 9, 14, 19)][-1] == 0.0, "a stall shows within ten seconds"


def test_a_copy_that_begins_anew_begins_its_rate_anew() -> None:
    rate = Rate()
    rate.take(0.0, 5000)
    assert rate.take(1.0, 100) is None
    assert rate.take(2.0, 400) == 300.0


def test_nobody_knows_when_a_stalled_copy_ends() -> None:
    assert (left_s(100, None), left_s(100, 0.0), left_s(100, 50.0)) == (None, None, 2.0)
