"""The engine and the verdict: prerequisites, intent, blocking sets, waivers, and what must hold for every pool."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.capacity import Room, room_of
from readiness.core.engine import HaIntent, run_checks
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.faults.singles import SimulatedFault
from readiness.core.policy import GateProfile
from readiness.core.registry import registered
from readiness.core.results import Result
from readiness.core.verdict import Verdict, VerdictState, WaiverInForce, judge
from readiness.selectors.profiles import gate_profile
from tests.builders.evidence import an_item, full_evidence
from tests.builders.pools import NOW, a_planned_vm, a_pool, changed, with_host, with_pbd, with_pif, with_sr, without_bond
from tests.unit.readiness.cases import a_case

POOL = a_pool()
EVIDENCE = full_evidence(POOL)
FIELD = gate_profile("field", "xenserver-8")
STRICT = gate_profile("strict", "xenserver-8")
NEVER_GIVEN = {15, 16, 17, 18, 19, *range(33, 40), *range(53, 60), *range(75, 80), 85}
BUILT = [f"HA-{n:03}" for n in range(1, 97) if n not in NEVER_GIVEN]


def verdict_of(
    facts: PoolFacts,
    evidence: tuple[EvidenceItem, ...] = EVIDENCE,
    *,
    waivers: tuple[WaiverInForce, ...] = (),
    intent: HaIntent = HaIntent.REQUIRED,
) -> Verdict:
    return judge(a_case(facts, evidence, for_cutover=True), intent=intent, gate=FIELD, waivers=waivers)


def a_waiver(check_id: str, days: int = 14) -> WaiverInForce:
    return WaiverInForce(f"w-{check_id}", check_id, NOW - timedelta(days=1), NOW + timedelta(days=days - 1))


def result_of(verdict: Verdict, check_id: str) -> str:
    return next(check.result for check in verdict.checks if check.id == check_id)


def test_the_catalogue_holds_all_71_checks() -> None:
    assert len(BUILT) == 71
    assert [spec.id for spec in registered()] == BUILT


def test_a_healthy_pool_with_full_evidence_is_ready() -> None:
    verdict = verdict_of(POOL)
    assert (verdict.state, verdict.reasons) == (VerdictState.READY, ())


def test_a_drifted_timeout_without_evidence_is_not_ready_and_says_why() -> None:
    verdict = verdict_of(a_pool(timeout_s=60), ())
    assert verdict.state is VerdictState.NOT_READY
    assert [reason.code for reason in verdict.reasons] == ["HA-022", "HA-024", "HA-026", "HA-044", "HA-066"]
    assert all(reason.remedy and reason.subject == "xen-pool" for reason in verdict.reasons)


def test_dependants_of_a_failed_prerequisite_are_set_aside() -> None:
    verdict = verdict_of(with_sr(POOL, kind="smb"))
    assert result_of(verdict, "HA-060") == "fail"
    aside = [check for check in verdict.checks if check.blocked_by == "HA-060"]
    assert [check.id for check in aside] == [f"HA-{n:03}" for n in (61, 62, 63, 64, 65, 66, 67, 69)]
    assert all(check.result is Result.NOT_APPLICABLE and check.detail == "blocked by HA-060" for check in aside)


def test_an_unknown_prerequisite_does_not_silence_its_dependants() -> None:
    verdict = verdict_of(with_sr(POOL, shared=UNKNOWN))
    assert (result_of(verdict, "HA-060"), result_of(verdict, "HA-065")) == ("unknown", "pass")


def test_a_waived_prerequisite_does_not_hide_what_depends_on_it() -> None:
    two = changed(ha_plan_exists_for=0)(a_pool(hosts=2))
    assert result_of(verdict_of(two, full_evidence(two)), "HA-028") == "not_applicable"
    waived = verdict_of(two, full_evidence(two), waivers=(a_waiver("HA-001"),))
    assert result_of(waived, "HA-028") == "fail"
    assert waived.state is VerdictState.NOT_READY


def test_a_waiver_makes_the_pool_ready_with_waivers() -> None:
    verdict = verdict_of(without_bond(POOL, "h2"), waivers=(a_waiver("HA-041"), a_waiver("HA-044")))
    assert verdict.state is VerdictState.READY_WITH_WAIVERS
    assert {check.id: check.waived_by for check in verdict.checks if check.waived_by} == {
        "HA-041": "w-HA-041",
        "HA-044": "w-HA-044",
    }


@pytest.mark.parametrize(
    ("waiver", "pool", "why"),
    [
        (a_waiver("HA-003"), with_host(POOL, "h2", enabled=False), "cannot be waived"),
        (a_waiver("HA-041", days=0), without_bond(POOL, "h2"), "expired"),
        (a_waiver("HA-041", days=31), without_bond(POOL, "h2"), "longer than 30 days"),
    ],
)
def test_waivers_that_do_not_count_say_why(waiver: WaiverInForce, pool: PoolFacts, why: str) -> None:
    verdict = verdict_of(pool, waivers=(waiver,))
    assert verdict.state is VerdictState.NOT_READY
    assert why in verdict.refused_waivers[0]


def test_an_advising_check_never_closes_the_field_gate() -> None:
    verdict = verdict_of(changed(other_config={"default_ha_timeout": "60"})(POOL))
    assert (result_of(verdict, "HA-023"), verdict.state) == ("fail", VerdictState.READY)


@pytest.mark.parametrize(("priority", "blocks"), [("restart", True), ("best-effort", False), ("", False)])
def test_severity_b_closes_the_strict_gate_only_for_protected_vms(priority: str, blocks: bool) -> None:
    case = a_case(changed(ha_enabled=False)(POOL), EVIDENCE, planned=[a_planned_vm(priority=priority)])
    verdict = judge(case, intent=HaIntent.REQUIRED, gate=STRICT)
    assert next(check.blocks for check in verdict.checks if check.id == "HA-020") is blocks


def test_the_2010_profile_adds_three_checks_to_the_field_gate() -> None:
    added = gate_profile("field", "xenserver-2010").blocking
    assert added is not None and FIELD.blocking is not None
    assert added - FIELD.blocking == {"HA-045", "HA-047", "HA-052"}


def test_a_pool_without_ha_asks_for_a_manual_restart_runbook_instead() -> None:
    verdict = verdict_of(changed(ha_enabled=False)(POOL), (), intent=HaIntent.OFF)
    assert {check.result for check in verdict.checks} == {Result.NOT_APPLICABLE}
    assert [reason.code for reason in verdict.reasons] == ["runbook_missing"]
    runbook = an_item(EvidenceKind.MANUAL_RESTART_RUNBOOK, "pool-1", {"owner": "Grace", "alternatives": "a third host in March"})
    assert verdict_of(changed(ha_enabled=False)(POOL), (runbook,), intent=HaIntent.OFF).state is VerdictState.READY


@pytest.mark.parametrize("intent", [HaIntent.OFF, HaIntent.REQUIRED])
def test_a_wave_that_finds_no_memory_is_not_ready_with_or_without_ha_whatever_is_waived(intent: HaIntent) -> None:
    runbook = an_item(EvidenceKind.MANUAL_RESTART_RUNBOOK, "pool-1", {"owner": "Ada", "alternatives": "restart by hand"})
    pool, evidence = (POOL, EVIDENCE) if intent is HaIntent.REQUIRED else (changed(ha_enabled=False)(POOL), (runbook,))
    room = room_of(pool)
    assert isinstance(room, Room)
    for memory_bytes, fits in ((1 << 30, True), (max(room.free_bytes.values()) + (1 << 30), False)):
        case = a_case(pool, evidence, planned=[a_planned_vm("big", memory_bytes=memory_bytes)], for_cutover=True)
        verdict = judge(case, intent=intent, gate=FIELD, waivers=(a_waiver("HA-086"), a_waiver("HA-087"), a_waiver("HA-028")))
        assert ("no_room_for_wave" not in {reason.code for reason in verdict.reasons}) == fits
        assert (verdict.state is VerdictState.NOT_READY) != fits


def test_a_wave_into_a_pool_without_ha_whose_room_is_not_known_is_not_ready() -> None:
    runbook = an_item(EvidenceKind.MANUAL_RESTART_RUNBOOK, "pool-1", {"owner": "Ada", "alternatives": "restart by hand"})
    pool = with_host(changed(ha_enabled=False)(POOL), POOL.hosts[0].uuid, memory_total_bytes=UNKNOWN)
    case = a_case(pool, (runbook,), planned=[a_planned_vm("app")], for_cutover=True)
    (reason,) = judge(case, intent=HaIntent.OFF, gate=FIELD).reasons
    assert (reason.code, "not known" in reason.detail) == ("no_room_for_wave", True)


def test_what_a_pool_calls_itself_cannot_become_a_command() -> None:
    verdict = verdict_of(with_pbd(POOL, "h2", uuid="x; rm -rf /", currently_attached=False))
    lines = next(check.remediation for check in verdict.checks if check.id == "HA-062")
    assert lines == ("xe pbd-plug uuid='x; rm -rf /'",)


_ORDER = {VerdictState.NOT_READY: 0, VerdictState.READY_WITH_WAIVERS: 1, VerdictState.READY: 2}


@given(st.sets(st.integers(0, len(EVIDENCE) - 1)))
@settings(max_examples=40, deadline=None)
def test_removing_evidence_never_makes_the_verdict_better(kept: set[int]) -> None:
    for pool in (POOL, a_pool(timeout_s=60)):
        fewer = verdict_of(pool, tuple(EVIDENCE[i] for i in sorted(kept)))
        assert _ORDER[fewer.state] <= _ORDER[verdict_of(pool).state]


BLURS = {
    "pool": [f.name for f in fields(PoolFacts) if "Unknown" in str(f.type)],
    "host": ["live", "enabled", "multipathing", "ha_statefiles", "memory_total_bytes"],
    "pbd": ["currently_attached", "paths_active", "multipathed"],
    "pif": ["carrier", "ip_mode"],
}


def _blurred(pool: PoolFacts, kind: str, name: str) -> PoolFacts:
    """The pool with one thing that may be UNKNOWN made so, on host h2 where it is a host's."""
    if kind == "pool":
        return replace(pool, **{name: UNKNOWN})
    change = {"host": with_host, "pbd": with_pbd}.get(kind)
    return change(pool, "h2", **{name: UNKNOWN}) if change else with_pif(pool, "h2-eth0", **{name: UNKNOWN})


