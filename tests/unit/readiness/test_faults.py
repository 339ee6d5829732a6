"""Simulated single faults of a whole pool: who fences, which VMs are lost, and what is not known."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.cabling import cabling_of
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.faults.pairs import simulated_faults, single_points_of_failure
from readiness.core.faults.singles import SimulatedFault, switch_faults
from readiness.core.fence import FenceRule
from readiness.core.results import Result
from tests.builders.evidence import a_switch, a_trial, full_evidence, said, storage_nodes, switches
from tests.builders.pools import GIB, NOW, a_pool, a_vm, with_host, with_pbd, with_pif, without_bond
from tests.unit.readiness.cases import a_case

POOL = a_pool(vms=(a_vm("vm1"), a_vm("vm2", resident_on_uuid="h2", ha_restart_priority="")))


def faults(
    facts: PoolFacts = POOL, evidence: tuple[EvidenceItem, ...] | None = None, profile: str = "xenserver-8"
) -> dict[tuple[str, str], SimulatedFault]:
    shown = full_evidence(facts) if evidence is None else evidence
    return {(fault.kind, fault.subject): fault for fault in simulated_faults(a_case(facts, shown, profile=profile))}


def test_every_host_nic_switch_and_storage_node_is_simulated() -> None:
    kinds = [kind for kind, _ in faults()]
    found = {kind: kinds.count(kind) for kind in kinds if kind != "pair"}
    assert found == {"host": 3, "nic": 6, "switch": 2, "storage_node": 2}


def test_a_well_built_pool_loses_at_most_one_host_to_any_fault() -> None:
    assert {fault.result for fault in faults().values() if fault.kind != "pair"} == {Result.PASS}


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
    case = a_case(POOL, _one_switch(POOL))
    (fault,) = switch_faults(case, cabling_of(case))
    assert (fault.hosts_fenced, fault.survivors) == (("xen-h2", "xen-h3"), ("xen-h1",))
    assert (fault.result, fault.rule) == (Result.FAIL, FenceRule.TIE_BY_RANK)


def test_one_switch_for_all_that_carries_the_storage_too_fences_every_host() -> None:
    fault = faults(POOL, _one_switch(POOL))["switch", "sw-a"]
    assert (len(fault.hosts_fenced), fault.survivors, fault.vms_stranded) == (3, (), ("guest-vm1",))
    assert (fault.result, fault.rule) == (Result.FAIL, FenceRule.DISK_LOST_BY_ALL)


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


def test_a_trial_in_which_the_disk_was_nearly_lost_makes_the_node_unknown_again() -> None:
    near = a_trial(POOL, "san-a", tested_at=NOW, max_latency_s=121.0)
    assert faults(POOL, (*full_evidence(POOL), near))["storage_node", "san-a"].result is Result.UNKNOWN


def test_hosts_wired_to_one_node_only_fence_with_it() -> None:
    pool = with_pbd(with_pbd(POOL, "h2", portals=("10.9.0.1",)), "h3", portals=("10.9.0.1",))
    fault = faults(pool)["storage_node", "san-a"]
    assert (fault.hosts_fenced, fault.result) == (("xen-h2", "xen-h3"), Result.FAIL)


def test_storage_nodes_nobody_named_are_one_unknown_fault() -> None:
    fault = faults(POOL, ())["storage_node", "of SR san-lun0"]
    assert fault.result is Result.UNKNOWN and "storage nodes" in fault.detail


def test_a_host_that_is_down_already_is_not_simulated_as_a_member() -> None:
    assert ("host", "xen-h3") not in faults(with_host(POOL, "h3", live=False))


def paths(host: str, *ways: tuple[str, str, str]) -> EvidenceItem:
    """Where a host's ports lead, as somebody wrote it down: (port, node, switch)."""
    listed = [{"port": port, "node": node, "switch": switch} for port, node, switch in ways]
    return said(POOL, EvidenceKind.STORAGE_PATHS, host, paths=listed)


FABRICS = tuple(paths(host, ("hba0", "san-a", "fab-a"), ("hba1", "san-b", "fab-b")) for host in ("h1", "h2", "h3"))


def test_ports_that_a_person_named_are_storage_links_of_their_own() -> None:
    seen = faults(POOL, (*full_evidence(POOL), *FABRICS))
    assert {subject for kind, subject in seen if kind == "storage_link"} == {
        f"xen-h{n} hba{m}" for n in (1, 2, 3) for m in (0, 1)
    }
    assert {subject for kind, subject in seen if kind == "switch"} == {"sw-a", "sw-b", "fab-a", "fab-b"}
    assert {fault.result for fault in seen.values() if fault.kind != "pair"} == {Result.PASS}


def test_a_fabric_that_carries_every_path_of_two_hosts_is_a_single_point_of_failure() -> None:
    one = tuple(paths(host, ("hba0", "san-a", "fab-a"), ("hba1", "san-b", "fab-a")) for host in ("h1", "h2"))
    found = simulated_faults(a_case(POOL, (*full_evidence(POOL), *one, FABRICS[2])))
    (point,) = single_points_of_failure(found)
    assert (point.kind, point.subject, point.hosts_fenced) == ("switch", "fab-a", ("xen-h1", "xen-h2"))


def test_two_ports_of_one_host_cut_it_off_together_and_are_counted_once_for_all_hosts() -> None:
    pairs = [fault for fault in simulated_faults(a_case(POOL, (*full_evidence(POOL), *FABRICS))) if fault.kind == "pair"]
    (ports,) = [fault for fault in pairs if "hba0 and" in fault.subject and "hba1" in fault.subject]
    assert (ports.hosts_fenced, ports.alike, ports.result) == (("xen-h1",), 3, Result.WARN)


