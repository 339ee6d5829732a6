"""Family B, HA configuration: is HA on, which timeout is in force, does a restart plan exist.

The checks that rest on failover trials are in tuning.py.
"""

from __future__ import annotations

from estate.facts.unknown import Unknown
from readiness.core.capacity import predicted_tolerance
from readiness.core.case import Case, heartbeat_sr
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result
from readiness.core.timeouts import effective_timeout

ENABLE = "xe pool-ha-enable heartbeat-sr-uuids={sr_uuid} ha-config:timeout={timeout_s}"


def enable_fills(case: Case, timeout_s: int) -> tuple[dict[str, str], ...]:
    """Placeholder values of the enable command; an SR that is not known stays a placeholder a person fills."""
    sr = heartbeat_sr(case.facts)
    sr_uuid = "<heartbeat-sr-uuid>" if isinstance(sr, Unknown) else sr.uuid
    return ({"pool_uuid": case.facts.uuid, "sr_uuid": sr_uuid, "timeout_s": str(timeout_s)},)


@check(
    "HA-020",
    family="ha_config",
    title="HA enabled (when required)?",
    severity=Severity.BLOCKS_PROTECTED,
    waiver=WaiverClass.APPROVER,
    why="A pool that was meant to restart VMs after a host failure restarts none while HA is off.",
    remedy=(ENABLE,),
)
def ha_enabled(case: Case) -> Answer:
    """HA is on."""
    enabled = case.facts.ha_enabled
    points = (case.point("pool.ha_enabled", enabled),)
    fills = enable_fills(case, case.policy.proposed_timeout_s)
    if isinstance(enabled, Unknown):
        return Answer(Result.UNKNOWN, f"Whether HA is on could not be read: {enabled.reason}.", points, fills)
    if enabled:
        return Answer(Result.PASS, "HA is on.", points)
    return Answer(Result.FAIL, f"HA is off on pool {case.facts.name}, which requires it.", points, fills)


def _attested_timeouts(case: Case) -> dict[str, tuple[int, EvidenceItem]]:
    """Host uuid -> the newest HeartbeatTimeout a person read in that host's xhad configuration."""
    found: dict[str, tuple[int, EvidenceItem]] = {}
    for item in case.attested(EvidenceKind.XHAD_TIMEOUT):
        seconds = item.value.get("timeout_s")
        host = next((h.uuid for h in case.facts.hosts if item.subject in (h.uuid, h.name)), None)
        if host is not None and isinstance(seconds, int) and not isinstance(seconds, bool):
            found.setdefault(host, (seconds, item))
    return found


def _agreement(case: Case, timeout_s: int, source: str, points: tuple[EvidencePoint, ...]) -> Answer:
    read = _attested_timeouts(case)
    cited = (*points, *(case.cite(item) for _, item in read.values()))
    other = [f"{case.host_name(uuid)}: {seconds} s" for uuid, (seconds, _) in read.items() if seconds != timeout_s]
    if other:
        return Answer(Result.FAIL, f"The pool says {timeout_s} s, but hosts were found at {', '.join(other)}.", cited)
    unread = [host.name for host in case.facts.hosts if host.uuid not in read]
    if unread:
        text = f"T = {timeout_s} s from {source}; nobody has read the configuration of {', '.join(unread)}."
        if "default_ha_timeout" in source:
            text += " A default counts only if it was set before HA was last enabled."
        return Answer(Result.WARN, text, cited)
    if any(case.is_stale(item) for _, item in read.values()):
        result = Result.FAIL if case.for_cutover else Result.WARN
        return Answer(result, f"T = {timeout_s} s from {source}; the hosts' own configuration was read too long ago.", cited)
    return Answer(Result.PASS, f"T = {timeout_s} s, and every host's own configuration agrees.", cited)


