"""The gate: may this wave cut over? Open only when nothing stands against it and nothing that matters is unknown.

Pure: findings, readiness, KMS and the conversions' states come in as values; the answer is a list of reasons, each with its
remedy and the evidence it stands on. Asking for the facts, storing and signing the decision belong to the rooms above.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from migration.cutover.core.gate_facts import ConversionView, FindingView, GateFacts, Reason

BOOT_RISK = "RISK-BOOT-NOT-PROVEN"
KMS_RISK = "kms_unknown"
ORIGINAL_RISK = "RISK-ORIGINAL-MAY-RUN"
PACKAGE_RISK = "RISK-PACKAGE-NOT-PROVEN"
UNANSWERED = "unanswered:"
"""What stays unknown on a critical rule is a named risk: this and the rule's id, accepted per wave."""
MACHINES_NAMED = 20
FRESH_FOR = timedelta(hours=4)
"""How long a decision may be used (readiness rule 3: the freeze check runs within 4 h before cutover)."""


class GateState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class GateDecision:
    state: GateState
    decided_at: datetime
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...] = field(default=())


PASSING = frozenset({"ready", "ready_with_waivers"})
READY_STATES = frozenset({"ready", "copying", "verifying", "cutting_over"})
OUT_STATES = frozenset({"done", "failed", "cancelled", "rolled_back"})


def decide(facts: GateFacts, now: datetime) -> GateDecision:
    """The gate's answer at `now`. Unknown never opens it."""
    reasons = (
        *_readiness_reasons(facts, now),
        *_intent_reasons(facts),
        *_assessment_reasons(facts.not_assessed),
        *_finding_reasons(facts.findings),
        *_unanswered_reasons(facts),
        *_kms_reasons(facts),
        *_risk_reasons(facts),
        *_conversion_reasons(facts.wave, facts.conversions),
    )
    state = GateState.CLOSED if reasons else GateState.OPEN
    return GateDecision(state, now, reasons, tuple(_warnings(facts)))


def is_stale(decided_at: datetime, now: datetime) -> bool:
    """Whether a decision is too old to cut over on."""
    return now - decided_at > FRESH_FOR or decided_at > now


def _readiness_reasons(facts: GateFacts, now: datetime) -> Iterator[Reason]:
    readiness = facts.readiness
    if readiness is None or is_stale(readiness.evaluated_at, now):
        detail = facts.readiness_error or "its readiness could not be evaluated just now"
        yield Reason(
            "readiness_unknown",
            facts.pool,
            detail,
            "make the pool reachable, collect it, and ask the gate again",
            "no fresh evaluation",
        )
        return
    yield from readiness.against
    if readiness.verdict not in PASSING and not readiness.against:
        yield Reason("pool_not_ready", facts.pool, f"it is {readiness.verdict}", "read its readiness and work through the checks")


def _intent_reasons(facts: GateFacts) -> Iterator[Reason]:
    """A pool that was declared to run without HA must run without it: else its hosts can fence and nobody checked."""
    if facts.ha_intent != "required" and facts.ha_enabled is not False:
        seen = "it is on" if facts.ha_enabled else "whether it is on could not be read"
        yield Reason(
            "ha_not_off",
            facts.pool,
            f"high availability is declared off for this pool, but {seen}: hosts could fence unchecked",
            "set ha_intent to required and work through the checks, or let a person disable HA in the pool",
        )


def _assessment_reasons(not_assessed: Iterable[str]) -> Iterator[Reason]:
    for machine in not_assessed:
        yield Reason(
            "not_assessed",
            machine,
            "its latest inventory has not been assessed, so nobody knows what stands against it",
            "wait for the assessment's job or repeat it, then ask the gate again",
        )


def _finding_reasons(findings: Iterable[FindingView]) -> Iterator[Reason]:
    for finding in findings:
        if finding.severity == "critical" and finding.result != "unknown":
            yield Reason(
                finding.rule_id, finding.subject, f"{finding.result}: {finding.title}", finding.remedy, "assessment finding"
            )


def unanswered(rule_id: str) -> str:
    """The name of the risk that a critical rule stays unanswered for a wave."""
    return UNANSWERED + rule_id


def _unanswered_reasons(facts: GateFacts) -> Iterator[Reason]:
    """One reason for each critical rule that nobody could answer, however many machines it is open on."""
    open_on: dict[str, list[FindingView]] = {}
    for finding in facts.findings:
        if finding.severity == "critical" and finding.result == "unknown":
            open_on.setdefault(finding.rule_id, []).append(finding)
    for rule_id, findings in sorted(open_on.items()):
        if unanswered(rule_id) not in facts.accepted_risks:
            yield _unanswered(facts.wave, rule_id, findings)


