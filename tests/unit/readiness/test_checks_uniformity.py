"""Family A: hosts that are alike and licensed, a table per check."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts, PoolMessageFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.results import Result
from tests.builders.pools import NOW, a_pool, changed, with_host
from tests.unit.readiness.cases import a_case, ask

POOL = a_pool()
PASS, WARN, FAIL, UNKNOWN_, NOT_APPLICABLE = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN, Result.NOT_APPLICABLE


def on_all(pool: PoolFacts, **changes: object) -> PoolFacts:
    return replace(pool, hosts=tuple(replace(host, **changes) for host in pool.hosts))


def saying(pool: PoolFacts, *names: str) -> PoolFacts:
    said = tuple(
        PoolMessageFacts(f"m{n}", name, 3, "Host", "h1", "", NOW - timedelta(days=20 - n)) for n, name in enumerate(names)
    )
    return replace(pool, messages=said)


def deaf(pool: PoolFacts) -> PoolFacts:
    return replace(pool, unreadable=(("message", "not allowed (xapi_permission)"),))


@pytest.mark.parametrize(
    ("pool", "expected"), [(POOL, PASS), (a_pool(hosts=4), WARN), (a_pool(hosts=2), WARN), (changed(hosts=())(POOL), UNKNOWN_)]
)
def test_ha_002_warns_of_a_pool_that_can_split_in_half(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-002", a_case(pool)).result is expected


def test_ha_002_names_the_half_that_fences() -> None:
    assert "without xen-h1 fences" in ask("HA-002", a_case(a_pool(hosts=4))).detail


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_host(POOL, "h2", build_number="101"), FAIL),
        (with_host(POOL, "h2", product_version="8.3.0"), FAIL),
        (with_host(POOL, "h2", build_number=UNKNOWN), UNKNOWN_),
        (with_host(with_host(POOL, "h2", build_number=UNKNOWN), "h3", build_number="99"), FAIL),
        (changed(hosts=())(POOL), UNKNOWN_),
    ],
)
def test_ha_004_wants_one_build(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-004", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_host(POOL, "h2", cpu_vendor="AuthenticAMD"), FAIL),
        (with_host(POOL, "h2", cpu_features="178bfbff-00000000"), WARN),
        (with_host(POOL, "h2", cpu_features=UNKNOWN), UNKNOWN_),
        (with_host(POOL, "h2", cpu_vendor=UNKNOWN), UNKNOWN_),
        (changed(hosts=())(POOL), UNKNOWN_),
    ],
)
def test_ha_006_wants_cpus_that_are_alike(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-006", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (saying(POOL, "SOMETHING_ELSE"), PASS),
        (saying(POOL, "HOST_CPU_FEATURES_DOWN"), FAIL),
        (saying(POOL, "POOL_CPU_FEATURES_DOWN"), FAIL),
        (deaf(POOL), UNKNOWN_),
    ],
)
def test_ha_007_listens_for_lost_cpu_features(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-007", a_case(pool)).result is expected


def ending(days: float) -> PoolFacts:
    return with_host(POOL, "h2", licence_expires_at=NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (ending(30.01), PASS),
        (ending(30), WARN),
        (ending(7.01), WARN),
        (ending(7), FAIL),
        (ending(-1), FAIL),
        (with_host(POOL, "h2", licence_expires_at=None), PASS),
        (with_host(POOL, "h2", licence_expires_at=UNKNOWN), UNKNOWN_),
        (with_host(POOL, "h2", licence_allows_ha=False), FAIL),
        (with_host(POOL, "h2", licence_allows_ha=UNKNOWN), UNKNOWN_),
        (with_host(POOL, "h2", edition="standard-per-socket"), FAIL),
        (with_host(POOL, "h2", edition=UNKNOWN), UNKNOWN_),
        (on_all(POOL, product_brand="XCP-ng", licence_allows_ha=UNKNOWN), NOT_APPLICABLE),
        (with_host(POOL, "h2", product_brand="XCP-ng"), PASS),
        (changed(hosts=())(POOL), UNKNOWN_),
    ],
)
def test_ha_008_wants_a_licence_that_lasts_and_allows_ha(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-008", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_host(POOL, "h2", edition="trial"), FAIL),
        (with_host(POOL, "h2", edition=UNKNOWN), UNKNOWN_),
        (on_all(POOL, product_brand="XCP-ng"), NOT_APPLICABLE),
        (changed(hosts=())(POOL), UNKNOWN_),
    ],
)
def test_ha_009_finds_a_trial(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-009", a_case(pool)).result is expected


@pytest.mark.parametrize(("tolerate", "expected"), [(1, PASS), (2, PASS), (0, FAIL), (UNKNOWN, UNKNOWN_)])
def test_ha_027_wants_a_failure_to_tolerate(tolerate: object, expected: Result) -> None:
    assert ask("HA-027", a_case(changed(ha_host_failures_to_tolerate=tolerate)(POOL))).result is expected


@pytest.mark.parametrize(
    ("over", "allowed", "expected"),
    [
        (False, False, PASS), (False, True, WARN), (True, False, FAIL), (True, UNKNOWN, FAIL),
        (False, UNKNOWN, UNKNOWN_), (UNKNOWN, False, UNKNOWN_),
    ],
)  # fmt: skip
def test_ha_029_wants_no_promise_that_cannot_be_kept(over: object, allowed: object, expected: Result) -> None:
    assert ask("HA-029", a_case(changed(ha_overcommitted=over, ha_allow_overcommit=allowed)(POOL))).result is expected
