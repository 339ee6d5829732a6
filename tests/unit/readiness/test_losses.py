"""What a pool has lost since an earlier reading: each kind once, nothing twice, and nothing for what became better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replace_dataclass

import pytest
from msgspec.structs import replace

from estate.facts.pool import HeartbeatLatencyFacts, PoolFacts, PoolMessageFacts
from estate.facts.unknown import Unknown
from readiness.core.engine import HaIntent
from readiness.core.losses import LossKind, losses, turned, verdict_lost
from readiness.core.results import CheckResult, Result
from readiness.core.verdict import VerdictState
from tests.builders.evidence import full_evidence
from tests.builders.pools import NOW, a_pool, changed, with_host, with_pbd
from tests.unit.readiness.cases import a_case

GONE = Unknown("not read")


def late(s: float) -> tuple[HeartbeatLatencyFacts, ...]:
    return (HeartbeatLatencyFacts("h1", NOW, s, 0.01),)


def alert(name: str) -> PoolMessageFacts:
    return PoolMessageFacts("m1", name, 3, "Host", "h2", "", NOW)


def with_links(facts: PoolFacts, links: int | Unknown) -> PoolFacts:
    return replace(facts, bonds=tuple(replace(b, links_up=links) if b.uuid == "h2-bond" else b for b in facts.bonds))


def lost(after: PoolFacts, before: PoolFacts | None = None, intent: HaIntent = HaIntent.REQUIRED) -> list[tuple[str, str]]:
    earlier = before or a_pool()
    found = losses(earlier, a_case(after, full_evidence(earlier)), intent)
    return [(str(loss.kind), loss.path) for loss in found]


@pytest.mark.parametrize(
    ("worse", "kind", "path"),
    [
        (changed(ha_enabled=False), "ha_off", "pool.ha_enabled"),
        (changed(ha_enabled=GONE), "ha_off", "pool.ha_enabled"),
        (changed(ha_configuration={}, other_config={"default_ha_timeout": "130"}), "timeout_reset",
         "pool.ha_configuration.timeout"),
        (changed(other_config={}), "default_lost", "pool.other_config.default_ha_timeout"),
        (lambda facts: with_host(facts, "h2", live=False), "host_away", "host[h2].live"),
        (lambda facts: with_host(facts, "h2", live=GONE), "host_away", "host[h2].live"),
        (lambda facts: replace(facts, hosts=facts.hosts[:2]), "host_away", "host[h3].live"),
        (lambda facts: with_host(facts, "h2", enabled=False), "host_away", "host[h2].enabled"),
        (lambda facts: with_links(facts, 1), "bond_degraded", "Bond[h2-bond].links_up"),
        (lambda facts: with_links(facts, GONE), "bond_degraded", "Bond[h2-bond].links_up"),
        (lambda facts: with_pbd(facts, "h2", paths_active=1), "path_lost", "PBD[h2-pbd-hb].paths_active"),
        (lambda facts: with_pbd(facts, "h2", paths_active=GONE), "path_lost", "PBD[h2-pbd-hb].paths_active"),
        (lambda facts: with_pbd(facts, "h2", currently_attached=False), "sr_unplugged", "PBD[h2-pbd-hb].currently_attached"),
        (changed(latencies=late(60.5)), "latency_high", "host[h1].heartbeat_latency"),
        (changed(messages=(alert("HA_HOST_WAS_FENCED"),)), "alert", "message[m1].name"),
    ],
)  # fmt: skip
def test_each_loss_is_told_by_the_fact_that_shows_it(worse: Callable[[PoolFacts], PoolFacts], kind: str, path: str) -> None:
    assert lost(worse(a_pool())) == [(kind, path)]


@pytest.mark.parametrize(
    "better",
    [
        lambda facts: facts,
        lambda facts: with_pbd(facts, "h2", paths_active=4),
        changed(latencies=late(59.0)),
        changed(messages=(alert("VM_STARTED"),)),
    ],
)
def test_what_stays_or_grows_is_no_loss(better: Callable[[PoolFacts], PoolFacts]) -> None:
    assert lost(better(a_pool())) == []


def test_a_host_that_is_away_is_told_once_and_not_for_its_bond_and_connections() -> None:
    after = with_pbd(with_links(with_host(a_pool(), "h2", live=False), 0), "h2", currently_attached=False)
    assert lost(after) == [("host_away", "host[h2].live")]


def test_a_timeout_without_trials_is_compared_with_the_earlier_one() -> None:
    before, after = a_pool(timeout_s=90), replace(a_pool(timeout_s=90), ha_configuration={"timeout": "60"})
    [loss] = losses(before, a_case(after, ()), HaIntent.REQUIRED)
    assert (loss.kind, loss.before, loss.after) == (LossKind.TIMEOUT_RESET, "90 s", "60 s")
    assert losses(after, a_case(before, ()), HaIntent.REQUIRED) == ()


def test_a_pool_that_is_meant_to_run_without_ha_loses_none() -> None:
    assert lost(changed(ha_enabled=False)(a_pool()), intent=HaIntent.OFF) == []


def test_a_message_that_was_there_before_is_no_loss() -> None:
    pool = changed(messages=(alert("HA_HOST_FAILED"),))(a_pool())
    assert lost(pool, before=pool) == []


def test_checks_that_answer_worse_are_named_and_a_lost_verdict_is_a_loss() -> None:
    good = CheckResult("HA-1", "", "", "", "", Result.PASS, "")
    unknown = replace_dataclass(good, result=Result.UNKNOWN)
    assert turned([good], [unknown]) == ("HA-1",) and turned([unknown], [good]) == ()
    [loss] = verdict_lost(VerdictState.READY, VerdictState.NOT_READY, "p")
    assert loss.kind is LossKind.NOT_READY
    assert verdict_lost(VerdictState.NOT_READY, VerdictState.NOT_READY, "p") == ()
