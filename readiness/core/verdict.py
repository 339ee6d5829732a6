"""From check results to a verdict: what blocks, what a waiver covers, and the reasons a gate names.

Blocking is decided per check by the gate profile; an unknown blocks like a fail. Who may waive is the waiver class's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from estate.facts.planned import PlannedVm
from estate.facts.unknown import Unknown
from readiness.core.capacity import room_of, with_planned
from readiness.core.case import Case
from readiness.core.engine import HaIntent, run_checks
from readiness.core.evidence import EvidenceKind
from readiness.core.faults.pairs import single_points_of_failure
from readiness.core.faults.singles import SimulatedFault
from readiness.core.policy import GateProfile
from readiness.core.registry import Severity, WaiverClass
from readiness.core.results import CheckResult, Result


class VerdictState(StrEnum):
    """Whether a pool would hold."""

    READY = "ready"
    READY_WITH_WAIVERS = "ready_with_waivers"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class WaiverInForce:
    """An approved waiver of one check for this pool. `approved_at` starts the time it may last."""

    id: str
    check_id: str
    approved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a pool is not ready, as a gate shows it. `code` is the check's id, or a code of its own."""

    code: str
    subject: str
    detail: str
    remedy: tuple[str, ...]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judged checks, the verdict and its reasons. `refused_waivers` says which waivers did not count, and why."""

    state: VerdictState
    checks: tuple[CheckResult, ...]
    reasons: tuple[Reason, ...] = ()
    refused_waivers: tuple[str, ...] = ()


def _refusal(waiver: WaiverInForce, waiver_class: str, case: Case) -> str:
    """Why a waiver does not count; empty when it does. A class-A waiver may last no longer than the policy's days."""
    if waiver_class == WaiverClass.NEVER:
        return f"{waiver.check_id} cannot be waived"
    if waiver.expires_at <= case.at:
        return f"the waiver of {waiver.check_id} has expired"
    days = case.policy.waiver_max_days
    if waiver_class == WaiverClass.APPROVER and waiver.expires_at - waiver.approved_at > timedelta(days=days):
        return f"the waiver of {waiver.check_id} runs longer than {days} days"
    return ""


def may_block(check_id: str, severity: str, gate: GateProfile, planned: Sequence[PlannedVm]) -> bool:
    """Whether a fail of this check closes the gate.

    A profile that lists ids blocks on exactly those; one that lists none goes by the printed severity, where `b` counts only
    for a wave that brings protected VMs.
    """
    if gate.blocking is not None:
        return check_id in gate.blocking
    if severity == Severity.BLOCKS_PROTECTED:
        return any(vm.ha_restart_priority == "restart" for vm in planned)
    return severity == Severity.BLOCKS


def _usable(case: Case, results: Sequence[CheckResult], waivers: Sequence[WaiverInForce]) -> tuple[dict[str, str], list[str]]:
    """Check id -> waiver id for the waivers that count, and why the others do not."""
    classes = {result.id: result.waiver_class for result in results}
    usable: dict[str, str] = {}
    refused: list[str] = []
    for waiver in waivers:
        why = _refusal(waiver, classes.get(waiver.check_id, WaiverClass.APPROVER.value), case)
        if why:
            refused.append(why)
        else:
            usable[waiver.check_id] = waiver.id
    return usable, refused


def _judged(result: CheckResult, gate: GateProfile, planned: Sequence[PlannedVm], usable: dict[str, str]) -> CheckResult:
    bad = result.result in (Result.FAIL, Result.UNKNOWN)
    would_block = bad and may_block(result.id, result.severity, gate, planned)
    waived_by = usable.get(result.id, "") if would_block else ""
    return result.judged(blocks=would_block and not waived_by, waived_by=waived_by)


def _runbook_reason(case: Case) -> tuple[Reason, ...]:
    """A pool without HA needs a manual restart runbook, its owner, and the alternatives that were weighed."""
    for item in case.attested(EvidenceKind.MANUAL_RESTART_RUNBOOK):
        if item.value.get("owner") and item.value.get("alternatives") and not case.is_stale(item):
            return ()
    text = "This pool runs without HA, and no current manual restart runbook with owner and weighed alternatives is recorded."
    remedy = ("record evidence of kind manual_restart_runbook with value {owner, alternatives}",)
    return (Reason("runbook_missing", case.facts.name, text, remedy),)


