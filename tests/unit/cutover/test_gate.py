"""The gate opens only when nothing stands against it, and never on something unknown or old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from migration.cutover.core.gate import BOOT_RISK, ORIGINAL_RISK, PACKAGE_RISK, GateState, decide, is_stale
from migration.cutover.core.gate_facts import ConversionView, FindingView, GateFacts, KmsView, ReadinessView, Reason

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
READINESS = ReadinessView("ready", NOW - timedelta(minutes=1), ())
GOOD = GateFacts(
    wave="Wave 1",
    pool="pool01",
    readiness=READINESS,
    kms=KmsView("ok", "9 of 5", "", "reading-1"),
    windows_machines=2,
    findings=(),
    conversions=(ConversionView("app01", "ready"),),
    accepted_risks=frozenset({BOOT_RISK}),
    boot_proven=False,
)
BOTH_RISKS = frozenset({BOOT_RISK, "kms_unknown"})
DRIFT = Reason("HA-022", "pool01", "unknown: no tuning run and T is 60", "set it")
RDM = FindingView("DSK-004", "sql01", "critical", "true", "Physical RDM", "move the data")


def test_the_gate_opens_when_all_is_known_and_well() -> None:
    decision = decide(GOOD, NOW)
    assert decision.state is GateState.OPEN
    assert decision.reasons == ()


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (replace(GOOD, readiness=None, readiness_error="the pool does not answer"), ["readiness_unknown"]),
        (replace(GOOD, readiness=replace(READINESS, evaluated_at=NOW - timedelta(hours=5))), ["readiness_unknown"]),
        (replace(GOOD, readiness=replace(READINESS, evaluated_at=NOW + timedelta(hours=1))), ["readiness_unknown"]),
        (replace(GOOD, readiness=replace(READINESS, against=(DRIFT,))), ["HA-022"]),
        (replace(GOOD, readiness=replace(READINESS, verdict="not_ready")), ["pool_not_ready"]),
        (replace(GOOD, findings=(RDM,)), ["DSK-004"]),
        (replace(GOOD, findings=(replace(RDM, result="unknown"),)), ["unanswered:DSK-004"]),
        (replace(GOOD, kms=None), ["kms_unknown"]),
        (replace(GOOD, kms=None, accepted_risks=frozenset({BOOT_RISK, "kms_low"})), ["kms_unknown"]),
        (replace(GOOD, kms=KmsView("low", "3 of 5", "add hosts"), accepted_risks=BOTH_RISKS), ["kms_low"]),
        (replace(GOOD, not_assessed=("app01",)), ["not_assessed"]),
        (replace(GOOD, ha_intent="off", ha_enabled=True), ["ha_not_off"]),
        (replace(GOOD, ha_intent="off", ha_enabled=None), ["ha_not_off"]),
        (replace(GOOD, kms=KmsView("low", "3 of 5", "add hosts")), ["kms_low"]),
        (replace(GOOD, kms=KmsView("unknown", "reading is old", "upload")), ["kms_unknown"]),
        (replace(GOOD, accepted_risks=frozenset()), [BOOT_RISK]),
        (replace(GOOD, from_packages=("web",)), [ORIGINAL_RISK]),
        (replace(GOOD, unproven=("web",)), [PACKAGE_RISK]),
        (replace(GOOD, conversions=()), ["nothing_prepared"]),
        (replace(GOOD, conversions=(*GOOD.conversions, ConversionView("b", "preparing"))), ["not_prepared"]),
    ],
)
def test_each_obstacle_alone_closes_the_gate_and_is_named(facts: GateFacts, codes: list[str]) -> None:
    decision = decide(facts, NOW)
    assert decision.state is GateState.CLOSED
    assert [reason.code for reason in decision.reasons] == codes
    assert all(reason.detail and reason.remedy for reason in decision.reasons)


@pytest.mark.parametrize(
    "facts",
    [
        replace(GOOD, findings=(replace(RDM, severity="warning"),)),
        replace(GOOD, findings=(replace(RDM, result="unknown"),), accepted_risks=frozenset({BOOT_RISK, "unanswered:DSK-004"})),
        replace(GOOD, kms=KmsView("tight", "6 of 5", "watch it")),
        replace(GOOD, kms=None, windows_machines=0),
        replace(GOOD, kms=KmsView("unknown", "no host", "upload"), accepted_risks=BOTH_RISKS),
        replace(GOOD, ha_intent="off", ha_enabled=False, off_at_source=("app01",)),
        replace(GOOD, boot_proven=True, accepted_risks=frozenset()),
        replace(GOOD, from_packages=("web",), accepted_risks=frozenset({BOOT_RISK, ORIGINAL_RISK})),
        replace(GOOD, unproven=("web",), accepted_risks=frozenset({BOOT_RISK, PACKAGE_RISK})),
        replace(GOOD, readiness=replace(READINESS, advice=(DRIFT,))),
        replace(GOOD, conversions=(*GOOD.conversions, ConversionView("b", "failed", "disk full"))),
    ],
)
def test_what_only_advises_does_not_close_the_gate(facts: GateFacts) -> None:
    assert decide(facts, NOW).state is GateState.OPEN


def test_what_only_advises_is_still_shown() -> None:
    facts = replace(GOOD, kms=KmsView("tight", "6 of 5", "watch it"), readiness=replace(READINESS, advice=(DRIFT,)))
    assert [warning.code for warning in decide(facts, NOW).warnings] == ["kms_tight", "HA-022"]


def test_a_decision_ages_after_four_hours_and_never_comes_from_the_future() -> None:
    assert not is_stale(NOW - timedelta(hours=4), NOW)
    assert is_stale(NOW - timedelta(hours=4, seconds=1), NOW)
    assert is_stale(NOW + timedelta(seconds=1), NOW)


def test_a_pool_without_ha_and_a_machine_that_was_off_are_told_to_the_signer() -> None:
    facts = replace(GOOD, ha_intent="off", ha_enabled=False, off_at_source=("app01",))
    assert [(warning.code, warning.subject) for warning in decide(facts, NOW).warnings] == [
        ("ha_off", "pool01"),
        ("off_at_source", "app01"),
    ]


def test_an_unanswered_critical_rule_is_one_reason_that_lists_its_machines_and_names_the_risk() -> None:
    open_on = tuple(replace(RDM, subject=f"vm{n:02}", result="unknown") for n in range(25))
    (reason,) = decide(replace(GOOD, findings=open_on), NOW).reasons
    assert (reason.code, reason.subject) == ("unanswered:DSK-004", GOOD.wave)
    assert "vm00, vm01" in reason.detail and "and 5 more" in reason.detail
    assert "attest" in reason.remedy and "accept the risk unanswered:DSK-004" in reason.remedy


def test_accepting_an_unanswered_rule_accepts_neither_a_known_concern_nor_another_rule() -> None:
    accepted = frozenset({BOOT_RISK, "unanswered:DSK-004"})
    other = replace(RDM, rule_id="DSK-008", result="unknown")
    facts = replace(GOOD, findings=(RDM, other), accepted_risks=accepted)
    assert [reason.code for reason in decide(facts, NOW).reasons] == ["DSK-004", "unanswered:DSK-008"]