@check(
    "HA-021",
    family="ha_config",
    title="Effective timeout T known?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Everything about fencing follows from T. xapi reads it when HA is enabled and freezes it into each host.",
    remedy=(
        "grep HeartbeatTimeout /etc/xensource/xhad.conf   (on every host; record what it says)",
        "where hosts differ or T is too low, set T again with the commands of HA-022",
    ),
)
def timeout_known(case: Case) -> Answer:
    """The timeout by the API, and the same in each host's daemon configuration."""
    effective = effective_timeout(case.facts, case.policy)
    points = (case.point(effective.source, effective.timeout_s),)
    if isinstance(effective.timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {effective.timeout_s.reason}.", points)
    if effective.timeout_s < case.policy.timeout_floor_s:
        text = f"T = {effective.timeout_s} s is below the {case.policy.timeout_floor_s} s xapi accepts."
        return Answer(Result.FAIL, text, points)
    return _agreement(case, effective.timeout_s, effective.source, points)


def _plan_fields(case: Case, exists_for: int, tolerate: int, points: tuple[EvidencePoint, ...]) -> Answer:
    fills = ({"pool_uuid": case.facts.uuid},)
    if exists_for < tolerate:
        text = f"A restart plan exists for {exists_for} failures, but {tolerate} are to be tolerated."
        return Answer(Result.FAIL, text, points, fills)
    if not case.planned:
        return Answer(Result.PASS, f"A restart plan exists for {exists_for} failures ({tolerate} to be tolerated).", points)
    predicted = predicted_tolerance(case.facts, case.planned)
    cited = (*points, case.point(f"model: failures tolerated with {len(case.planned)} planned VMs", predicted))
    if isinstance(predicted, Unknown):
        return Answer(Result.UNKNOWN, f"The plan after this wave cannot be computed: {predicted.reason}.", cited, fills)
    if predicted < 0:
        return Answer(Result.FAIL, f"The {len(case.planned)} planned VMs do not fit, even with every host up.", cited, fills)
    if predicted < tolerate:
        text = f"With the {len(case.planned)} planned VMs the pool would tolerate {predicted} failures instead of {tolerate}."
        return Answer(Result.FAIL, text, cited, fills)
    return Answer(Result.PASS, f"Also with the {len(case.planned)} planned VMs {tolerate} failures are planned for.", cited)


@check(
    "HA-028",
    family="ha_config",
    title="Plan exists?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="HA restarts only what fits on the survivors. A plan for fewer failures than promised leaves VMs down.",
    remedy=(
        "xe pool-ha-compute-max-host-failures-to-tolerate",
        "free memory, or lower the protection of some VMs: xe vm-param-set uuid=<vm> ha-restart-priority=best-effort",
        "xe pool-param-list uuid={pool_uuid} | grep ha-plan-exists-for",
    ),
    prerequisites=("HA-001", "HA-003"),
)
def plan_exists(case: Case) -> Answer:
    """xapi's plan covers the failures to tolerate, today and with the planned VMs added."""
    facts = case.facts
    points = (
        case.point("pool.ha_plan_exists_for", facts.ha_plan_exists_for),
        case.point("pool.ha_host_failures_to_tolerate", facts.ha_host_failures_to_tolerate),
    )
    if facts.ha_enabled is not True:
        return Answer(Result.UNKNOWN, "xapi keeps a restart plan only while HA is on.", points, ({"pool_uuid": facts.uuid},))
    exists_for, tolerate = facts.ha_plan_exists_for, facts.ha_host_failures_to_tolerate
    if isinstance(exists_for, Unknown) or isinstance(tolerate, Unknown):
        return Answer(Result.UNKNOWN, "The plan's figures could not be read.", points, ({"pool_uuid": facts.uuid},))
    return _plan_fields(case, exists_for, tolerate, points)


@check(
    "HA-027",
    family="ha_config",
    title="Tolerated failures set?",
    severity=Severity.BLOCKS_PROTECTED,
    waiver=WaiverClass.APPROVER,
    why="A pool that is told to tolerate no failure keeps no plan for one.",
    remedy=(
        "xe pool-ha-compute-max-host-failures-to-tolerate",
        "xe pool-param-set uuid={pool_uuid} ha-host-failures-to-tolerate=1",
    ),
)
def failures_to_tolerate_set(case: Case) -> Answer:
    """At least one host may fail."""
    tolerate, fills = case.facts.ha_host_failures_to_tolerate, ({"pool_uuid": case.facts.uuid},)
    points = (case.point("pool.ha_host_failures_to_tolerate", tolerate),)
    if isinstance(tolerate, Unknown):
        return Answer(Result.UNKNOWN, f"Could not be read: {tolerate.reason}.", points, fills)
    if tolerate < 1:
        return Answer(Result.FAIL, "The pool is told to tolerate no host failure.", points, fills)
    return Answer(Result.PASS, f"The pool is told to tolerate {tolerate}.", points)


@check(
    "HA-029",
    family="ha_config",
    title="Overcommitted?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="An overcommitted pool has promised restarts for which the survivors have no memory.",
    remedy=("free memory, or lower the protection of some VMs", "xe pool-param-set uuid={pool_uuid} ha-allow-overcommit=false"),
)
def not_overcommitted(case: Case) -> Answer:
    """The pool keeps its promises, and refuses those it could not keep."""
    over, allowed = case.facts.ha_overcommitted, case.facts.ha_allow_overcommit
    points = (case.point("pool.ha_overcommitted", over), case.point("pool.ha_allow_overcommit", allowed))
    fills = ({"pool_uuid": case.facts.uuid},)
    if over is True:
        return Answer(Result.FAIL, "The pool is overcommitted: some protected VMs would stay down.", points, fills)
    if isinstance(over, Unknown) or isinstance(allowed, Unknown):
        return Answer(Result.UNKNOWN, "Whether the pool is overcommitted could not be read.", points, fills)
    if allowed:
        return Answer(
            Result.WARN, "The pool may be overcommitted: it takes more protected VMs than it can restart.", points, fills
        )
    return Answer(Result.PASS, "The pool is not overcommitted and cannot become it.", points)