def _room_reason(case: Case, intent: HaIntent) -> tuple[Reason, ...]:
    """VMs that find no memory while all hosts run do not start, with HA or without; no waiver of N+1 speaks of that.

    Where the room could not be read, HA-086 says so of a pool with HA.
    """
    room = room_of(case.facts)
    if not case.planned or (isinstance(room, Unknown) and intent is not HaIntent.OFF):
        return ()
    if isinstance(room, Unknown):
        text, remedy = (
            f"Whether the wave's VMs find memory is not known: {room.reason}.",
            "make it readable and collect the pool again",
        )
    elif with_planned(room, case.facts, case.planned) is None:
        free = sum(room.free_bytes.values()) >> 30
        text = f"The wave's {len(case.planned)} VMs do not find memory on the pool's hosts, which have {free} GiB free."
        remedy = "free memory, add a host, or move fewer machines in this wave"
    else:
        return ()
    return (Reason("no_room_for_wave", case.facts.name, text, (remedy,)),)


def _reason(case: Case, result: CheckResult) -> Reason:
    return Reason(
        result.id,
        case.facts.name,
        f"{result.title} {result.detail}",
        result.remediation,
        tuple(f"{point.path} = {point.value}" for point in result.evidence),
    )


EXCUSED_BY = {
    "host": ("HA-001",),
    "nic": ("HA-041", "HA-042"),
    "switch": ("HA-044", "HA-045", "HA-066"),
    "storage_link": ("HA-065", "HA-066"),
    "storage_node": ("HA-024", "HA-026", "HA-066"),
    "storage_port": ("HA-065", "HA-066"),
    "power_feed": ("HA-044", "HA-066"),
}
"""Who knows and accepts that such a thing takes more than one host with it has waived one of these checks."""


def _fault_reason(case: Case, fault: SimulatedFault) -> Reason:
    dark = f"{', '.join(fault.hosts_off)} without power; " if fault.hosts_off else ""
    fenced = f"{dark}{', '.join(fault.hosts_fenced) or 'no host'} fence; {', '.join(fault.survivors) or 'no host'} survive"
    stranded = f"; {', '.join(fault.vms_stranded)} find no host" if fault.vms_stranded else ""
    kind = fault.kind.replace("_", " ")
    text = f"Single point of failure: without {kind} {fault.subject} {fenced}{stranded}. {fault.rule}."
    checks = " or ".join(EXCUSED_BY[fault.kind])
    remedy = (
        f"take the dependence on {kind} {fault.subject} away",
        f"or have {checks} waived by an approver who accepts the loss",
    )
    return Reason("single_point_of_failure", case.facts.name, text, remedy)


def judge(
    case: Case,
    *,
    intent: HaIntent,
    gate: GateProfile,
    waivers: Sequence[WaiverInForce] = (),
    faults: Sequence[SimulatedFault] = (),
) -> Verdict:
    """Ask all checks of a case and say whether the pool is ready for its planned VMs. `faults`: what was simulated of it."""
    classes_of = run_checks(case, intent)
    usable, refused = _usable(case, classes_of, waivers)
    results = run_checks(case, intent, waived=usable)
    checks = tuple(_judged(result, gate, case.planned, usable) for result in results)
    reasons = tuple(_reason(case, check) for check in checks if check.blocks) + _room_reason(case, intent)
    if intent is HaIntent.OFF:
        reasons += _runbook_reason(case)
    points = single_points_of_failure(faults)
    reasons += tuple(_fault_reason(case, fault) for fault in points if usable.keys().isdisjoint(EXCUSED_BY[fault.kind]))
    if reasons:
        return Verdict(VerdictState.NOT_READY, checks, reasons, tuple(refused))
    waived = bool(points) or any(check.waived_by for check in checks)
    return Verdict(VerdictState.READY_WITH_WAIVERS if waived else VerdictState.READY, checks, (), tuple(refused))


FRESH_FOR = timedelta(hours=4)


def closed_by(verdict: Verdict, *reasons: Reason) -> Verdict:
    """The verdict made not ready by further reasons; unchanged without any."""
    if not reasons:
        return verdict
    return Verdict(VerdictState.NOT_READY, verdict.checks, (*reasons, *verdict.reasons), verdict.refused_waivers)


def unreachable(pool: str, why: str) -> Verdict:
    """The verdict on a pool that could not be read when it had to be: that is a fail (freeze rule)."""
    remedy = ("restore the way to the pool's coordinator, then evaluate again",)
    return Verdict(VerdictState.NOT_READY, (), (Reason("pool_unreachable", pool, f"The pool could not be read: {why}", remedy),))


def staleness(case: Case) -> tuple[Reason, ...]:
    """The reason a cutover may not rest on these facts: they are older than four hours (freeze rule)."""
    if not case.for_cutover or case.at - case.facts.collected_at <= FRESH_FOR:
        return ()
    text = f"The facts are of {case.facts.collected_at:%Y-%m-%d %H:%M} UTC; a cutover needs facts of the last four hours."
    return (Reason("facts_stale", case.facts.name, text, ("collect the pool, then evaluate again",)),)
