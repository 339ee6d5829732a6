"""Family A, pool composition: are there enough hosts, and are they all there."""

from __future__ import annotations

from estate.facts.pool import PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case, names
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine


@check(
    "HA-001",
    family="composition",
    title="Enough hosts?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="With two hosts a cut link leaves two equal halves, and a healthy host may fence. Three live hosts are the least.",
    remedy=(
        "xe pool-join master-address={coordinator_address} master-username=root master-password=…   (on the new host, HA off)",
        "or run this pool without HA and set its ha_intent to off, with a manual restart runbook and its owner",
    ),
)
def enough_hosts(case: Case) -> Answer:
    """At least three hosts that are live and enabled; what is configured but down does not count."""
    hosts = case.facts.hosts
    sure = [host for host in hosts if host.live is True and host.enabled is True]
    perhaps = [host for host in hosts if host.live is not False and host.enabled is not False]
    points = tuple(
        point
        for host in hosts
        for point in (
            case.point(f"host_metrics[{host.uuid}].live", host.live),
            case.point(f"host[{host.uuid}].enabled", host.enabled),
        )
    )
    least = case.policy.min_hosts
    coordinator = next((host.address for host in hosts if host.uuid == case.facts.coordinator_uuid), "…")
    fills = ({"coordinator_address": coordinator},)
    if len(sure) >= least:
        return Answer(Result.PASS, f"{len(sure)} live, enabled hosts.", points)
    if len(perhaps) >= least:
        return Answer(Result.UNKNOWN, f"{len(sure)} hosts are known to be live and enabled; {least} are needed.", points, fills)
    return Answer(Result.FAIL, f"{len(perhaps)} live, enabled hosts; {least} are needed.", points, fills)


def _ticket(case: Case, host: PoolHostFacts) -> EvidenceItem | None:
    """The open maintenance ticket of a host, if a person recorded one that has not expired."""
    tickets = [item for item in case.attested(EvidenceKind.MAINTENANCE) if item.subject in (host.uuid, host.name)]
    return next((item for item in tickets if not case.is_stale(item)), None)


def _host_state(case: Case, host: PoolHostFacts) -> Answer:
    live, enabled = host.live, host.enabled
    points = (
        case.point(f"host_metrics[{host.uuid}].live", live),
        case.point(f"host[{host.uuid}].enabled", enabled),
        case.point(f"host[{host.uuid}].current_operations", list(host.current_operations)),
    )
    fills = ({"host_uuid": host.uuid},)
    if live is False:
        return Answer(Result.FAIL, f"{host.name} is not live; xapi refuses to enable HA (HOST_OFFLINE).", points, fills)
    if isinstance(live, Unknown) or isinstance(enabled, Unknown):
        return Answer(Result.UNKNOWN, f"It is not known whether {host.name} is live and enabled.", points, fills)
    if enabled:
        return Answer(Result.PASS, "", points)
    ticket = _ticket(case, host)
    if ticket is None:
        return Answer(Result.FAIL, f"{host.name} is disabled and no open maintenance ticket says why.", points, fills)
    return Answer(Result.WARN, f"{host.name} is disabled for maintenance ({ticket.who}).", (*points, case.cite(ticket)), fills)


@check(
    "HA-003",
    family="composition",
    title="All hosts live and enabled (none in maintenance)?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="A host that is down or in maintenance is capacity that is missing at the moment of the first fault.",
    remedy=("xe host-enable uuid={host_uuid}",),
)
def all_hosts_up(case: Case) -> Answer:
    """Every member live and enabled; a disabled one needs an open maintenance ticket."""
    if not case.facts.hosts:
        return Answer(Result.UNKNOWN, "The pool showed no host.")
    parts = [_host_state(case, host) for host in case.facts.hosts]
    return combine(parts, good=f"All of {names(case.facts.hosts)} are live and enabled.")
