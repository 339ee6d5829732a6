"""Family D, the heartbeat storage beyond its records: its server, the hosts' multipath settings, and the latency."""

from __future__ import annotations

from estate.facts.pool import PoolHostFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import cited, messages, outside_trials
from readiness.core.attested import aged, newest, number, of_host, per_host
from readiness.core.case import Case, heartbeat_sr
from readiness.core.checks.heartbeat import no_heartbeat_sr
from readiness.core.evidence import EvidenceKind
from readiness.core.latency import late_hosts, latency_of
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine
from readiness.core.timeouts import effective_timeout

_LOST = "HA_STATEFILE_LOST"
_APPROACHING = ("HA_STATEFILE_APPROACHING_TIMEOUT", "HA_HEARTBEAT_APPROACHING_TIMEOUT")


def _not_for(case: Case, sr: SrFacts, why: str) -> Answer:
    return Answer(
        Result.NOT_APPLICABLE, f"SR {sr.name} is of type {sr.kind}: {why}.", (case.point(f"SR[{sr.uuid}].type", sr.kind),)
    )


@check(
    "HA-067",
    family="heartbeat",
    title="NFS redundancy?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A file server with one head takes the heartbeat of every host with it.",
    remedy=("choose another heartbeat SR, or measure the server's failover and record evidence of kind nfs_server",),
    prerequisites=("HA-060",),
)
def file_server_is_redundant(case: Case) -> Answer:
    """The file server has two heads and moves between them faster than the timeout."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    if sr.kind != "nfs":
        return _not_for(case, sr, "its paths are asked for in HA-064 to HA-066")
    item = newest(case, EvidenceKind.NFS_SERVER, sr.uuid, sr.name)
    if item is None:
        return Answer(Result.UNKNOWN, f"Whether the server of SR {sr.name} is redundant is not known.")
    timeout_s, failover = effective_timeout(case.facts, case.policy).timeout_s, number(item, "failover_s")
    if (number(item, "heads") or 0) < 2:
        return aged(case, item, Answer(Result.FAIL, f"The server of SR {sr.name} has a single head."))
    if failover is None:
        return aged(case, item, Answer(Result.WARN, f"How long the server of SR {sr.name} takes to move is not known."))
    if isinstance(timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {timeout_s.reason}.", (case.cite(item),))
    text = f"The server of SR {sr.name} moves in {failover:g} s, T is {timeout_s} s."
    return aged(case, item, Answer(Result.PASS if failover < timeout_s else Result.FAIL, text))


@check(
    "HA-068",
    family="heartbeat",
    title="Vendor multipath settings applied?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="The array's own settings decide how long a dead path is waited for; hosts that differ fail over at different times.",
    remedy=(
        "sha256sum /etc/multipath/conf.d/custom.conf   (in dom0 of every host; record multipath_conf)",
        "copy the array vendor's file to every host, then: systemctl reload multipathd",
    ),
)
def multipath_settings_alike(case: Case) -> Answer:
    """Every host has the same multipath settings, and they are the vendor's."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    if sr.kind not in case.policy.block_types:
        return _not_for(case, sr, "it has no multipath settings")
    items = [of_host(case, EvidenceKind.MULTIPATH_CONF, host) for host in case.facts.hosts]
    seen = [item for item in items if item is not None]
    points = tuple(case.cite(item) for item in seen)
    if len({str(item.value.get("digest", "")).strip().lower() for item in seen}) > 1:
        return Answer(Result.FAIL, "The hosts' multipath settings differ.", points)
    if not items or len(seen) < len(items):
        return Answer(Result.UNKNOWN, "Nobody has read the multipath settings of every host.", points)
    if any(item.value.get("per_vendor") is not True for item in seen):
        return Answer(Result.WARN, "The hosts' multipath settings are alike; whether they are the vendor's is not known.", points)
    good = "The hosts' multipath settings are the vendor's."
    return combine([aged(case, item, Answer(Result.PASS, "")) for item in seen], good=good)


def _latency(case: Case, host: PoolHostFacts) -> Answer:
    """By the host's own statistics where it records them, else by what a person measured."""
    timeout_s = effective_timeout(case.facts, case.policy).timeout_s
    if isinstance(timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The heartbeat latency of {host.name} is not known at a known timeout.")
    told = _recorded(case, host)
    if told is not None:
        return told
    item = of_host(case, EvidenceKind.HEARTBEAT_LATENCY, host)
    if item is None:
        return Answer(Result.UNKNOWN, f"{host.name} does not record its heartbeat latency, and nobody has measured it.")
    worst_s = max(number(item, "statefile_max_s") or 0.0, number(item, "network_max_s") or 0.0)
    return aged(case, item, _against_half(host, worst_s, timeout_s))


def _recorded(case: Case, host: PoolHostFacts) -> Answer | None:
    """What the statistics say; None where they say too little. One latency beyond half of T is enough to warn."""
    late = late_hosts(case.facts, case.policy)
    told = latency_of(case.facts, host.uuid)
    timeout_s = effective_timeout(case.facts, case.policy).timeout_s
    if told is None or isinstance(timeout_s, Unknown):
        return None
    points = (
        case.point(f"host[{host.uuid}].rrd[statefile latency]", told.statefile_max_s),
        case.point(f"host[{host.uuid}].rrd[network latency]", told.network_max_s),
    )
    known = [each for each in (told.statefile_max_s, told.network_max_s) if not isinstance(each, Unknown)]
    if host.uuid in late or len(known) == len(points):
        answer = _against_half(host, max(known), timeout_s)
        return Answer(answer.result, answer.detail, points)
    return None


def _against_half(host: PoolHostFacts, worst_s: float, timeout_s: int) -> Answer:
    text = f"{host.name}: latency reached {worst_s:g} s, half of T is {timeout_s / 2:g} s."
    return Answer(Result.WARN if worst_s > timeout_s / 2 else Result.PASS, text)


@check(
    "HA-069",
    family="heartbeat",
    title="Heartbeat latency fine?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Latency beyond half of the timeout is the warning before a fence. Current pools raise no message for it.",
    remedy=(
        "xe host-data-source-record host=<each host> data-source=statefile/<statefile-vdi>/latency   (and network/latency)",
        "or read both in every host's own statistics, and record evidence of kind heartbeat_latency",
        "cut the load of the SAN, or tune a longer timeout",
    ),
    prerequisites=("HA-060",),
)
def latency_is_low(case: Case) -> Answer:
    """No message of a lost or late state file outside trials, and every host's measured latency below half of T."""
    found = messages(case, _LOST, *_APPROACHING)
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),))
    said = [
        Answer(
            Result.FAIL if each.name == _LOST else Result.WARN, f"{each.name} at {each.at:%Y-%m-%d %H:%M} UTC.", (cited(each),)
        )
        for each in outside_trials(case, found)
    ]
    return combine([*said, per_host(case, _latency, "")], good="Latency stayed below half of the timeout.")
