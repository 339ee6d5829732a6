"""Heartbeat latencies that hosts record, against half of the timeout: what is beyond it is the warning before a fence.

Source: xen-api `rrdd_ha_stats.ml`; xha sets "approaching timeout" beyond half of T.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from estate.facts.pool import HeartbeatLatencyFacts, PoolFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import trial_windows
from readiness.core.evidence import EvidenceItem
from readiness.core.policy import Policy
from readiness.core.timeouts import effective_timeout

WINDOW = timedelta(hours=1)
"""How far back statistics are read: the archive of minutes holds two hours."""
MINUTE = timedelta(minutes=1)


def latency_of(facts: PoolFacts, host_uuid: str) -> HeartbeatLatencyFacts | None:
    """What a host's statistics told; None where they were not read."""
    if isinstance(facts.latencies, Unknown):
        return None
    return next((told for told in facts.latencies if told.host_uuid == host_uuid), None)


def worst_s(told: HeartbeatLatencyFacts) -> float | None:
    """The higher of a host's latencies; None where neither is known."""
    return max((each for each in (told.statefile_max_s, told.network_max_s) if not isinstance(each, Unknown)), default=None)


def late_hosts(facts: PoolFacts, policy: Policy) -> dict[str, float]:
    """Uuid -> worst latency in seconds, of the hosts beyond half of the timeout in force."""
    timeout_s = effective_timeout(facts, policy).timeout_s
    if isinstance(timeout_s, Unknown) or isinstance(facts.latencies, Unknown):
        return {}
    found = {told.host_uuid: worst_s(told) for told in facts.latencies}
    return {uuid: s for uuid, s in found.items() if s is not None and s > timeout_s / 2}


def read_since(evidence: tuple[EvidenceItem, ...], now: datetime, *, under_trial: bool) -> datetime | None:
    """From when on latencies are read: an hour back, but not into a trial, whose stall is its own evidence.

    None while a trial runs, and for the minute after one, whose row still holds its stall.
    """
    ended = [end + MINUTE for _, end in trial_windows(evidence)]
    since = max([now - WINDOW, *ended])
    return None if under_trial or since + MINUTE > now else since
