"""Simulated single faults of a whole pool: who fences, which VMs are lost, and what is not known."""

from __future__ import annotations

from dataclasses import replace

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem
from readiness.core.faults import SimulatedFault, simulated_faults
from readiness.core.fence import FenceRule
from readiness.core.results import Result
from tests.builders.evidence import a_switch, a_trial, full_evidence, storage_nodes, switches
from tests.builders.pools import a_pool, a_vm, with_host, with_pbd, with_pif, without_bond
from tests.unit.readiness.cases import a_case

POOL = a_pool(vms=(a_vm("vm1"), a_vm("vm2", resident_on_uuid="h2", ha_restart_priority="")))


def faults(
    facts: PoolFacts = POOL, evidence: tuple[EvidenceItem, ...] | None = None, profile: str = "xenserver-8"
) -> dict[tuple[str, str], SimulatedFault]:
    shown = full_evidence(facts) if evidence is None else evidence
    return {(fault.kind, fault.subject): fault for fault in simulated_faults(a_case(facts, shown, profile=profile))}


def test_every_host_nic_switch_and_storage_node_is_simulated() -> None:
    kinds = [kind for kind, _ in faults()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"host": 3, "nic": 6, "switch": 2, "storage_node": 2}


def test_a_well_built_pool_loses_at_most_one_host_to_any_fault() -> None:
    assert {fault.result for fault in faults().values()} == {Result.PASS}


def test_a_dead_host_takes_its_vms_and_ha_restarts_the_protected_ones() -> None:
    fault = faults()["host", "xen-h1"]
    assert (fault.vms_lost, fault.vms_restarted, fault.survivors) == (("guest-vm1",), ("guest-vm1",), ("xen-h2", "xen-h3"))
    assert faults()["host", "xen-h2"].vms_restarted == ()


def test_a_host_with_one_management_nic_fences_when_it_fails() -> None:
    fault = faults(without_bond(POOL, "h2"))["nic", "xen-h2 eth0"]
    assert (fault.hosts_fenced, fault.vms_lost, fault.result) == (("xen-h2",), ("guest-vm2",), Result.PASS)


def test_a_bond_whose_other_link_is_down_already_is_no_bond() -> None:
    pool = with_pif(POOL, "h2-eth1", carrier=False)
    assert faults(pool)["nic", "xen-h2 eth0"].hosts_fenced == ("xen-h2",)


def test_a_link_nobody_could_read_makes_the_fault_unknown() -> None:
    fault = faults(with_pif(POOL, "h2-eth1", carrier=UNKNOWN))["nic", "xen-h2 eth0"]
    assert fault.result is Result.UNKNOWN and "xen-h2" in fault.detail


def _one_switch(pool: PoolFacts) -> tuple[EvidenceItem, ...]:
    rest = tuple(e for e in full_evidence(pool) if e.kind != "switch_of_slave")
    return rest + tuple(replace(e, value={**e.value, "switch": "sw-a"}) for e in switches(pool))


def test_one_switch_for_all_fences_all_but_the_lowest_ranked_host() -> None:
    fault = faults(POOL, _one_switch(POOL))["switch", "sw-a"]
    assert (fault.hosts_fenced, fault.survivors) == (("xen-h2", "xen-h3"), ("xen-h1",))
    assert (fault.result, fault.rule) == (Result.FAIL, FenceRule.TIE_BY_RANK)


def test_one_switch_for_all_fences_the_whole_pool_of_2010() -> None:
    fault = faults(POOL, _one_switch(POOL), "xenserver-2010")["switch", "sw-a"]
    assert (len(fault.hosts_fenced), fault.survivors, fault.vms_restarted) == (3, (), ())


def test_two_switches_of_one_stack_fail_as_one() -> None:
    stacked = tuple(a_switch(e.subject, e.value["switch"], stack="core") for e in switches(POOL))
    assert faults(POOL, stacked)["switch", "core"].result is Result.FAIL


def test_a_switch_fault_is_unknown_while_one_nic_is_unattested() -> None:
    partial = tuple(e for e in full_evidence(POOL) if e.subject != "h3-eth1")
    seen = faults(POOL, partial)
    assert seen["switch", "sw-a"].result is Result.UNKNOWN
    assert seen["switch", "behind xen-h3 eth1"].result is Result.UNKNOWN


def test_a_pool_of_two_loses_its_second_host_in_2010_when_the_first_dies() -> None:
    two = a_pool(hosts=2)
    assert faults(two, profile="xenserver-2010")["host", "xen-h1"].result is Result.FAIL
    assert faults(two)["host", "xen-h1"].result is Result.PASS


def test_a_storage_node_fault_is_unknown_until_a_trial_at_this_timeout_proves_it() -> None:
    assert faults(POOL)["storage_node", "san-a"].result is Result.PASS
    drifted = a_pool(timeout_s=60)
    assert faults(drifted, full_evidence(POOL))["storage_node", "san-a"].result is Result.UNKNOWN
    assert faults(POOL, (storage_nodes(),))["storage_node", "san-a"].result is Result.UNKNOWN


def test_a_storage_node_at_which_a_host_fenced_says_so() -> None:
    trial = a_trial(POOL, "san-a", fenced=("h2",))
    fault = faults(POOL, (storage_nodes(), trial))["storage_node", "san-a"]
    assert (fault.hosts_fenced, fault.vms_lost) == (("xen-h2",), ("guest-vm2",))


def test_hosts_wired_to_one_node_only_fence_with_it() -> None:
    pool = with_pbd(with_pbd(POOL, "h2", portals=("10.9.0.1",)), "h3", portals=("10.9.0.1",))
    fault = faults(pool)["storage_node", "san-a"]
    assert (fault.hosts_fenced, fault.result) == (("xen-h2", "xen-h3"), Result.FAIL)


def test_storage_nodes_nobody_named_are_one_unknown_fault() -> None:
    fault = faults(POOL, ())["storage_node", "of SR san-lun0"]
    assert fault.result is Result.UNKNOWN and "storage nodes" in fault.detail


def test_a_host_that_is_down_already_is_not_simulated_as_a_member() -> None:
    assert ("host", "xen-h3") not in faults(with_host(POOL, "h3", live=False))