def _unanswered(wave: str, rule_id: str, findings: list[FindingView]) -> Reason:
    return Reason(
        unanswered(rule_id),
        wave,
        f"nobody knows on {_listed([finding.subject for finding in findings])}: {findings[0].title}",
        f"attest it where a person knows, or let an approver accept the risk {unanswered(rule_id)} for this wave",
        "assessment finding",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MACHINES_NAMED} more" if len(names) > MACHINES_NAMED else ""
    return ", ".join(names[:MACHINES_NAMED]) + more


def _kms_reasons(facts: GateFacts) -> Iterator[Reason]:
    reason = _kms_reason(facts)
    if reason is not None and not (reason.code == KMS_RISK and KMS_RISK in facts.accepted_risks):
        yield reason


def _kms_reason(facts: GateFacts) -> Reason | None:
    """What KMS says against the wave. `low` can be accepted by nobody; an unknown count can, where guests activate otherwise."""
    if not facts.windows_machines:
        return None
    if facts.kms is None:
        detail = f"{facts.windows_machines} Windows machines move and no KMS verdict exists"
        return Reason(KMS_RISK, "KMS", detail, "upload a reading of the KMS host")
    if facts.kms.state not in {"low", "unknown"}:
        return None
    remedy = facts.kms.remedy
    if facts.kms.state == "unknown":
        remedy += f" Where these guests activate by MAK or Active Directory, an approver can accept {KMS_RISK} for this wave."
    return Reason(f"kms_{facts.kms.state}", "KMS", facts.kms.detail, remedy, facts.kms.reading_id)


def _risk_reasons(facts: GateFacts) -> Iterator[Reason]:
    if not facts.boot_proven and BOOT_RISK not in facts.accepted_risks:
        yield Reason(
            BOOT_RISK,
            facts.wave,
            "no machine of this wave has been proven to boot in the pool",
            f"boot a machine of this kind in the pool by hand, then let an approver accept the risk {BOOT_RISK} for this wave",
        )
    if facts.from_packages and ORIGINAL_RISK not in facts.accepted_risks:
        yield Reason(
            ORIGINAL_RISK,
            facts.wave,
            f"{_listed(facts.from_packages)} come out of OVF packages: whether the machines these were exported from still run, "
            "and hold newer data, cannot be read",
            f"make sure that they are off and stay off, then let an approver accept the risk {ORIGINAL_RISK} for this wave",
            "kind of source",
        )
    if facts.unproven and PACKAGE_RISK not in facts.accepted_risks:
        yield Reason(
            PACKAGE_RISK,
            facts.wave,
            f"packages without a digest for each file: {_listed(facts.unproven)}; nobody can tell whether their disks are whole",
            f"export with a manifest and collect anew, or let an approver accept the risk {PACKAGE_RISK} for this wave",
            "about.lacking of the source",
        )


def _conversion_reasons(wave: str, conversions: tuple[ConversionView, ...]) -> Iterator[Reason]:
    waiting = [c for c in conversions if c.state not in READY_STATES | OUT_STATES]
    if not any(c.state in READY_STATES for c in conversions):
        yield Reason(
            "nothing_prepared",
            wave,
            "no machine of the wave is prepared in the pool",
            "start the wave and wait until its machines are ready",
        )
    for conversion in waiting:
        yield Reason(
            "not_prepared", conversion.name, f"it is {conversion.state}", "wait until it is ready, or take it out of the wave"
        )


def _warnings(facts: GateFacts) -> Iterator[Reason]:
    if facts.kms is not None and facts.kms.state in {"tight", "partial", "unknown"}:
        yield Reason(f"kms_{facts.kms.state}", "KMS", facts.kms.detail, facts.kms.remedy, facts.kms.reading_id)
    if facts.ha_intent != "required":
        remedy = "make sure that this was decided by name; set ha_intent to required before business moves"
        yield Reason("ha_off", facts.pool, "high availability is declared off for this pool, so its checks do not apply", remedy)
    for machine in facts.off_at_source:
        remedy = "take it out of the wave if it is meant to stay off"
        yield Reason("off_at_source", machine, "it is powered off at its source and will be started in the pool", remedy)
    if facts.readiness is not None:
        yield from facts.readiness.advice
    loose = [conversion.name for conversion in facts.conversions if conversion.verify != "full"]
    if loose:
        remedy = "set the verify policy to full and convert them anew, where their data must be proven"
        detail = f"not every block of {_listed(loose)} is read back and compared"
        yield Reason("not_read_back", facts.wave, detail, remedy)
    for conversion in facts.conversions:
        if conversion.state == "failed":
            yield Reason(
                "left_behind", conversion.name, conversion.error or "its conversion failed", conversion.next_step or "retry it"
            )