BROKEN = changed(ha_plan_exists_for=0)(with_pbd(without_bond(with_host(POOL, "h2", enabled=False), "h2"), "h2", paths_active=1))


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in BLURS.items() for name in names])
def test_losing_a_fact_never_turns_a_check_into_a_pass(kind: str, name: str) -> None:
    for pool in (POOL, BROKEN):
        before = run_checks(a_case(pool, EVIDENCE), HaIntent.REQUIRED, waived=BUILT)
        after = run_checks(a_case(_blurred(pool, kind, name), EVIDENCE), HaIntent.REQUIRED, waived=BUILT)
        improved = [now.id for then, now in zip(before, after, strict=True) if now.result == "pass" != then.result]
        assert improved == []


@pytest.mark.parametrize(
    "field_name", ["ha_enabled", "ha_configuration", "ha_plan_exists_for", "ha_host_failures_to_tolerate", "statefiles"]
)
def test_an_unread_pool_field_closes_the_gate(field_name: str) -> None:
    assert verdict_of(replace(POOL, **{field_name: UNKNOWN})).state is VerdictState.NOT_READY


REPAIRS = [
    (with_host(POOL, "h2", enabled=False), POOL),
    (without_bond(POOL, "h2"), POOL),
    (with_pbd(POOL, "h2", paths_active=1), POOL),
    (with_sr(POOL, kind="smb"), POOL),
    (with_host(POOL, "h2", multipathing=False), POOL),
]


