"""Each bad state of the lab's pool, read over the wire: the check it is named after fires, and was quiet before."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from estate.connection import Connection
from estate.facts.pool import PoolFacts
from estate.xapi.pool import read_facts
from estate.xapi.session import XapiSession
from lab.xapi_sim.bad_states import BAD_STATES
from project.backbone.clock import now
from readiness.core.case import Case
from readiness.core.engine import HaIntent, run_checks
from readiness.core.evidence import EvidenceItem, EvidenceKind, binding_of
from readiness.core.evidence import EvidenceKind as K
from readiness.core.registry import registered
from readiness.core.results import CheckResult
from readiness.selectors.profiles import policy
from tests.contract.xapi_sim.pool_wire import PASSWORD, Wire, start_pool

WARNS = {"HA-002", "HA-026", "HA-030", "HA-043", "HA-049", "HA-074", "HA-081", "HA-089"}
"""Checks whose worst answer to what a pool shows is a warning."""
WORD_ONLY = {
    "HA-013": "whether the coordinator stays in the pool is an intention",
    "HA-031": "a maintenance plan is a document",
    "HA-032": "so is the emergency runbook",
    "HA-044": "which switch a cable ends in is seen from the switch or by LLDP, not by the pool",
    "HA-045": "the same",
    "HA-051": "whether a firewall stands between the hosts is tried by a person",
    "HA-052": "pulling cables is done by a person",
    "HA-067": "what stands behind an NFS server's address is known to its owner",
    "HA-068": "the settings lie in a file of dom0 that no call reads",
    "HA-094": "which jobs switch HA off is known to their owners",
    "HA-095": "whether a host was powered off on purpose is known to who did it",
}
"""Checks that no field of a pool can turn bad, and why: an operator's word is all there is."""
SWITCHES = {"eth0": "sw-a", "eth2": "sw-b", "eth1": "sw-a", "eth3": "sw-b"}
NODES = {"san-a": "10.20.0.201", "san-b": "10.20.0.202"}
TUNED_S = 60
YESTERDAY = timedelta(days=1)


def an_item(facts: PoolFacts, kind: EvidenceKind, subject: str, value: dict[str, Any], **more: Any) -> EvidenceItem:
    item = EvidenceItem(f"{kind}-{subject}-{more}", kind, subject, value, facts.collected_at - YESTERDAY, "Ada")
    return replace(item, bound_to=binding_of(facts, kind, subject), **more)


def words_of(facts: PoolFacts) -> list[EvidenceItem]:
    """What the operators of this healthy pool have attested: without it some checks know nothing before the pool turns bad."""
    sr = next(sr.uuid for sr in facts.srs if sr.kind == "lvmoiscsi")
    protected = [vm for vm in facts.vms if not vm.is_control_domain and vm.ha_restart_priority == "restart"]
    vms = sorted(protected, key=lambda vm: vm.order if isinstance(vm.order, int) else 0)[:: len(protected) - 1]
    hosts = [{"host_uuid": host.uuid, "fenced": False} for host in facts.hosts]
    trial = {"method": "hard_power_cycle", "hosts": hosts, "statefile_lost": False, "max_latency_s": 40.0, "mirror_in_sync": True}
    roles: list[dict[str, Any]] = [{"critical": True, "rto_s": 900, "role": "domain_controller"} for _ in vms]
    roles[1]["start_after"] = [vms[0].uuid]
    return [
        an_item(facts, K.STORAGE_NODES, sr, {"nodes": [{"name": name, "portals": [at]} for name, at in NODES.items()]}),
        *(
            an_item(facts, K.FAILOVER_TEST, sr, {**trial, "failover_s": 40.0}, timeout_s=TUNED_S, storage_node=node)
            for node in NODES
        ),
        *(
            an_item(facts, K.SWITCH_OF_SLAVE, pif.uuid, {"switch": SWITCHES[pif.device], "source": "lldp"})
            for pif in facts.pifs
            if pif.device in SWITCHES
        ),
        *(an_item(facts, K.XHAD_TIMEOUT, host.uuid, {"timeout_s": TUNED_S}) for host in facts.hosts),
        an_item(facts, K.DATABASE_DUMP, "", {"stored_off_pool": True}),
        an_item(facts, K.GUEST_SHUTDOWN_CHOICE, "", {"restart": True}),
        *(an_item(facts, K.BUSINESS_ROLE, vm.uuid, role) for vm, role in zip(vms, roles, strict=True)),
    ]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    running = start_pool(tmp_path)
    store = running.sim.pool.store
    for place, vm in enumerate(store.where("VM", ha_restart_priority="restart")):
        store.set("VM", vm, order=place)
    yield running
    running.control.stop()
    running.sim.stop()


def facts_of(wire: Wire) -> PoolFacts:
    lab = wire.sim.lab_json()
    pins = frozenset(host["sha256"] for host in lab["hosts"])
    with XapiSession(Connection(url=lab["url"], username=lab["user"], password=PASSWORD, pins=pins, name="lab")) as session:
        return read_facts(session, now())


def asked(facts: PoolFacts, check_id: str, words: list[EvidenceItem]) -> CheckResult:
    ids = [f"HA-{n:03}" for n in range(100)]
    case = Case(facts, policy("xenserver-8"), facts.collected_at, evidence=tuple(words))
    return next(result for result in run_checks(case, HaIntent.REQUIRED, waived=ids) if result.id == check_id)


@pytest.mark.parametrize("check_id", BAD_STATES)
def test_the_bad_state_of_a_check_is_noticed_over_the_wire(wire: Wire, check_id: str) -> None:
    healthy = facts_of(wire)
    words = words_of(healthy)
    before = asked(healthy, check_id, words)
    wire.desk("POST", "/pool/bad-state", check=check_id)
    after = asked(facts_of(wire), check_id, words)
    assert before.result not in ("fail", after.result)
    assert after.result == ("warn" if check_id in WARNS else "fail"), after.detail


def test_every_check_has_a_bad_state_or_a_reason_why_a_pool_cannot_show_it() -> None:
    assert {spec.id for spec in registered()} == set(BAD_STATES) | set(WORD_ONLY)
    assert not set(BAD_STATES) & set(WORD_ONLY)


def test_a_bad_state_that_there_is_not_is_refused(wire: Wire) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        wire.desk("POST", "/pool/bad-state", check="HA-999")
    assert refused.value.code == 400
