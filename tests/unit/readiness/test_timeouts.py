"""The HA timeout: derived values and which one is in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from readiness.core.timeouts import TimeoutTooShort, derive, effective_timeout
from readiness.selectors.profiles import policy
from tests.builders.pools import a_pool, changed


@pytest.mark.parametrize(
    ("timeout_s", "expected"),
    [(10, (2, 2, 10, 25, 70)), (30, (3, 2, 30, 45, 90)), (60, (3, 3, 60, 75, 120)), (120, (3, 6, 120, 135, 180))],
)
def test_timeouts_are_derived_as_xapi_derives_them(timeout_s: int, expected: tuple[int, ...]) -> None:
    got = derive(timeout_s)
    assert (
        got.heartbeat_interval_s, got.statefile_interval_s, got.heartbeat_watchdog_s, got.statefile_watchdog_s, got.join_s,
    ) == expected  # fmt: skip


def test_nine_seconds_are_refused() -> None:
    with pytest.raises(TimeoutTooShort, match="10 s"):
        derive(9)


@given(st.integers(10, 10_000))
def test_intervals_stay_below_the_timeout_they_serve(timeout_s: int) -> None:
    got = derive(timeout_s)
    assert got.heartbeat_interval_s < timeout_s and got.statefile_interval_s < timeout_s < got.statefile_watchdog_s < got.join_s


POOL = a_pool()


@pytest.mark.parametrize(
    ("pool", "profile", "seconds", "source"),
    [
        (POOL, "xenserver-8", 120, 'pool.ha_configuration["timeout"]'),
        (changed(ha_configuration={})(POOL), "xenserver-8", 120, 'pool.other_config["default_ha_timeout"]'),
        (changed(ha_configuration={}, other_config={})(POOL), "xenserver-8", 60, "default of profile xenserver-8"),
        (changed(ha_configuration={})(POOL), "xenserver-2010", 30, "default of profile xenserver-2010"),
    ],
)
def test_the_timeout_in_force_is_looked_up_in_xapis_order(pool: PoolFacts, profile: str, seconds: int, source: str) -> None:
    got = effective_timeout(pool, policy(profile))
    assert (got.timeout_s, got.source) == (seconds, source)


@pytest.mark.parametrize(
    "pool",
    [
        changed(ha_enabled=False)(POOL),
        changed(ha_enabled=UNKNOWN)(POOL),
        changed(ha_configuration=UNKNOWN)(POOL),
        changed(ha_configuration={}, other_config=UNKNOWN)(POOL),
        changed(ha_configuration={"timeout": "two minutes"})(POOL),
        changed(ha_configuration={"timeout": "12²"})(POOL),
    ],
)
def test_a_timeout_that_cannot_be_told_is_unknown_and_says_why(pool: PoolFacts) -> None:
    got = effective_timeout(pool, policy("xenserver-8")).timeout_s
    assert not is_known(got)
    assert isinstance(got, Unknown) and got.reason