@pytest.mark.parametrize(("worse", "better"), REPAIRS)
def test_adding_redundancy_never_makes_the_verdict_worse(worse: PoolFacts, better: PoolFacts) -> None:
    assert _ORDER[verdict_of(worse).state] <= _ORDER[verdict_of(better).state]


def test_a_single_point_of_failure_closes_the_gate_until_its_check_is_waived() -> None:
    fault = SimulatedFault("switch", "core", Result.FAIL, ("xen-h1", "xen-h2"), ("xen-h3",), rule="the largest set survives")
    case = a_case(POOL, full_evidence(POOL), for_cutover=True)
    closed = judge(case, intent=HaIntent.REQUIRED, gate=NOTHING, faults=[fault])
    (reason,) = closed.reasons
    assert (closed.state, reason.code) == (VerdictState.NOT_READY, "single_point_of_failure")
    assert "switch core xen-h1, xen-h2 fence" in reason.detail and "HA-044" in reason.remedy[1]
    dark = dataclasses.replace(fault, kind="power_feed", hosts_fenced=(), hosts_off=("xen-h1", "xen-h2"))
    (reason,) = judge(case, intent=HaIntent.REQUIRED, gate=NOTHING, faults=[dark]).reasons
    assert "xen-h1, xen-h2 without power; no host fence" in reason.detail
    waiver = WaiverInForce("w1", "HA-045", NOW, NOW + timedelta(days=5))
    waived = judge(case, intent=HaIntent.REQUIRED, gate=NOTHING, faults=[fault], waivers=[waiver])
    assert (waived.state, waived.reasons) == (VerdictState.READY_WITH_WAIVERS, ())
    pair = dataclasses.replace(fault, kind="pair", result=Result.WARN)
    assert judge(case, intent=HaIntent.REQUIRED, gate=NOTHING, faults=[pair]).state is VerdictState.READY


NOTHING = GateProfile("nothing", 1, frozenset())
