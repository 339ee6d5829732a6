"""Attestations for tests: a complete, current set for `a_pool()` and its parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from estate.facts.pool import PoolFacts
from readiness.core.evidence import EvidenceItem, EvidenceKind, binding_of
from tests.builders.pools import HEARTBEAT_SR, NODES, NOW, PORTALS

YESTERDAY = NOW - timedelta(days=1)


def an_item(kind: EvidenceKind, subject: str, value: dict[str, Any], **changes: Any) -> EvidenceItem:
    item = EvidenceItem(f"{kind}-{subject}-{len(value)}", kind, subject, value, YESTERDAY, "Ada Operator")
    return replace(item, **changes)


def a_trial(
    facts: PoolFacts,
    node: str = "san-a",
    *,
    timeout_s: int = 120,
    fenced: tuple[str, ...] = (),
    watched: tuple[str, ...] | None = None,
    tested_at: datetime = YESTERDAY,
    **value: Any,
) -> EvidenceItem:
    """A hard power cycle of a node, watched on every host, that took 70 s to fail over."""
    hosts = watched if watched is not None else tuple(host.uuid for host in facts.hosts)
    said = {
        "method": "hard_power_cycle",
        "hosts": [{"host_uuid": uuid, "fenced": uuid in fenced} for uuid in hosts],
        "statefile_lost": False,
        "max_latency_s": 71.0,
        "mirror_in_sync": True,
        "failover_s": 70.0,
        **value,
    }
    return EvidenceItem(
        id=f"trial-{node}-{timeout_s}-{'-'.join(hosts)}",
        kind=EvidenceKind.FAILOVER_TEST,
        subject=HEARTBEAT_SR,
        value=said,
        tested_at=tested_at,
        who="Ada Operator",
        timeout_s=timeout_s,
        storage_node=node,
        bound_to=binding_of(facts, EvidenceKind.FAILOVER_TEST, HEARTBEAT_SR),
    )


def storage_nodes(nodes: tuple[str, ...] = NODES) -> EvidenceItem:
    listed = [{"name": node, "portals": list(PORTALS.get(node, ()))} for node in nodes]
    return an_item(EvidenceKind.STORAGE_NODES, HEARTBEAT_SR, {"nodes": listed})


def a_switch(pif: str, switch: str, *, source: str = "lldp", stack: str = "", **changes: Any) -> EvidenceItem:
    value = {"switch": switch, "source": source, "stack": stack}
    return an_item(EvidenceKind.SWITCH_OF_SLAVE, pif, value, **{"id": f"switch-{pif}", **changes})


def switches(facts: PoolFacts, *, source: str = "lldp") -> tuple[EvidenceItem, ...]:
    """eth0 of every host on sw-a, eth1 on sw-b."""
    wires = {"eth0": "sw-a", "eth1": "sw-b"}
    return tuple(a_switch(pif.uuid, wires[pif.device], source=source) for pif in facts.pifs if pif.device in wires)


def xhad(facts: PoolFacts, timeout_s: int = 120) -> tuple[EvidenceItem, ...]:
    """Every host's own configuration, read by a person."""
    return tuple(an_item(EvidenceKind.XHAD_TIMEOUT, host.uuid, {"timeout_s": timeout_s}) for host in facts.hosts)


def full_evidence(facts: PoolFacts, *, timeout_s: int = 120) -> tuple[EvidenceItem, ...]:
    """All a healthy pool needs to be ready."""
    trials = tuple(a_trial(facts, node, timeout_s=timeout_s) for node in NODES)
    return (storage_nodes(), *trials, *switches(facts), *xhad(facts, timeout_s))