def test_both_storage_nodes_at_once_leave_the_hosts_together_without_a_disk() -> None:
    assert ("pair", "san-a and san-b") not in faults(POOL), "survival rule 2: all lose it and hear each other, so none fences"
    pair = faults(POOL, profile="xenserver-2010")["pair", "san-a and san-b"]
    assert (len(pair.hosts_fenced), pair.vms_stranded) == (3, ("guest-vm1",))


def test_a_power_feed_takes_what_hangs_on_it() -> None:
    feed = said(POOL, EvidenceKind.POWER_FEED, "feed A", hosts=["xen-h1", "h2"], switches=["sw-a"])
    fault = faults(POOL, (*full_evidence(POOL), feed))["power_feed", "feed A"]
    assert (fault.result, fault.survivors, fault.vms_lost) == (Result.FAIL, ("xen-h3",), ("guest-vm1", "guest-vm2"))
    assert (fault.hosts_off, fault.hosts_fenced) == (("xen-h1", "xen-h2"), ())


def test_a_port_of_a_host_whose_paths_nobody_knows_is_an_unknown_fault_of_that_host_alone() -> None:
    seen = faults(with_pbd(POOL, "h2", portals=()))
    assert seen["nic", "xen-h2 eth0"].result is Result.UNKNOWN
    assert seen["nic", "xen-h1 eth0"].result is Result.PASS
    assert seen["host", "xen-h2"].result is Result.PASS


def test_without_multipathing_nobody_knows_which_path_is_used() -> None:
    pool = with_host(with_pbd(POOL, "h2", multipathed=False), "h2", multipathing=False)
    assert faults(pool)["storage_node", "san-a"].result is Result.UNKNOWN
    assert faults(pool)["host", "xen-h1"].result is Result.PASS


def test_a_protected_vm_that_finds_no_room_or_is_tied_to_its_host_is_stranded() -> None:
    large = a_vm("vm1", memory_static_max_bytes=60 * GIB)
    crowded = a_pool(vms=(large, *(a_vm(f"f{n}", memory_static_max_bytes=60 * GIB, resident_on_uuid=f"h{n}") for n in (2, 3))))
    fault = faults(crowded)["host", "xen-h1"]
    assert (fault.vms_restarted, fault.vms_stranded, fault.result) == ((), ("guest-vm1",), Result.WARN)
    tied = a_pool(vms=(a_vm("vm1", host_devices=("vgpu",)),))
    assert faults(tied)["host", "xen-h1"].vms_stranded == ("guest-vm1",)
    unread = a_pool(vms=(a_vm("vm1", drives=UNKNOWN),))
    fault = faults(unread)["host", "xen-h1"]
    assert (fault.vms_restarted, fault.vms_stranded, fault.result) == ((), (), Result.WARN)
    assert "guest-vm1" in fault.detail


def test_vms_that_could_not_be_read_are_no_vms_that_are_safe() -> None:
    fault = faults(a_pool(vms=(), unreadable=(("VM", "the account may not"),)))["host", "xen-h1"]
    assert (fault.result, fault.vms_lost) == (Result.WARN, ()) and "the account may not" in fault.detail


def wired(hosts: int, evidence: bool = True) -> tuple[SimulatedFault, ...]:
    pool = a_pool(hosts=hosts)
    return simulated_faults(a_case(pool, full_evidence(pool) if evidence else ()))


def test_one_pair_of_a_class_stands_for_all_pairs_alike_and_says_how_many() -> None:
    small, large = ({fault.subject: fault for fault in wired(hosts) if fault.kind == "pair"} for hosts in (16, 17))
    assert small.keys() == large.keys(), "asked once or 2,000 times, the same pairs are worse than their parts"
    both = "xen-h1 eth0 and xen-h1 eth1"
    assert (small[both].alike, large[both].alike) == (16, 17)
    assert [len(small[key].hosts_fenced) for key in small] == [1, 1, 1, 16]
    assert [len(large[key].hosts_fenced) for key in small] == [1, 1, 1, 17]


redundancy = st.lists(st.sampled_from(["nic", "path", "switch"]), min_size=1, max_size=4)


@given(hosts=st.integers(2, 4), added=redundancy, cut=st.integers(1, 4))
def test_more_redundancy_never_makes_a_single_fault_worse(hosts: int, added: list[str], cut: int) -> None:
    whole = a_pool(hosts=hosts)
    poor = without_bond(with_pbd(whole, "h1", portals=("10.9.0.1",)), f"h{min(cut, hosts)}")
    better = with_pbd(poor, "h1", portals=("10.9.0.1", "10.9.0.2")) if "path" in added else poor
    better = whole if "nic" in added and "path" in added else better
    evidence = full_evidence(whole)
    worst = {(f.kind, f.subject): f for f in simulated_faults(a_case(poor, evidence)) if f.kind != "pair"}
    for fault in simulated_faults(a_case(better, evidence)):
        before = worst.get((fault.kind, fault.subject))
        if before is not None and fault.kind != "pair":
            assert SEVERITY.index(fault.result) <= SEVERITY.index(before.result), (before, fault)
            assert len(fault.hosts_fenced) <= len(before.hosts_fenced)


SEVERITY = (Result.PASS, Result.WARN, Result.UNKNOWN, Result.FAIL)
