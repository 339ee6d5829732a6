"""What must hold for all 71 checks together, whichever pool and evidence they are given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from estate.facts.pool import PoolFacts, PoolHostFacts, PoolVmFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.attested_values import SHAPES
from readiness.core.engine import HaIntent, run_checks
from readiness.core.evidence import EvidenceItem
from readiness.core.results import Result
from readiness.core.verdict import Verdict, VerdictState, judge
from readiness.selectors.profiles import gate_profile
from tests.builders.evidence import SAID, every_attestation
from tests.builders.pools import a_planned_vm, a_pool, with_host, with_pbd, with_sr, without_bond
from tests.unit.readiness.cases import a_case

POOL = a_pool()
EVERYTHING = every_attestation(POOL)
STRICT = gate_profile("strict", "xenserver-8")
WAVE = [a_planned_vm(priority="restart")]
_ORDER = {VerdictState.NOT_READY: 0, VerdictState.READY_WITH_WAIVERS: 1, VerdictState.READY: 2}


def strict_verdict(pool: PoolFacts, evidence: tuple[EvidenceItem, ...] = EVERYTHING) -> Verdict:
    return judge(a_case(pool, evidence, planned=WAVE, for_cutover=True), intent=HaIntent.REQUIRED, gate=STRICT)


def test_a_healthy_pool_of_which_all_is_attested_opens_the_strict_gate() -> None:
    verdict = strict_verdict(POOL)
    assert (verdict.state, verdict.reasons) == (VerdictState.READY, ())


def test_the_strict_gate_names_every_attestation_that_is_missing() -> None:
    closed = [reason.code for reason in strict_verdict(POOL, ()).reasons]
    assert {"HA-011", "HA-012", "HA-014", "HA-031", "HA-032", "HA-045", "HA-052", "HA-069", "HA-080", "HA-091", "HA-095"} <= set(
        closed
    )


def test_every_simple_kind_of_evidence_has_a_shape_and_a_healthy_value() -> None:
    assert set(SAID) == set(SHAPES)


@given(st.sets(st.integers(0, len(EVERYTHING) - 1)))
@settings(max_examples=40, deadline=None)
def test_removing_evidence_never_opens_a_gate_and_never_turns_a_check_into_a_pass(kept: set[int]) -> None:
    evidence = tuple(EVERYTHING[n] for n in sorted(kept))
    for pool in (POOL, a_pool(timeout_s=60)):
        whole, fewer = strict_verdict(pool), strict_verdict(pool, evidence)
        assert _ORDER[fewer.state] <= _ORDER[whole.state]
        passed = {check.id for check in whole.checks if check.result is Result.PASS}
        aside = {check.id for check in whole.checks if check.result is Result.NOT_APPLICABLE}
        assert {check.id for check in fewer.checks if check.result is Result.PASS} <= passed | aside


@given(st.sets(st.integers(0, len(EVERYTHING) - 1)))
@settings(max_examples=20, deadline=None)
def test_unknown_never_passes_a_blocking_check(kept: set[int]) -> None:
    verdict = strict_verdict(POOL, tuple(EVERYTHING[n] for n in sorted(kept)))
    for check in verdict.checks:
        wants = check.severity in ("B", "b")
        assert check.blocks == (wants and check.result in (Result.UNKNOWN, Result.FAIL)), check.id


BROKEN = replace(with_host(POOL, "h2", pending_mandatory=("reboot_host",), ntp_mode="Disabled"), wlb_enabled=True)
BLURS = [(of, f.name) for of in (PoolFacts, PoolHostFacts, PoolVmFacts) for f in fields(of) if "Unknown" in str(f.type)]


def _blurred(pool: PoolFacts, of: type, name: str) -> PoolFacts:
    if of is PoolFacts:
        return replace(pool, **{name: UNKNOWN})
    if of is PoolHostFacts:
        return with_host(pool, "h2", **{name: UNKNOWN})
    return replace(pool, vms=tuple(replace(vm, **{name: UNKNOWN}) for vm in pool.vms))


@pytest.mark.parametrize(("of", "name"), BLURS)
def test_losing_any_fact_never_turns_a_check_into_a_pass(of: type, name: str) -> None:
    ids = [check.id for check in strict_verdict(POOL).checks]
    for pool in (POOL, BROKEN):
        before = run_checks(a_case(pool, EVERYTHING), HaIntent.REQUIRED, waived=ids)
        after = run_checks(a_case(_blurred(pool, of, name), EVERYTHING), HaIntent.REQUIRED, waived=ids)
        assert [now.id for then, now in zip(before, after, strict=True) if now.result == "pass" != then.result] == []


REPAIRS = [
    with_host(POOL, "h2", enabled=False),
    with_host(POOL, "h2", live=False),
    with_host(POOL, "h2", multipathing=False),
    without_bond(POOL, "h2"),
    with_pbd(POOL, "h2", paths_active=1),
    with_pbd(POOL, "h2", portals=("10.9.0.1:3260",)),
    with_sr(POOL, kind="smb"),
    a_pool(hosts=2),
]


@pytest.mark.parametrize("worse", REPAIRS)
def test_adding_redundancy_never_makes_the_verdict_worse(worse: PoolFacts) -> None:
    verdict = strict_verdict(worse)
    assert verdict.state is VerdictState.NOT_READY
    assert _ORDER[verdict.state] <= _ORDER[strict_verdict(POOL).state]
