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


K = EvidenceKind
SAID: dict[EvidenceKind, dict[str, Any]] = {
    K.NTP_TRACKING: {"synced": True, "offset_s": 0.1, "servers": 2},
    K.NETWORK_PULL_TEST: {"nic_pulled": True, "switch_off": True, "fenced": False},
    K.MULTIPATH_CONF: {"digest": "ab12", "per_vendor": True},
    K.HEARTBEAT_LATENCY: {"statefile_max_s": 2.0, "network_max_s": 0.5},
    K.DOM0_DISK: {"used_percent": 40},
    K.XAPI_HEALTHCHECK: {"ok": True},
    K.DATABASE_DUMP: {"stored_off_pool": True},
    K.GUEST_SHUTDOWN_CHOICE: {"restart": True},
    K.MAINTENANCE_PLAN: {"disables_hosts": True, "rechecks_timeout": True},
    K.EMERGENCY_RUNBOOK: {"has_commands": True, "console_tested": True},
    K.HEARTBEAT_PORT: {"open": True},
    K.FEATURE_REVIEW: {"ha_left_on": True},
    K.COORDINATOR_CHOICE: {"stays": True},
    K.HOST_FAILURE_TEST: {"vms_restarted": True, "restart_s": 150.0},
    K.NFS_SERVER: {"heads": 2, "failover_s": 30.0},
    K.BUSINESS_ROLE: {"critical": True, "rto_s": 3600},
    K.STORAGE_PATHS: {
        "paths": [{"port": "hba0", "node": "san-a", "switch": "fab-a"}, {"port": "hba1", "node": "san-b", "switch": "fab-b"}]
    },
    K.POWER_FEED: {"hosts": [], "switches": ["sw-a"], "storage_nodes": []},
    K.ALERT_TRIAGE: {"note": "a planned cable pull"},
}
"""What a healthy pool's people say, per simple kind."""
OF_EACH_HOST = (
    K.NTP_TRACKING, K.NETWORK_PULL_TEST, K.MULTIPATH_CONF, K.HEARTBEAT_LATENCY, K.DOM0_DISK, K.XAPI_HEALTHCHECK,
    K.STORAGE_PATHS,
)  # fmt: skip
SUBJECTS = {
    K.COORDINATOR_CHOICE: "h1",
    K.HOST_FAILURE_TEST: "h1",
    K.NFS_SERVER: HEARTBEAT_SR,
    K.BUSINESS_ROLE: "vm1",
    K.POWER_FEED: "feed A",
}


def said(facts: PoolFacts, kind: EvidenceKind, subject: str | None = None, **value: Any) -> EvidenceItem:
    """An attestation of a simple kind as a healthy pool has it, bound to the facts; members of its value may be others."""
    about = SUBJECTS.get(kind, "") if subject is None else subject
    item = an_item(kind, about, {**SAID[kind], **value}, bound_to=binding_of(facts, kind, about))
    return replace(item, id=f"{kind}-{about}")


def said_of_hosts(facts: PoolFacts, kind: EvidenceKind, **value: Any) -> tuple[EvidenceItem, ...]:
    """One such attestation per host."""
    return tuple(said(facts, kind, host.uuid, **value) for host in facts.hosts)


def every_attestation(facts: PoolFacts) -> tuple[EvidenceItem, ...]:
    """All that every check can ask of people, and good throughout."""
    once = [kind for kind in SAID if kind not in (*OF_EACH_HOST, K.ALERT_TRIAGE)]
    hosts = tuple(item for kind in OF_EACH_HOST for item in said_of_hosts(facts, kind))
    return (*full_evidence(facts), *hosts, *(said(facts, kind) for kind in once))
