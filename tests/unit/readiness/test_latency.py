"""Heartbeat latencies that hosts record: what HA-069 says of them, and from when on they are read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import HeartbeatLatencyFacts, PoolFacts
from estate.facts.unknown import Unknown
from readiness.core.evidence import EvidenceKind
from readiness.core.latency import read_since
from tests.builders.evidence import a_trial, full_evidence, said_of_hosts
from tests.builders.pools import NOW, a_pool
from tests.unit.readiness.cases import a_case, ask

GONE = Unknown("not recorded")


def recorded(statefile_s: float | Unknown, network_s: float | Unknown = 0.01) -> PoolFacts:
    pool = a_pool()
    return replace(pool, latencies=tuple(HeartbeatLatencyFacts(h.uuid, NOW, statefile_s, network_s) for h in pool.hosts))


@pytest.mark.parametrize(
    ("facts", "is_measured", "result"),
    [
        (recorded(0.01), False, "pass"),
        (recorded(60.0), False, "pass"),
        (recorded(60.5), False, "warn"),
        (recorded(0.01, 61.0), False, "warn"),
        (recorded(61.0, GONE), False, "warn"),
        (recorded(0.01, GONE), False, "unknown"),
        (recorded(GONE, GONE), False, "unknown"),
        (recorded(0.01, GONE), True, "pass"),
        (recorded(61.0), True, "warn"),
        (a_pool(), True, "pass"),
        (a_pool(), False, "unknown"),
    ],
)
def test_latency_is_judged_by_what_hosts_record_and_else_by_what_people_measured(
    facts: PoolFacts, is_measured: bool, result: str
) -> None:
    measured = said_of_hosts(facts, EvidenceKind.HEARTBEAT_LATENCY) if is_measured else ()
    assert ask("HA-069", a_case(facts, (*full_evidence(facts), *measured))).result == result


def test_latencies_are_read_an_hour_back_but_not_into_a_trial() -> None:
    ended = NOW - timedelta(minutes=20)
    window = {"started_at": (ended - timedelta(minutes=5)).isoformat(), "ended_at": ended.isoformat()}
    trial = a_trial(a_pool(), **window)
    assert read_since((), NOW, under_trial=False) == NOW - timedelta(hours=1)
    assert read_since((trial,), NOW, under_trial=False) == ended + timedelta(minutes=1)
    assert read_since((trial,), ended + timedelta(seconds=90), under_trial=False) is None
    assert read_since((), NOW, under_trial=True) is None
