"""Family B: HA configuration, the timeout and the failover trials, a table per check."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem
from readiness.core.results import Result
from tests.builders.evidence import a_trial, full_evidence, storage_nodes, xhad
from tests.builders.pools import GIB, NOW, a_host, a_pbd, a_planned_vm, a_pool, a_vm, changed, host_pifs, with_host
from tests.unit.readiness.cases import a_case, ask

POOL = a_pool()
PASS, WARN, FAIL, UNKNOWN_ = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN
RUN = full_evidence(POOL)


def at_timeout(seconds: int) -> PoolFacts:
    return a_pool(timeout_s=seconds)


@pytest.mark.parametrize(("enabled", "expected"), [(True, PASS), (False, FAIL), (UNKNOWN, UNKNOWN_)])
def test_ha_020_wants_ha_on(enabled: object, expected: Result) -> None:
    assert ask("HA-020", a_case(replace(POOL, ha_enabled=enabled))).result is expected


def test_ha_020_gives_the_enable_command_with_this_pools_heartbeat_sr() -> None:
    result = ask("HA-020", a_case(replace(POOL, ha_enabled=False)))
    assert result.remediation == ("xe pool-ha-enable heartbeat-sr-uuids=sr-hb ha-config:timeout=120",)


OLD = tuple(dataclasses.replace(e, tested_at=NOW - timedelta(days=91)) for e in xhad(POOL))


@pytest.mark.parametrize(
    ("pool", "evidence", "for_cutover", "expected"),
    [
        (POOL, xhad(POOL), True, PASS),
        (POOL, (), True, WARN),
        (POOL, xhad(POOL)[:2], True, WARN),
        (POOL, (*xhad(POOL)[:2], *xhad(POOL, 60)[2:]), True, FAIL),
        (POOL, OLD, False, WARN),
        (POOL, OLD, True, FAIL),
        (at_timeout(9), (), True, FAIL),
        (changed(ha_enabled=False)(POOL), xhad(POOL), True, UNKNOWN_),
        (changed(ha_configuration=UNKNOWN)(POOL), xhad(POOL), True, UNKNOWN_),
    ],
)
def test_ha_021_wants_api_and_hosts_to_agree(pool: PoolFacts, evidence: tuple, for_cutover: bool, expected: Result) -> None:
    assert ask("HA-021", a_case(pool, evidence, for_cutover=for_cutover)).result is expected


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, RUN, PASS),
        (at_timeout(60), RUN, FAIL),
        (at_timeout(150), RUN, WARN),
        (POOL, (), WARN),
        (at_timeout(119), (), UNKNOWN_),
        (at_timeout(60), (), UNKNOWN_),
        (changed(ha_enabled=False)(POOL), RUN, UNKNOWN_),
    ],
)
def test_ha_022_compares_the_timeout_with_the_tuned_one(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-022", a_case(pool, evidence)).result is expected


def test_ha_022_gives_the_commands_that_restore_the_tuned_value() -> None:
    assert ask("HA-022", a_case(at_timeout(60), RUN)).remediation == (
        "xe pool-param-set uuid=pool-1 other-config:default_ha_timeout=120",
        "xe pool-ha-disable",
        "xe pool-ha-enable heartbeat-sr-uuids=sr-hb ha-config:timeout=120",
    )


@pytest.mark.parametrize(
    ("config", "evidence", "expected"),
    [
        ({"default_ha_timeout": "120"}, RUN, PASS),
        ({}, RUN, WARN),
        ({}, (), WARN),
        ({"default_ha_timeout": "60"}, RUN, FAIL),
        ({"default_ha_timeout": "120"}, (), UNKNOWN_),
        (UNKNOWN, RUN, UNKNOWN_),
    ],
)
def test_ha_023_wants_the_tuned_value_as_the_pools_default(config: object, evidence: tuple, expected: Result) -> None:
    assert ask("HA-023", a_case(replace(POOL, other_config=config), evidence)).result is expected


def test_ha_023_never_passes_on_a_product_that_loses_the_timeout() -> None:
    assert ask("HA-023", a_case(POOL, RUN, profile="xenserver-2010")).result is WARN


def trials(**value: Any) -> tuple[EvidenceItem, ...]:
    return (storage_nodes(), a_trial(POOL, "san-a", **value), a_trial(POOL, "san-b", **value))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (trials(failover_s=70.0), PASS),
        (trials(failover_s=96.0), PASS),
        (trials(failover_s=97.0), WARN),
        (trials(failover_s=119.0), WARN),
        (trials(failover_s=120.0), FAIL),
        (trials(failover_s=None), UNKNOWN_),
        (trials()[1:], UNKNOWN_),
        (trials()[:2], UNKNOWN_),
    ],
)
def test_ha_024_wants_a_margin_over_the_measured_failover(evidence: tuple, expected: Result) -> None:
    assert ask("HA-024", a_case(POOL, evidence)).result is expected


LONG_AGO = NOW - timedelta(days=181)


@pytest.mark.parametrize(
    ("story", "evidence", "expected"),
    [
        ("both nodes, hard, no fence", trials(), PASS),
        ("one node only", trials()[:2], FAIL),
        ("graceful", trials(method="graceful"), FAIL),
        ("a host fenced", trials(fenced=("h2",)), FAIL),
        ("state file lost by all", trials(statefile_lost=True), FAIL),
        ("state-file loss not recorded", trials(statefile_lost=None), FAIL),
        ("latency reached the timeout", trials(max_latency_s=120.0), FAIL),
        ("latency just below", trials(max_latency_s=119.9), PASS),
        ("latency not recorded", trials(max_latency_s=None), FAIL),
        ("mirror out of sync", trials(mirror_in_sync=False), FAIL),
        ("mirror not recorded", trials(mirror_in_sync=None), FAIL),
        ("a host was not watched", trials(watched=("h1", "h2")), FAIL),
        ("older than 180 days", trials(tested_at=LONG_AGO), WARN),
        ("no trial", (storage_nodes(),), FAIL),
        ("nobody named the nodes", trials()[1:], UNKNOWN_),
        ("a third node appeared", (storage_nodes(("san-a", "san-b", "san-c")), *trials()[1:]), FAIL),
    ],
)
def test_ha_026_wants_a_valid_trial_of_every_node(story: str, evidence: tuple, expected: Result) -> None:
    assert ask("HA-026", a_case(POOL, evidence, for_cutover=True)).result is expected, story


@pytest.mark.parametrize(("for_cutover", "expected"), [(False, WARN), (True, FAIL)])
def test_ha_026_is_stale_while_the_timeout_differs(for_cutover: bool, expected: Result) -> None:
    drifted = at_timeout(60)
    assert ask("HA-026", a_case(drifted, trials(), for_cutover=for_cutover)).result is expected
    assert ask("HA-026", a_case(at_timeout(120), trials(), for_cutover=True)).result is PASS


@pytest.mark.parametrize(
    ("story", "pool"),
    [
        ("a host was updated", with_host(POOL, "h2", build_number="101")),
        ("multipathing was switched", with_host(POOL, "h2", multipathing=False)),
        ("a portal was added", replace(POOL, pbds=(a_pbd("h1"), a_pbd("h2", portals=("10.9.0.3",)), a_pbd("h3")))),
    ],
)
def test_ha_026_is_stale_once_what_it_was_tested_on_changes(story: str, pool: PoolFacts) -> None:
    assert ask("HA-026", a_case(pool, trials())).result is WARN, story
    assert ask("HA-026", a_case(pool, trials(), for_cutover=True)).result is FAIL, story


def test_ha_026_past_its_expiry_fails_at_cutover() -> None:
    expired = tuple(dataclasses.replace(e, expires_at=NOW) for e in trials()[1:])
    assert ask("HA-026", a_case(POOL, (storage_nodes(), *expired), for_cutover=True)).result is FAIL


def _with_fourth_host(pool: PoolFacts) -> PoolFacts:
    return replace(pool, hosts=(*pool.hosts, a_host("h4")), pifs=(*pool.pifs, *host_pifs("h4")), pbds=(*pool.pbds, a_pbd("h4")))


def test_ha_026_a_new_host_needs_only_its_own_trial_of_each_node() -> None:
    grown = _with_fourth_host(POOL)
    result = ask("HA-026", a_case(grown, trials()))
    assert result.result is FAIL
    assert "san-a on xen-h4" in result.detail and "xen-h1" not in result.detail
    own = (a_trial(grown, "san-a", watched=("h4",)), a_trial(grown, "san-b", watched=("h4",)))
    assert ask("HA-026", a_case(grown, (*trials(), *own), for_cutover=True)).result is PASS


def test_ha_026_a_fence_at_another_timeout_does_not_count_against_this_one() -> None:
    fenced_at_60 = a_trial(POOL, "san-a", timeout_s=60, fenced=("h2",))
    assert ask("HA-026", a_case(POOL, (*trials(), fenced_at_60), for_cutover=True)).result is PASS


def test_ha_026_one_fence_outweighs_a_later_quiet_trial_at_the_same_timeout() -> None:
    fence = dataclasses.replace(a_trial(POOL, "san-a", fenced=("h2",), tested_at=NOW - timedelta(days=3)), id="fence")
    result = ask("HA-026", a_case(POOL, (*trials(), fence)))
    assert result.result is FAIL and "xen-h2 fenced" in result.detail


FULL = a_pool(vms=tuple(a_vm(f"vm{n}", memory_static_max_bytes=30 * GIB, resident_on_uuid=f"h{n}") for n in (1, 2, 3)))
WAVE = (
    a_planned_vm("db1", memory_bytes=30 * GIB, priority="restart"),
    a_planned_vm("db2", memory_bytes=30 * GIB, priority="restart"),
)


@pytest.mark.parametrize(
    ("story", "pool", "planned", "expected"),
    [
        ("plan covers", POOL, (), PASS),
        ("plan falls short", changed(ha_plan_exists_for=0)(POOL), (), FAIL),
        ("unread", changed(ha_plan_exists_for=UNKNOWN)(POOL), (), UNKNOWN_),
        ("HA off", changed(ha_enabled=False)(POOL), (), UNKNOWN_),
        ("covers with a small wave", POOL, (a_planned_vm(priority="restart"),), PASS),
        ("full today", FULL, (), PASS),
        ("the wave breaks it", FULL, WAVE, FAIL),
        ("the wave fits nowhere", POOL, (a_planned_vm(memory_bytes=100 * GIB),), FAIL),
        ("memory unread", with_host(POOL, "h1", memory_total_bytes=UNKNOWN), (a_planned_vm(),), UNKNOWN_),
    ],
)
def test_ha_028_wants_a_plan_today_and_after_the_wave(story: str, pool: PoolFacts, planned: tuple, expected: Result) -> None:
    assert ask("HA-028", a_case(pool, planned=planned)).result is expected, story
